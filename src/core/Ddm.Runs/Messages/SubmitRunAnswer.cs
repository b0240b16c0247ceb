namespace Ddm.Runs;

/// <summary>What came of a <see cref="SubmitRun"/>.</summary>
/// <param name="Outcome">One of the constants below.</param>
/// <param name="Run">Name of the run; null where the spec could not be read.</param>
/// <param name="Messages">Why not, a line each; empty where the run is there.</param>
public sealed record SubmitRunAnswer(string Outcome, string? Run, IReadOnlyList<string> Messages)
{
    /// <summary>The run was created.</summary>
    public const string Created = "created";

    /// <summary>The run was there already, with the same spec: nothing was changed.</summary>
    public const string Existing = "existing";

    /// <summary>The run is there with another spec.</summary>
    public const string Taken = "taken";

    /// <summary>The spec is wrong, or what it names cannot be used.</summary>
    public const string Refused = "refused";

    /// <summary>The store does not answer: nothing is wrong with the spec, try again later.</summary>
    public const string Unavailable = "unavailable";
}

namespace Ddm.Runs;

/// <summary>The router.</summary>
public sealed record RouterSpec
{
    /// <summary>Its network.</summary>
    public required NetworkSpec Network { get; init; }

    /// <summary>Its training.</summary>
    public required TrainingSpec Training { get; init; }
}

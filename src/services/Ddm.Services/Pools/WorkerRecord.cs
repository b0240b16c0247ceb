using Ddm.Runs;

namespace Ddm.Services;

/// <summary>What a worker says of itself, <c>workers/{name}.json</c>: the blob's age, by the store's clock, says whether it lives.</summary>
public sealed record WorkerRecord
{
    /// <summary>The layout this version writes.</summary>
    public const int CurrentSchema = 1;

    /// <summary>Layout of this document.</summary>
    public required int Schema { get; init; }

    /// <summary>The worker's name, unique to its process.</summary>
    public required string Name { get; init; }

    /// <summary>Its machine.</summary>
    public required string Host { get; init; }

    /// <summary>The pool whose queue it takes slices from.</summary>
    public required string Pool { get; init; }

    /// <summary>What it computes in, whatever micro-batch and threads this says; null: in every class.</summary>
    public NumericsClass? Numerics { get; init; }

    /// <summary>The slice it is at: run and role; null: none.</summary>
    public string? Slice { get; init; }

    /// <summary>Images a second of its latest slices, by run and kind of role: <c>flowers experts</c>.</summary>
    public IReadOnlyDictionary<string, double> Rates { get; init; } = new Dictionary<string, double>();

    /// <summary>Roles whose slices failed here one after the other, since the last commit; one that failed twice stands twice.</summary>
    public IReadOnlyList<string> Failures { get; init; } = [];

    /// <summary>Why it takes no slices, and for how long; null: it does. Deleting the record lets it try again at once.</summary>
    public string? Cordoned { get; init; }

    /// <summary>The last slice it declined, and why; null: none.</summary>
    public string? Declined { get; init; }

    /// <summary>Key of <see cref="Rates"/>.</summary>
    public static string RateKey(string run, Role role) => $"{run} {(role.Kind == RoleKind.Expert ? "experts" : role.Path)}";
}

using System.Text.Json.Serialization;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>How a worker stands, by its own record.</summary>
public sealed record WorkerFacts
{
    /// <summary>Its name, unique to its process.</summary>
    public required string Name { get; init; }

    /// <summary>Its machine.</summary>
    public required string Host { get; init; }

    /// <summary>Whether it was heard of within <see cref="WorkerDirectory.Timeout"/>.</summary>
    public required bool Alive { get; init; }

    /// <summary>When it was heard of last, by the store's clock.</summary>
    public required DateTimeOffset LastSeen { get; init; }

    /// <summary>The run and role that it trains; null: none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Slice { get; init; }

    /// <summary>What it computes in; null: in every class.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public NumericsClass? Numerics { get; init; }

    /// <summary>Why it takes no slices; null: it does.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Cordoned { get; init; }

    /// <summary>The last slice it declined, and why; null: none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Declined { get; init; }

    /// <summary>Whether it takes slices.</summary>
    [JsonIgnore]
    public bool TakesSlices => Alive && Cordoned is null;

    /// <summary>The facts of a record.</summary>
    public static WorkerFacts Of(SeenWorker seen) => new()
    {
        Name = seen.Record.Name,
        Host = seen.Record.Host,
        Alive = seen.IsAlive,
        LastSeen = seen.LastSeen,
        Slice = seen.IsAlive ? seen.Record.Slice : null,
        Numerics = seen.Record.Numerics,
        Cordoned = seen.Record.Cordoned,
        Declined = seen.Record.Declined,
    };
}

namespace Ddm.Runs;

/// <summary>What every expert starts from besides (seed, role).</summary>
public sealed record InitSpec
{
    /// <summary><see cref="Prediction"/>: velocity.</summary>
    public const string Velocity = "velocity";

    /// <summary><see cref="Prediction"/>: noise.</summary>
    public const string Epsilon = "epsilon";

    /// <summary>The seed checkpoint's file or folder, relative to the spec; null: none.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>What the seed predicts; null: its header or its <c>config.json</c> says it.</summary>
    public string? Prediction { get; init; }

    /// <summary>Which end of the seed's time is data; null: as for <see cref="Prediction"/>.</summary>
    public string? Time { get; init; }

    /// <summary>What the seed's time in [0, 1] is multiplied by; null: as for <see cref="Prediction"/>.</summary>
    public double? TimeScale { get; init; }

    /// <summary>Heads of the seed's attention; null: its header, its <c>config.json</c> or its published width says it.</summary>
    public int? Heads { get; init; }
}

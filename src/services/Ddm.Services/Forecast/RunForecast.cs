namespace Ddm.Services;

/// <summary>What a run would take on this machine: see <see cref="Forecaster"/>.</summary>
public sealed record RunForecast
{
    /// <summary>The stages, in their order.</summary>
    public required IReadOnlyList<StageForecast> Stages { get; init; }

    /// <summary>The kinds of roles.</summary>
    public required IReadOnlyList<RoleForecast> Roles { get; init; }

    /// <summary>Highest resident memory of training, bytes.</summary>
    public required long PeakMemory { get; init; }

    /// <summary>What was measured, what was counted and what was guessed.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>Wall-clock time, seconds.</summary>
    public double Seconds => Stages.Sum(stage => stage.Seconds);

    /// <summary>Floating-point operations of training, as the report counts them: three forward passes an image.</summary>
    public double TrainingFlops => Roles.Sum(role => role.Flops);

    /// <summary>Bytes on disk when the run is done.</summary>
    public long Disk => Stages.Sum(stage => stage.Disk);

    /// <summary>Bytes written on the way.</summary>
    public long Written => Stages.Sum(stage => stage.Written);

    /// <summary>Bytes read on the way.</summary>
    public long Read => Stages.Sum(stage => stage.Read);
}

/// <summary>One stage.</summary>
/// <param name="Stage">Its name.</param>
/// <param name="Seconds">Wall-clock time.</param>
/// <param name="Flops">Floating-point operations.</param>
/// <param name="Disk">Bytes it leaves.</param>
/// <param name="Written">Bytes it writes.</param>
/// <param name="Read">Bytes it reads.</param>
/// <param name="Basis">Where the time comes from.</param>
public sealed record StageForecast(string Stage, double Seconds, double Flops, long Disk, long Written, long Read, string Basis);

/// <summary>One kind of role.</summary>
/// <param name="Role">expert or router.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Parameters">Of one network.</param>
/// <param name="Steps">Steps of one.</param>
/// <param name="SecondsPerStep">Measured.</param>
/// <param name="ImagesPerSecond">Measured.</param>
/// <param name="Seconds">Of all of this kind, one after the other.</param>
/// <param name="Flops">Of all of this kind.</param>
/// <param name="CheckpointBytes">Of one checkpoint.</param>
/// <param name="Commits">Of one role.</param>
/// <param name="Basis">What was measured.</param>
public sealed record RoleForecast(
    string Role, int Count, long Parameters, int Steps, double SecondsPerStep, double ImagesPerSecond, double Seconds, double Flops, long CheckpointBytes, long Commits,
    string Basis);

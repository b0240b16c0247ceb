namespace Ddm.Services;

/// <summary>How often a model that is being trained is drawn from.</summary>
/// <param name="LookEvery">Time between two looks at how far runs have come, at least.</param>
/// <param name="Step">Percent of the way between two grids.</param>
/// <param name="ExpertBytes">Bytes that experts may take in memory while they draw, beside what is trained.</param>
public sealed record GridSettings(TimeSpan LookEvery, int Step, long ExpertBytes)
{
    /// <summary>Those of the services.</summary>
    public static GridSettings Usual { get; } = new(TimeSpan.FromSeconds(5), 10, 2L << 30);
}

namespace Ddm.Bench;

/// <summary>What one side took, round by round.</summary>
/// <param name="Name">The side.</param>
/// <param name="Seconds">In the order of the rounds.</param>
internal sealed record SideTimes(string Name, IReadOnlyList<double> Seconds)
{
    /// <summary>The median round, seconds.</summary>
    public double Median => Statistics.Median(Seconds);

    /// <summary>The quickest round, seconds.</summary>
    public double Best => Seconds.Min();

    /// <summary>The slowest round, seconds.</summary>
    public double Worst => Seconds.Max();

    /// <summary>How many times as long as <paramref name="other"/> this side took: the median of the rounds' ratios.</summary>
    public double Over(SideTimes other) => Statistics.Median([.. Seconds.Zip(other.Seconds, (mine, theirs) => mine / theirs)]);
}

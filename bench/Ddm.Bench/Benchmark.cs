namespace Ddm.Bench;

/// <summary>Something measured beside its peer.</summary>
internal abstract class Benchmark
{
    /// <summary>What it is called on the command line: <c>kmeans</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Its heading in the report.</summary>
    public abstract string Title { get; }

    /// <summary>Measures; minutes at most.</summary>
    public abstract Task<Section> MeasureAsync(CancellationToken cancellationToken);
}

namespace Ddm.Bench;

/// <summary>The benchmarks, in the order of the report.</summary>
internal static class AllBenchmarks
{
    public static IReadOnlyList<Benchmark> List { get; } =
    [
        new MatrixProductBenchmark(),
        new CheckpointBenchmark(),
        new SafetensorsBenchmark(),
        new SourcesBenchmark(),
        new MicroBenchmark(),
    ];
}

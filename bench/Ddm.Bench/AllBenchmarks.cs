namespace Ddm.Bench;

/// <summary>The benchmarks, in the order of the report.</summary>
internal static class AllBenchmarks
{
    public static IReadOnlyList<Benchmark> List { get; } =
    [
        new MatrixProductBenchmark(),
        new TrainingStepBenchmark(),
        new MemoryBenchmark(),
        new SamplingBenchmark(),
        new ServingBenchmark(),
        new ExpertHostsBenchmark(),
        new DinoV2Benchmark(),
        new KMeansBenchmark(),
        new KMeansMemoryBenchmark(),
        new CheckpointBenchmark(),
        new SafetensorsBenchmark(),
        new LargeNetworkBenchmark(),
        new IngestBenchmark(),
        new SourcesBenchmark(),
        new DataWayBenchmark(),
        new ScaleBenchmark(),
        new OverheadBenchmark(),
        new MicroBenchmark(),
    ];
}

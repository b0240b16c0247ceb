using System.Diagnostics;
using System.Globalization;
using Ddm.Partitioning;
using Ddm.Tensors;

namespace Ddm.Bench;

/// <summary>The memory k-means of a million points takes besides the points.</summary>
internal sealed class KMeansMemoryBenchmark : Benchmark
{
    private const int Rows = 1_000_000, Dimensions = 384, Clusters = 1024;
    private const long Bound = 500_000_000;

    public override string Name => "kmeans-1m";

    public override string Title => "k-means of a million points";

    public override Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        TorchRuntime.SetThreads(Environment.ProcessorCount);
        using var points = new ClusteredPoints("overlapping", 1500, 0.3f, null).Draw(Rows, Dimensions, seed: 1);
        cancellationToken.ThrowIfCancellationRequested();
        GC.Collect();
        ProcessMemory.ResetPeak();
        var before = ProcessMemory.Resident();
        var started = Stopwatch.GetTimestamp();
        var result = KMeans.Fit(points, null, Clusters, seed: 1);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var extra = ProcessMemory.Peak() - before;
        return Task.FromResult(new Section(
            $"{Cells.Count(Rows)} points of {Dimensions} dimensions, {Clusters} centroids, default options: 32 bounds of a float a point, and a sample for the seeds.",
            ["points", "peak above them", "seconds", "iterations"],
            [[Cells.Megabytes(4L * Rows * Dimensions), Cells.Megabytes(extra), Cells.Seconds(seconds), result.Iterations.ToString(CultureInfo.InvariantCulture)]],
            [new Target($"at most {Cells.Megabytes(Bound)} above the points", Cells.Megabytes(extra), extra <= Bound)]));
    }
}

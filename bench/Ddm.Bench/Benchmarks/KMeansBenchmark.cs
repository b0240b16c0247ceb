using System.Diagnostics;
using System.Globalization;
using Ddm.Partitioning;
using Ddm.Tensors;
using TorchSharp;

namespace Ddm.Bench;

/// <summary>k-means beside faiss and scikit-learn, each as it comes, until it says that it is done.</summary>
internal sealed class KMeansBenchmark : Benchmark
{
    private const int Rows = 100_000, Dimensions = 384, Clusters = 1024, Seeds = 3;

    private static readonly ClusteredPoints[] Data =
        [new("apart", 1024, 1.0f, null), new("overlapping", 1500, 0.3f, null), new("low-dimensional", 2000, 1.5f, 24)];

    public override string Name => "kmeans";

    public override string Title => "k-means of clustered points";

    public override Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        TorchRuntime.SetThreads(Environment.ProcessorCount);
        var (rows, targets, versions) = (new List<IReadOnlyList<string>>(), new List<Target>(), new SortedSet<string>(StringComparer.Ordinal));
        foreach (var data in Data)
        {
            var file = Path.GetTempFileName();
            try
            {
                using var points = data.Draw(Rows, Dimensions, seed: 1);
                Write(file, points);
                Compare(data, points, file, rows, targets, versions, cancellationToken);
            }
            finally
            {
                File.Delete(file);
            }
        }

        return Task.FromResult(new Section(
            $"{Cells.Count(Rows)} points of {Dimensions} dimensions, {Clusters} centroids, {Environment.ProcessorCount} threads. Data: 1,024 components apart (spread of centres 1.0); 1,500 " +
            "overlapping (0.3); 2,000 in 24 dimensions (1.5), mapped into all. One pass over all distances is 2 N K D = " +
            $"{2e-9 * Rows * Clusters * Dimensions:F1} GFLOP. Ours: default options, three seeds, the slowest and the worst counted. faiss: niter 25, nredo 1, all points; scikit-learn: n_init 1. Inertia in " +
            $"float64 over all points. Peers: {string.Join(", ", versions)}.",
            ["data", "who", "seconds", "iterations", "inertia over the best", "time over ours"], rows, targets));
    }

    private static void Compare(
        ClusteredPoints data, torch.Tensor points, string file, List<IReadOnlyList<string>> rows, List<Target> targets, SortedSet<string> versions,
        CancellationToken cancellationToken)
    {
        (string Script, string Name, string Last)[] peers =
        [
            ("kmeans_faiss.py", "faiss", "25"), ("kmeans_sklearn.py", "scikit-learn lloyd", "lloyd"), ("kmeans_sklearn.py", "scikit-learn elkan", "elkan"),
            ("kmeans_sklearn.py", "scikit-learn minibatch", "minibatch"),
        ];
        var answers = new List<(string Name, double Seconds, int Iterations, double Inertia)>();
        var own = Enumerable.Range(1, Seeds).Select(seed => Ours(points, seed)).ToArray();
        answers.Add(("ours", own.Max(run => run.Seconds), own.Max(run => run.Iterations), own.Max(run => run.Inertia)));
        foreach (var (script, name, last) in peers)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var peer = PythonPeer.Start(script, file, Text(Dimensions), Text(Clusters), last);
            versions.Add(peer.Versions);
            var answer = peer.Round();
            answers.Add((name, answer.GetProperty("seconds").GetDouble(), answer.GetProperty("iterations").GetInt32(), answer.GetProperty("inertia").GetDouble()));
        }

        var best = answers.Min(answer => answer.Inertia);
        rows.AddRange(answers.Select(answer => (IReadOnlyList<string>)
            [data.Name, answer.Name, Cells.Seconds(answer.Seconds), Text(answer.Iterations), $"{(answer.Inertia / best).ToString("F4", CultureInfo.InvariantCulture)}",
                Cells.Ratio(answer.Seconds / answers[0].Seconds)]));
        var rivals = answers.Where(answer => answer.Name is not "ours" and not "scikit-learn minibatch").ToArray();
        var quickest = rivals.Min(answer => answer.Seconds);
        targets.Add(new Target(
            $"{data.Name}: faster than faiss and scikit-learn", Cells.Ratio(quickest / answers[0].Seconds) + " the quickest of them", quickest > answers[0].Seconds));
        var excess = (answers[0].Inertia / rivals.Min(answer => answer.Inertia)) - 1;
        targets.Add(new Target($"{data.Name}: inertia within 1 % of their best", Cells.Percent(excess), excess <= 0.01));
    }

    private static (double Seconds, int Iterations, double Inertia) Ours(torch.Tensor points, long seed)
    {
        var started = Stopwatch.GetTimestamp();
        var result = KMeans.Fit(points, null, Clusters, seed);
        return (Stopwatch.GetElapsedTime(started).TotalSeconds, result.Iterations, Inertia(points, result.Centroids));
    }

    private static double Inertia(torch.Tensor points, float[] centroids)
    {
        using var scope = torch.NewDisposeScope();
        var centres = torch.tensor(centroids, [centroids.Length / Dimensions, Dimensions]).to(torch.float64);
        var total = 0.0;
        for (var start = 0; start < Rows; start += 2000)
        {
            using var step = torch.NewDisposeScope();
            var distances = torch.cdist(points.narrow(0, start, Math.Min(2000, Rows - start)).to(torch.float64), centres);
            total += distances.amin([1]).square().sum().item<double>();
        }

        return total;
    }

    private static void Write(string file, torch.Tensor points)
    {
        using var stream = File.Create(file);
        stream.Write(points.bytes);
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}

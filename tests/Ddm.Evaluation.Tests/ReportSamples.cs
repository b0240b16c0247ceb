using Ddm.Runs;

namespace Ddm.Evaluation.Tests;

/// <summary>Reports of runs that never were, but look like ones that could be.</summary>
internal static class ReportSamples
{
    public static readonly string[] ClassNames = ["T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];

    public static ReportModel Full(Func<string, byte[]>? png = null)
    {
        png ??= _ => [137, 80, 78, 71];
        return new ReportModel
        {
            RunName = "fashion-quickstart",
            SpecText = "name: fashion-quickstart\nseed: 0\ndata:\n  source: fashion-mnist\n  image_size: 28\n  channels: 1\npartition:\n  experts: 4\nmodel:\n  hidden: 128\n  depth: 4\n  heads: 4\n  patch: 4\n",
            WrittenAt = new DateTimeOffset(2025, 6, 1, 12, 0, 0, TimeSpan.Zero),
            ModelVersion = "1",
            DefaultStrategy = "ancestral",
            Warnings = ["expert 3 stopped at step 1,412 of 2,000: pictures of its cluster are drawn from an unfinished network."],
            Dataset = new DatasetFacts("fashion-mnist-29700d26", 9487, 513, 2, 28, 1, ClassNames),
            Clusters = Clusters(png),
            Roles = [.. Enumerable.Range(0, 4).Select(Expert), RouterRole()],
            Router = Router(),
            Grids =
            [
                new SampleGrid("ancestral", png("ancestral"), "One expert an image, drawn by the router’s prior. The default.", "0 to 79"),
                new SampleGrid("top-1", png("top-1"), "The likeliest expert at every step: watch for classes that all look alike.", "0 to 79"),
                new SampleGrid("full", png("full"), "All experts, weighted, at four times the cost.", "0 to 79"),
                new SampleGrid("expert 0 alone", png("expert0"), "What it knows of each class.", "0 to 79"),
                new SampleGrid("expert 1 alone", png("expert1"), string.Empty, "0 to 79"),
            ],
            Agreements = [Agreement("ancestral", 0.86), Agreement("top-1", 0.80), Agreement("full", 0.87)],
            Distances = [new("ancestral", "pixels (PCA 64)", 1000, 9487, 41.23, 0.0123), new("real against real", "pixels (PCA 64)", 1000, 9487, 2.11, -0.0001), new("top-1", "pixels (PCA 64)", 1000, 9487, 84.9, null)],
            Stages = [new("ingest", 3.1), new("features", 1.4), new("partition", 6.2), new("clusters", 0.8), new("training", 203.5), new("evaluation", 31.9), new("publication", 0.4)],
            Numerics = Enumerable.Range(0, 4).Select(Role.Expert).Append(Role.Router)
                .ToDictionary(role => role.Path, role => new NumericsClass("cpu-avx2", "float32", role == Role.Router ? 128 : 64, 2, "libtorch 2.10.0; TorchSharp 0.107.0", true)),
            Versions = [new("DdmAspire", "0.1.0"), new(".NET", "10.0.1"), new("TorchSharp", "0.107.0"), new("data set", "fashion-mnist-29700d2619a13e633023aa17c9fb6b99")],
            Commands =
            [
                new("Run it again", "dotnet run -c Release --project src/cli/Ddm.Cli -- run samples/quickstart.yaml"),
                new("Draw from it", "ddm sample fashion-quickstart --strategy ancestral --steps 20 --guidance 1.5 --seed 0 --n 80"),
            ],
        };
    }

    public static RouterReport Router() => new(4, 513, 1.379, 0.52, 0.277, [.. Enumerable.Range(0, 10).Select(bin =>
    {
        var (from, to) = (bin / 10.0, (bin + 1) / 10.0);
        var middle = (from + to) / 2;
        return new RouterBin(from, to, 513, 0.08 + (0.5 * Math.Pow(middle, 3)), 0.97 - (0.18 * middle * middle), 0.07 + (0.46 * Math.Pow(middle, 3)), 0.02 + (0.02 * Math.Sin(9 * middle)));
    })]);

    private static ClusterFacts Clusters(Func<string, byte[]> png) => new()
    {
        Features = "pixels",
        FineCentroids = 243,
        Sizes = [2630, 2411, 2295, 2151],
        Cap = 1.25,
        Imbalance = 1.109,
        Silhouette = 0.214,
        ClassesByCluster = [.. Enumerable.Range(0, 4).Select(k => (IReadOnlyList<long>)[.. Enumerable.Range(0, 10).Select(c => (long)(c % 4 == k ? 800 : (c + k) % 3 == 0 ? 0 : 41 * (c + 1)))])],
        ContactSheets = [.. Enumerable.Range(0, 4).Select(k => (ReadOnlyMemory<byte>)png("cluster" + (char)('0' + k)))],
    };

    private static RoleFacts Expert(int k) => new()
    {
        Role = Role.Expert(k).Path,
        Parameters = 1_240_000,
        Step = k == 3 ? 1412 : 2000,
        TargetSteps = 2000,
        Status = k == 3 ? "training" : "complete",
        TrainingLoss = Curve(k, k == 3 ? 1412 : 2000, 1, 0.16 + (0.02 * k), 1.1, 0.02),
        HeldOutLoss = Curve(k + 50, k == 3 ? 1412 : 2000, 250, 0.165 + (0.02 * k), 0.5, 0.001),
        ImagesSeen = 64 * (k == 3 ? 1412 : 2000),
        TrainingSeconds = 46.3 + k,
        TrainingFlops = 3.1e13,
        CheckpointSha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0" + (char)('0' + k),
    };

    private static RoleFacts RouterRole() => new()
    {
        Role = Role.Router.Path,
        IsRouter = true,
        Parameters = 98_000,
        Step = 1500,
        TargetSteps = 1500,
        TrainingLoss = Curve(9, 1500, 1, 0.21, 1.2, 0.05),
        HeldOutLoss = Curve(10, 1500, 250, 0.24, 0.4, 0.002),
        ImagesSeen = 128 * 1500,
        TrainingSeconds = 12.7,
        TrainingFlops = 5.2e12,
        CheckpointSha256 = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    };

    private static CurvePoint[] Curve(int seed, int steps, int every, double floor, double height, double noise)
    {
        var state = (uint)seed + 17;
        return [.. Enumerable.Range(1, steps / every).Select(i =>
        {
            state = (state * 1664525) + 1013904223;
            var jitter = (state / (double)uint.MaxValue) - 0.5;
            var at = i * every;
            return new CurvePoint(at, floor + (height * Math.Exp(-at / 90.0)) + (noise * 8 / Math.Sqrt(at + 10)) + (2 * noise * jitter));
        })];
    }

    private static AgreementFacts Agreement(string title, double level)
    {
        var confusion = Enumerable.Range(0, 10).Select(a => (IReadOnlyList<long>)[.. Enumerable.Range(0, 10).Select(b => (long)(a == b ? 100 * level - (a == 6 ? 25 : 0) : a == 6 && b == 0 ? 20 : (a + b) % 5 == 0 ? 4 : 0))]).ToArray();
        var shares = confusion.Select((row, c) => row[c] / (double)row.Sum()).ToArray();
        var calibration = new ClassAgreementResult(513, 0.893, [.. shares.Select(share => Math.Min(1, share + 0.03))], confusion, null);
        return new AgreementFacts(title, new ClassAgreementResult(1000, shares.Average(), shares, confusion, calibration));
    }
}

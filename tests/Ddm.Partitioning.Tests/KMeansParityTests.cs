using System.Text.Json;
using Ddm.Tensors;
using Ddm.Tests;
using static TorchSharp.torch;

namespace Ddm.Partitioning.Tests;

/// <summary>
/// Against scikit-learn and faiss on the same points. Folders are found by name (<c>kmeans*</c>) under tests/fixtures and under $DDM_FIXTURES;
/// each holds <c>io.safetensors</c> (data, truth_component, stage2_points, stage2_weights) and <c>expected.json</c>.
/// </summary>
public sealed class KMeansParityTests
{
    public static TheoryData<string> Folders => FixtureFolders.OfKind("kmeans");

    [Theory]
    [MemberData(nameof(Folders))]
    public void ParityOfInertiaWithManyRestarts(string folder)
    {
        using var fixture = Fixture.Open(folder);
        var result = KMeans.Fit(fixture.Data, null, fixture.K, seed: 1, new KMeansOptions { Restarts = 10 });
        var inertia = Points.Inertia(fixture.Data, result.Centroids);
        TestContext.Current.TestOutputHelper?.WriteLine($"10 restarts: inertia {inertia} = {inertia / fixture.BestInertia:F4} of the best known");
        Assert.Equal(inertia, result.Inertia, 1e-5 * inertia);
        Assert.True(inertia <= 1.01 * fixture.BestInertia, $"{inertia} against {fixture.BestInertia}");
        var rand = Points.AdjustedRand(fixture.Truth, result.Assignment);
        Assert.True(rand >= fixture.LowestRand - 0.06, $"adjusted Rand index {rand} against {fixture.LowestRand}");
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void ParityOfInertiaWithOneRestart(string folder)
    {
        using var fixture = Fixture.Open(folder);
        for (var seed = 0; seed < 3; seed++)
        {
            var inertia = Points.Inertia(fixture.Data, KMeans.Fit(fixture.Data, null, fixture.K, seed).Centroids);
            Assert.True(inertia <= 1.03 * fixture.BestInertia, $"seed {seed}: {inertia} against {fixture.BestInertia}");
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void ParityOfTheWeightedSecondStage(string folder)
    {
        using var fixture = Fixture.Open(folder);
        var result = KMeans.Fit(fixture.Stage2Points, fixture.Stage2Weights, fixture.K2, seed: 1, new KMeansOptions { Restarts = 400, Tolerance = 0, Gain = 0 });
        var weights = Array.ConvertAll(fixture.Stage2Weights.data<float>().ToArray(), weight => (double)weight);
        var inertia = Points.Inertia(fixture.Stage2Points, result.Centroids, weights);
        Assert.True(inertia <= 1.005 * fixture.BestStage2, $"{inertia} against {fixture.BestStage2}");
    }

    private sealed class Fixture : IDisposable
    {
        private readonly TensorBundle bundle;
        private readonly JsonDocument expected;

        private Fixture(TensorBundle bundle, JsonDocument expected)
        {
            this.bundle = bundle;
            this.expected = expected;
            Data = bundle.Tensors["data"].to(float32);
            Truth = Array.ConvertAll(bundle.Tensors["truth_component"].to(float32).data<float>().ToArray(), label => (int)label);
            Stage2Points = bundle.Tensors["stage2_points"].to(float32);
            Stage2Weights = bundle.Tensors["stage2_weights"].to(float32);
        }

        public Tensor Data { get; }

        public int[] Truth { get; }

        public Tensor Stage2Points { get; }

        public Tensor Stage2Weights { get; }

        public int K => expected.RootElement.GetProperty("k").GetInt32();

        public int K2 => expected.RootElement.GetProperty("k2").GetInt32();

        public double BestInertia => Runs("sklearn").Concat(Runs("faiss")).Min();

        public double LowestRand => expected.RootElement.GetProperty("sklearn").GetProperty("runs").EnumerateArray()
            .Min(run => run.GetProperty("ari_components").GetDouble());

        public double BestStage2 => expected.RootElement.GetProperty("stage2").GetProperty("best_known_weighted_inertia").GetDouble();

        public static Fixture Open(string folder)
        {
            using var file = File.OpenRead(Path.Combine(folder, "io.safetensors"));
            return new Fixture(TensorFile.Load(file), JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "expected.json"))));
        }

        public void Dispose()
        {
            Data.Dispose();
            Stage2Points.Dispose();
            Stage2Weights.Dispose();
            bundle.Dispose();
            expected.Dispose();
        }

        private IEnumerable<double> Runs(string library) => expected.RootElement.GetProperty(library).GetProperty("runs").EnumerateArray()
            .Select(run => run.GetProperty(library == "sklearn" ? "inertia" : "inertia_all_points").GetDouble());
    }
}

using System.Globalization;
using System.Text.Json;
using Ddm.Tensors;
using Ddm.Tests;
using static TorchSharp.torch;

namespace Ddm.Evaluation.Tests;

/// <summary>Against the outputs of public reference implementations: see each fixture's README.</summary>
public sealed class MetricsParityTests
{
    private const string Neighbours = "prdc_k";

    public static TheoryData<string> Folders => FixtureFolders.OfKind("metrics");

    [Theory]
    [MemberData(nameof(Folders))]
    public void FrechetDistanceIsTheReferences(string folder)
    {
        var (features, expected) = Read(folder);
        using (features)
        {
            var (real, fake) = (features.Tensors["real"], features.Tensors["fake"]);
            Close(expected.GetProperty("fd").GetProperty("fd").GetDouble(), FrechetDistance.Between(real, fake), 1e-6);
            Close(expected.GetProperty("fd").GetProperty("fd_nuclear_norm_form").GetDouble(), FrechetDistance.OfFewRows(real, fake), 1e-6);
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void FrechetDistanceOfFewRowsIsTheReferences(string folder)
    {
        var (features, expected) = Read(folder);
        using (features)
        {
            var (real, fake) = (features.Tensors["real_low"], features.Tensors["fake_low"]);
            var reference = expected.GetProperty("low_n").GetProperty("fd").GetProperty("fd_nuclear_norm_form").GetDouble();
            Close(reference, FrechetDistance.Between(real, fake), 1e-9);
            using var a = FeatureStatistics.Of(real);
            using var b = FeatureStatistics.Of(fake);
            Close(reference, FrechetDistance.Between(a, b), 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void KernelDistanceIsTheReferences(string folder)
    {
        var (features, expected) = Read(folder);
        using (features)
        {
            var kd = expected.GetProperty("kd");
            var (real, fake) = (features.Tensors["real"], features.Tensors["fake"]);
            Close(kd.GetProperty("full_unbiased").GetDouble(), KernelDistance.Between(real, fake), 1e-8);
            for (var i = 0; i < Math.Min(5, kd.GetProperty("n_subsets").GetInt32()); i++)
            {
                using var x = Subset(real, kd, "real", i);
                using var y = Subset(fake, kd, "fake", i);
                Close(kd.GetProperty("subset_values")[i].GetDouble(), KernelDistance.Between(x, y), 1e-8);
            }

            Close(
                expected.GetProperty("low_n").GetProperty("kd_full_unbiased").GetDouble(), KernelDistance.Between(features.Tensors["real_low"], features.Tensors["fake_low"]), 1e-8);
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void NeighbourMetricsAreTheReferences(string folder)
    {
        var compared = 0;
        var (features, expected) = Read(folder);
        using (features)
        {
            foreach (var prdc in expected.EnumerateObject().Where(entry => entry.Name.StartsWith(Neighbours, StringComparison.Ordinal)))
            {
                var k = int.Parse(prdc.Name[Neighbours.Length..], CultureInfo.InvariantCulture);
                Same(prdc.Value, NeighbourMetrics.Measure(features.Tensors["real"], features.Tensors["fake"], k));
                Same(expected.GetProperty("low_n").GetProperty(prdc.Name), NeighbourMetrics.Measure(features.Tensors["real_low"], features.Tensors["fake_low"], k));
                compared++;
            }
        }

        Assert.True(compared > 0, $"{folder} has no {Neighbours}*");
    }

    private static void Same(JsonElement expected, NeighbourMetrics actual)
    {
        Assert.Equal(expected.GetProperty("precision").GetDouble(), actual.Precision, 1e-12);
        Assert.Equal(expected.GetProperty("recall").GetDouble(), actual.Recall, 1e-12);
        Assert.Equal(expected.GetProperty("density").GetDouble(), actual.Density, 1e-12);
        Assert.Equal(expected.GetProperty("coverage").GetDouble(), actual.Coverage, 1e-12);
    }

    private static Tensor Subset(Tensor rows, JsonElement kd, string set, int number)
    {
        var (a, b) = (kd.GetProperty("a_" + set)[number].GetInt64(), kd.GetProperty("b_" + set)[number].GetInt64());
        using var index = tensor(Enumerable.Range(0, kd.GetProperty("subset_size").GetInt32()).Select(j => ((a * j) + b) % rows.size(0)).ToArray());
        return rows.index_select(0, index);
    }

    private static void Close(double expected, double actual, double relative) => Assert.Equal(expected, actual, relative * Math.Abs(expected));

    private static (TensorBundle Features, JsonElement Expected) Read(string folder)
    {
        using var stream = File.OpenRead(Path.Combine(folder, "io.safetensors"));
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "expected.json")));
        return (TensorFile.Load(stream), json.RootElement.Clone());
    }
}

using Ddm.Tensors;
using Ddm.Runs;
using static Ddm.Diffusion.Tests.Closeness;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

public class DiTTests
{
    private static readonly DiTConfig Small = new(8, 3, 2, 32, 2, 4, 4, 5, 0.1);

    /// <summary>Counts of the published models: 32 x 32 x 4 latents, 1000 classes, learned sigma.</summary>
    [Theory]
    [InlineData(384, 12, 6, 32_963_360)] // S/2
    [InlineData(768, 12, 12, 130_512_416)] // B/2
    [InlineData(1024, 24, 16, 458_102_816)] // L/2
    [InlineData(1152, 28, 16, 675_129_632)] // XL/2
    public void ParameterCountsAreThePublishedOnes(int hidden, int depth, int heads, long parameters)
        => Assert.Equal(parameters, ParameterCount.Of(new DiTConfig(32, 4, 2, hidden, depth, heads, 4, 1000, 0.1, LearnSigma: true)));

    [Fact]
    public void CountedParametersAreThoseOfTheNetworks()
    {
        using var expert = new DiT(Small);
        using var router = new RouterNetwork(Small, 7);
        using var unconditional = new DiT(Small with { Classes = 0, LearnSigma = true });
        Assert.Equal(expert.state_dict().Values.Sum(p => p.numel()), ParameterCount.Of(Small));
        Assert.Equal(router.state_dict().Values.Sum(p => p.numel()), ParameterCount.OfRouter(Small, 7));
        Assert.Equal(unconditional.state_dict().Values.Sum(p => p.numel()), ParameterCount.Of(unconditional.Config));
    }

    [Fact]
    public void NamesAndShapesAreThoseOfPublishedCheckpoints()
    {
        using var network = new DiT(Small with { LearnSigma = true, Depth = 1 });
        var shapes = network.state_dict().ToDictionary(p => p.Key, p => string.Join("x", p.Value.shape));
        Assert.Equal(
            new SortedDictionary<string, string>(StringComparer.Ordinal)
            {
                ["pos_embed"] = "1x16x32",
                ["x_embedder.proj.weight"] = "32x3x2x2",
                ["x_embedder.proj.bias"] = "32",
                ["t_embedder.mlp.0.weight"] = "32x256",
                ["t_embedder.mlp.0.bias"] = "32",
                ["t_embedder.mlp.2.weight"] = "32x32",
                ["t_embedder.mlp.2.bias"] = "32",
                ["y_embedder.embedding_table.weight"] = "6x32",
                ["blocks.0.attn.qkv.weight"] = "96x32",
                ["blocks.0.attn.qkv.bias"] = "96",
                ["blocks.0.attn.proj.weight"] = "32x32",
                ["blocks.0.attn.proj.bias"] = "32",
                ["blocks.0.mlp.fc1.weight"] = "128x32",
                ["blocks.0.mlp.fc1.bias"] = "128",
                ["blocks.0.mlp.fc2.weight"] = "32x128",
                ["blocks.0.mlp.fc2.bias"] = "32",
                ["blocks.0.adaLN_modulation.1.weight"] = "192x32",
                ["blocks.0.adaLN_modulation.1.bias"] = "192",
                ["final_layer.linear.weight"] = "24x32",
                ["final_layer.linear.bias"] = "24",
                ["final_layer.adaLN_modulation.1.weight"] = "64x32",
                ["final_layer.adaLN_modulation.1.bias"] = "64",
            },
            new SortedDictionary<string, string>(shapes, StringComparer.Ordinal));
    }

    [Fact]
    public void ThePositionTableIsSavedButNotTrained()
    {
        using var network = new DiT(Small);
        Assert.Contains("pos_embed", network.state_dict().Keys);
        Assert.DoesNotContain(network.TrainableParameters(), p => p.Name == "pos_embed");
        Assert.DoesNotContain(network.parameters(), p => p.Handle == network.state_dict()["pos_embed"].Handle);
    }

    [Fact]
    public void AFreshNetworkAnswersZeroAndAFreshRouterTheUniformDistribution()
    {
        using var scope = NewDisposeScope();
        using var expert = new DiT(Small);
        using var router = new RouterNetwork(Small, 7);
        var (x, t, labels) = Inputs(4);
        Assert.Equal(0, expert.Forward(x, t, labels).abs().max().item<float>());
        Assert.Equal([4L, 7L], router.Forward(x, t, labels).shape);
        Assert.Equal(0, router.Forward(x, t, labels).abs().max().item<float>());
    }

    [Fact]
    public void WeightsDependOnSeedAndRoleAlone()
    {
        using var scope = NewDisposeScope();
        using var first = new DiT(Small);
        first.Initialize(3, 1);
        manual_seed(77);
        using var again = new DiT(Small, initialize: false);
        again.Initialize(3, 1);
        using var otherRole = new DiT(Small);
        otherRole.Initialize(3, 2);
        using var otherSeed = new DiT(Small);
        otherSeed.Initialize(4, 1);

        foreach (var ((name, a), (_, b)) in first.TrainableParameters().Zip(again.TrainableParameters()))
        {
            Assert.True(Distance(a, b) == 0, name);
        }

        Assert.True(Distance(first.state_dict()["blocks.1.mlp.fc1.weight"], otherRole.state_dict()["blocks.1.mlp.fc1.weight"]) > 0.01);
        Assert.True(Distance(first.state_dict()["blocks.1.mlp.fc1.weight"], otherSeed.state_dict()["blocks.1.mlp.fc1.weight"]) > 0.01);
        Assert.True(Distance(first.state_dict()["blocks.0.mlp.fc1.weight"], first.state_dict()["blocks.1.mlp.fc1.weight"]) > 0.01);
    }

    [Fact]
    public void InitialWeightsFollowTheReferenceRules()
    {
        using var scope = NewDisposeScope();
        using var network = new DiT(Small with { Hidden = 128 });
        var weights = network.state_dict();
        double Std(string name) => weights[name].std().item<float>();
        double Xavier(int fanIn, int fanOut) => Math.Sqrt(2.0 / (fanIn + fanOut)); // of a uniform number with bound sqrt(6 / (in + out))
        Assert.Equal(1, Std("blocks.0.attn.qkv.weight") / Xavier(128, 384), 0.02);
        Assert.Equal(1, Std("x_embedder.proj.weight") / Xavier(12, 128), 0.05);
        Assert.Equal(1, Std("t_embedder.mlp.0.weight") / 0.02, 0.03);
        Assert.Equal(1, Std("y_embedder.embedding_table.weight") / 0.02, 0.1);
        Assert.All(new[] { "blocks.0.attn.qkv.bias", "blocks.1.adaLN_modulation.1.weight", "final_layer.linear.weight", "final_layer.adaLN_modulation.1.weight" },
            name => Assert.Equal(0, weights[name].abs().max().item<float>()));
        Assert.InRange(weights["blocks.0.attn.qkv.weight"].abs().max().item<float>(), 0.9 * Math.Sqrt(6.0 / 512), Math.Sqrt(6.0 / 512));
    }

    [Fact]
    public void NoParameterSharesItsRandomNumbersWithAnother()
    {
        var names = Enumerable.Range(0, 28).SelectMany(i => new[] { "attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2", "adaLN_modulation.1" }.Select(l => $"blocks.{i}.{l}.weight"))
            .Concat(["x_embedder.proj.weight", "t_embedder.mlp.0.weight", "t_embedder.mlp.2.weight", "y_embedder.embedding_table.weight", "cls_token", "final_layer.linear.weight"]).ToArray();
        Assert.Equal(names.Length, names.Select(NameHash.Fnv1a).Distinct().Count());
    }

    [Fact]
    public void NoLabelMeansTheNullRow()
    {
        using var scope = NewDisposeScope();
        using var network = Shaken.Fill(new DiT(Small), 1);
        var (x, t, labels) = Inputs(3);
        var none = full([3], 5, ScalarType.Int64);
        Assert.Equal(0, Distance(network.Forward(x, t, null), network.Forward(x, t, none)));
        Assert.True(Distance(network.Forward(x, t, labels), network.Forward(x, t, none)) > 1e-3);
    }

    [Fact]
    public void RowsDoNotSeeEachOther()
    {
        using var scope = NewDisposeScope();
        using var network = Shaken.Fill(new DiT(Small), 1);
        using var router = Shaken.Fill(new RouterNetwork(Small, 4), 2);
        var (x, t, labels) = Inputs(5);
        Tensor Row(Tensor a) => a.narrow(0, 2, 1);
        Assert.InRange(Distance(Row(network.Forward(x, t, labels)), network.Forward(Row(x), Row(t), Row(labels))), 0, 2e-6);
        Assert.InRange(Distance(Row(router.Forward(x, t, labels)), router.Forward(Row(x), Row(t), Row(labels))), 0, 2e-6);
    }

    [Fact]
    public void EveryTrainableParameterGetsAGradient()
    {
        using var scope = NewDisposeScope();
        using var expert = Shaken.Fill(new DiT(Small), 1);
        using var router = Shaken.Fill(new RouterNetwork(Small, 4), 2);
        var (x, t, labels) = Inputs(5);
        expert.Forward(x, t, labels).pow(2).sum().backward();
        router.Forward(x, t, labels).pow(2).sum().backward();
        Assert.All(expert.TrainableParameters().Concat(router.TrainableParameters()), p => Assert.True(p.Parameter.grad?.abs().max().item<float>() > 0, p.Name));
    }

    /// <summary>bfloat16 holds 8 bits: answers agree to a few percent, are float32, and are not the same.</summary>
    [Fact]
    public void BFloat16ComputeStaysNear()
    {
        using var scope = NewDisposeScope();
        using var expert = Shaken.Fill(new DiT(Small), 1);
        using var router = Shaken.Fill(new RouterNetwork(Small, 4), 2);
        var (x, t, labels) = Inputs(5);
        foreach (var (exact, rounded) in new[]
        {
            (expert.Forward(x, t, labels), expert.Forward(x, t, labels, ComputeType.BFloat16)),
            (router.Forward(x, t, labels), router.Forward(x, t, labels, ComputeType.BFloat16)),
        })
        {
            Assert.Equal(ScalarType.Float32, rounded.dtype);
            Assert.InRange(RelativeDistance(rounded, exact), 1e-6, 0.05);
        }

        expert.Forward(x, t, labels, ComputeType.BFloat16).pow(2).sum().backward();
        Assert.All(expert.TrainableParameters(), p => Assert.Equal(ScalarType.Float32, p.Parameter.grad!.dtype));
    }

    [Fact]
    public void ShapesThatDoNotFitAreRefused()
    {
        Assert.Contains("Patch 3", Assert.Throws<UserErrorException>(() => DiTConfig.From(Spec(32, 4, 3), 8, 1, 10)).Message, StringComparison.Ordinal);
        Assert.Contains("5 heads", Assert.Throws<UserErrorException>(() => DiTConfig.From(Spec(32, 5, 2), 8, 1, 10)).Message, StringComparison.Ordinal);
        Assert.Equal(0, DiTConfig.From(Spec(32, 4, 2) with { ClassCondition = false }, 8, 1, 10).Classes);
    }

    [Fact]
    public void FlopsAreThePublishedOnes()
    {
        var xl = new DiTConfig(32, 4, 2, 1152, 28, 16, 4, 1000, 0.1, LearnSigma: true);
        Assert.Equal(118.6, Flops.Forward(xl) / 2e9, 0.1); // GMACs, DiT table 4: 118.64
        Assert.Equal(524.6, Flops.Forward(xl with { ImageSize = 64 }) / 2e9, 0.3); // DiT table 4, 512 x 512: 524.60
    }

    [Fact]
    public void ATrainingStepLeavesNoTensorBehind()
    {
        using var network = Shaken.Fill(new DiT(Small), 1);
        void Step()
        {
            using var scope = NewDisposeScope();
            network.zero_grad();
            var (x, t, labels) = Inputs(5);
            network.Forward(x, t, labels).pow(2).sum().backward();
        }

        Step();
        var before = Tensor.TotalCount;
        Step();
        Assert.Equal(before, Tensor.TotalCount);
    }

    private static NetworkSpec Spec(int hidden, int heads, int patch) => new() { Hidden = hidden, Depth = 1, Heads = heads, Patch = patch };

    private static (Tensor X, Tensor T, Tensor Labels) Inputs(int rows)
    {
        using var generator = new Generator(5, CPU);
        return (randn([rows, 3, 8, 8], generator: generator), rand([rows], generator: generator), arange(rows, ScalarType.Int64) % 5);
    }
}

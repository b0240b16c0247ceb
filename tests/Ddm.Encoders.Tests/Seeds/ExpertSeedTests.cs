using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using Ddm.Tests;
using static TorchSharp.torch;

namespace Ddm.Encoders.Tests;

/// <summary>What experts take of a seed: what has their names, shapes and meaning, to the bit; the rest is named.</summary>
public sealed class ExpertSeedTests : IDisposable
{
    private const string Own = "{ checkpoint: seed.safetensors, prediction: velocity, time: data-to-noise, time_scale: 1000, heads: 2 }";
    private const string Noise = "{ checkpoint: seed.safetensors, prediction: epsilon, heads: 2 }";

    private static readonly DiTConfig Small = new(8, 4, 2, 32, 2, 2, 4, 3, 0);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("ddm-seeds-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void OfASiTFinalLayerAndTimeEmbedderAreNew()
    {
        var (fit, taken) = Copy($"{{ checkpoint: {Path.Combine(FixtureFolders.InRepository(), "sit-v")}, prediction: velocity, time: noise-to-data, time_scale: 1 }}", new DiTConfig(8, 4, 2, 64, 2, 4, 4, 10, 0));

        string[] expected =
        [
            "final_layer.adaLN_modulation.1.bias", "final_layer.adaLN_modulation.1.weight", "final_layer.linear.bias", "final_layer.linear.weight",
            "t_embedder.mlp.0.bias", "t_embedder.mlp.0.weight", "t_embedder.mlp.2.bias", "t_embedder.mlp.2.weight",
        ];
        Assert.Equal(expected, fit.Reinitialized);
        Assert.Equal(expected, fit.Unused);
        Assert.Equal(["The final layer is new because the seed's velocity points from noise to data", "The time embedder is new because the seed's time runs from noise to data"], fit.Reasons);
        Assert.Equal((fit.Tensors - 8, taken.Count), (fit.Taken, fit.Taken));
        using var file = WeightFile.Open(Path.Combine(FixtureFolders.InRepository(), "sit-v"));
        Assert.All(taken, weight => Assert.True(weight.Value.Equals(file.Tensors[weight.Key]), weight.Key));
    }

    [Fact]
    public void AnExpertOfCaptionsTakesExactlyWhatItSharesWithANetworkOfClasses()
    {
        Write(new DiT(Small with { TimeScale = 1, LearnSigma = true }));
        var expert = Small with { Classes = 0, Text = new TextShape(5, 32, 9) };

        var (fit, taken) = Copy(Noise, expert);

        string[] block = ["attn.proj.bias", "attn.proj.weight", "attn.qkv.bias", "attn.qkv.weight", "mlp.fc1.bias", "mlp.fc1.weight", "mlp.fc2.bias", "mlp.fc2.weight"];
        Assert.Equal(
            [
                .. block.Select(name => "blocks.0." + name), .. block.Select(name => "blocks.1." + name), "t_embedder.mlp.0.bias", "t_embedder.mlp.0.weight", "t_embedder.mlp.2.bias",
                "t_embedder.mlp.2.weight", "x_embedder.proj.bias", "x_embedder.proj.weight",
            ],
            taken.Keys.Order(StringComparer.Ordinal));
        Assert.Contains("blocks.*.cross_attn.kv_linear.weight (2)", fit.Reinitialized);
        Assert.Contains("final_layer.linear.weight", fit.Reinitialized);
        Assert.Contains("text_embedder.layers.*.attn.qkv.bias (2)", fit.Reinitialized);
        Assert.Equal(
            ["blocks.*.adaLN_modulation.1.bias (2)", "blocks.*.adaLN_modulation.1.weight (2)", "final_layer.adaLN_modulation.1.bias", "final_layer.adaLN_modulation.1.weight", "final_layer.linear.bias", "final_layer.linear.weight", "y_embedder.embedding_table.weight"],
            fit.Unused);
        Assert.Equal(["The final layer is new because the seed predicts noise, not velocity"], fit.Reasons);
    }

    /// <summary>The expert answers as the seed does: rows of variances are left out where they stand.</summary>
    [Fact]
    public void OfAnOutputWithVariancesTheMeanIsTaken()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var seed = Write(new DiT(Small with { LearnSigma = true }));
        var (fit, taken) = Copy(Own, Small);
        Assert.Empty(fit.Reinitialized);
        Assert.Empty(fit.Reasons);
        using var expert = new DiT(Small, initialize: false);
        foreach (var (name, parameter) in expert.TrainableParameters())
        {
            parameter.copy_(taken[name]);
        }

        var (x, t, labels) = (randn([2, 4, 8, 8]), rand([2]), tensor(new long[] { 0, 3 }));
        Assert.InRange(seed.Forward(x, t, labels).Minus(expert.Forward(x, t, labels)).abs().max().item<float>(), 0, 1e-6);
    }

    /// <summary>No tensor says how many vectors a caption has, and no weight depends on it.</summary>
    [Fact]
    public void OfASeedThatReadsCaptionsVectorsAnExpertTakesWhatItReads()
    {
        var seeing = Small with { Classes = 0, Text = new TextShape(5, 32, 0) };
        Write(new DiT(seeing));

        var (fit, taken) = Copy(Own, seeing with { Text = new TextShape(7, 32, 0) });
        Assert.Empty(fit.Reinitialized);
        Assert.Empty(fit.Unused);
        Assert.Equal(fit.Tensors, taken.Count);

        (fit, _) = Copy(Own, Small);
        Assert.Contains("blocks.*.cross_attn.kv_linear.weight (2)", fit.Unused);
        Assert.Contains("blocks.*.adaLN_modulation.1.weight (2)", fit.Reinitialized);
        Assert.Contains("y_embedder.embedding_table.weight", fit.Reinitialized);
    }

    [Fact]
    public void OfAParisExpertAllIsTakenUnderOurNames()
    {
        var paris = Path.Combine(FixtureFolders.InRepository(), "paris-tiny", "expert_0");
        var (fit, taken) = Copy($"{{ checkpoint: {paris}, prediction: velocity, time: data-to-noise, time_scale: 1000 }}", new DiTConfig(16, 4, 2, 32, 2, 2, 4, 0, 0) { Text = new TextShape(6, 16, 0) });
        Assert.Empty(fit.Reinitialized);
        Assert.Empty(fit.Reasons);
        Assert.Equal(fit.Tensors, taken.Count);
    }

    [Fact]
    public void OtherHeadsDepthAndSideAreSaid()
    {
        Write(new DiT(Small with { Depth = 3, ImageSize = 16 }));
        var (fit, taken) = Copy(Own, Small with { Heads = 4 });
        Assert.Equal(["Attention is new because the seed has 2 heads where the expert has 4"], fit.Reasons);
        Assert.Contains("blocks.*.attn.qkv.weight (2)", fit.Reinitialized);
        Assert.Contains("blocks.2.mlp.fc1.weight", fit.Unused);
        Assert.DoesNotContain(taken.Keys, name => name.Contains(".attn.", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Own, 64, "tensors fits an expert. It has width 32, 2 blocks, patches of 4 x 2 x 2; an expert has width 64, 2 blocks, patches of 4 x 2 x 2.")]
    [InlineData("seed.safetensors", 32, "State --prediction velocity|epsilon")]
    [InlineData("seed.safetensors", 32, "In a spec these are keys of init: prediction, time, time_scale, heads.")]
    [InlineData("nowhere.safetensors", 32, "There are no weights at ")]
    public void WhatCannotBeASeedIsRefused(string init, int hidden, string message)
    {
        Write(new DiT(Small));
        var error = Assert.Throws<UserErrorException>(() => Copy(init, Small with { Hidden = hidden }));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ARouterIsNoSeed()
    {
        Write(new RouterNetwork(Small, 3));
        Assert.Contains("is a router", Assert.Throws<UserErrorException>(() => Copy(Own, Small)).Message, StringComparison.Ordinal);
    }

    private (SeedFit Fit, IReadOnlyDictionary<string, Tensor> Taken) Copy(string init, DiTConfig expert)
    {
        var spec = RunSpecReader.Read(
            $"name: a\ndata: {{ source: b, image_size: 8 }}\npartition: {{ experts: 2 }}\nmodel: DiT-Micro/2\ninit: {init}\nexperts: {{ steps: 1, batch: 1 }}\nrouter: {{ network: DiT-Micro/2, steps: 1, batch: 1 }}\n", "s.yaml");
        using var stream = new MemoryStream();
        var fit = ExpertSeed.Copy(spec, folder.FullName, expert, stream);
        Assert.Equivalent(fit, ExpertSeed.Look(spec, folder.FullName, expert));
        stream.Position = 0;
        return (fit, TensorFile.Load(stream).Tensors);
    }

    private T Write<T>(T network)
        where T : TransformerTrunk
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach (var (_, parameter) in network.TrainableParameters())
        {
            parameter.copy_(randn(parameter.shape) * 0.1);
        }

        using var stream = File.Create(Path.Combine(folder.FullName, "seed.safetensors"));
        TensorFile.Save(stream, [.. network.TrainableParameters().Select(p => (p.Name, (Tensor)p.Parameter))]);
        return network;
    }
}

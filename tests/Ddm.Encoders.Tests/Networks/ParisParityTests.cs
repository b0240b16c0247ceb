using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tests;
using static TorchSharp.torch;

namespace Ddm.Encoders.Tests;

/// <summary>Experts and router under Paris' names against torch on the same weights, for every folder paris*.</summary>
public class ParisParityTests
{
    private static readonly StatedNetwork SevenPlaces = new() { TextPlaces = 7 };

    public static TheoryData<string> Folders => FixtureFolders.OfKind("paris");

    [Theory]
    [MemberData(nameof(Folders))]
    public void ExpertsAndRouterAnswerAsTorchDoes(string folder)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var io = new Fixture(folder);
        for (var k = 0; io.Tensors.ContainsKey($"velocity_{k}"); k++)
        {
            using var published = PublishedNetwork.Open(Path.Combine(folder, $"expert_{k}"), SevenPlaces);
            Assert.Equal(Parametrization.Own, published.Parametrization);
            Assert.Equal((true, new TextShape(7, 16, 0), k == 1 ? 1e-5 : 1e-6), (published.Shape.StoredPositions, published.Shape.Text, published.Shape.NormEps));
            using var expert = Fill(new DiT(published.Shape, initialize: false), published);
            Assert.InRange(Fixture.Distance(expert.Forward(io["x"], io["t"], io["text"]), io[$"velocity_{k}"]), 0, 1e-4);
        }

        using var router = PublishedNetwork.Open(Path.Combine(folder, "router"), new StatedNetwork());
        Assert.Equal((2, true, null), (router.Experts, router.Shape.MlpHead, router.Shape.Text));
        using var network = Fill(new RouterNetwork(router.Shape, router.Experts!.Value, initialize: false), router);
        Assert.InRange(Fixture.Distance(network.Forward(io["x"], io["t"], io["text"]), io["logits"]), 0, 1e-4);
    }

    /// <summary>What torch saved is what our weights are joined to, tensor for tensor.</summary>
    [Theory]
    [MemberData(nameof(Folders))]
    public void OurWeightsUnderParisNamesAreTheFileAgain(string folder)
    {
        foreach (var part in new[] { "expert_0", "router" })
        {
            using var scope = NewDisposeScope();
            using var file = WeightFile.Open(Path.Combine(folder, part));
            using var published = PublishedNetwork.Open(Path.Combine(folder, part), SevenPlaces);
            using TransformerTrunk network = published.Experts is { } k ? new RouterNetwork(published.Shape, k, initialize: false) : new DiT(published.Shape, initialize: false);
            var weights = published.Weights.ToDictionary(weight => weight.Name, weight => weight.Tensor);
            var layout = NetworkKeys.Paris.Layout(network);
            Assert.Equal(file.Tensors.Keys.Order(StringComparer.Ordinal), layout.Select(tensor => tensor.Name));
            Assert.All(layout, tensor => Assert.True(tensor.Join(name => weights[name]).Equals(file.Tensors[tensor.Name]), tensor.Name));
        }
    }

    /// <summary>Tensors and parameters of the published sizes, counted from their files' headers by others: 378 and 605,970,448; 134 and 129,136,904.</summary>
    [Fact]
    public void ThePublishedSizesAreCounted()
    {
        var expert = new DiTConfig(32, 4, 2, 1152, 28, 16, 4, 0, 0) { Text = new TextShape(77, 768, 0), StoredPositions = true };
        var router = new DiTConfig(32, 4, 2, 768, 12, 12, 4, 0, 0) { StoredPositions = true, MlpHead = true };
        using var experts = new DiT(expert, initialize: false, META);
        using var routers = new RouterNetwork(router, 8, initialize: false, META);
        Assert.Equal((378, 605_970_448L), Count(experts));
        Assert.Equal((134, 129_136_904L), Count(routers));
        Assert.Equal(605_970_448, ParameterCount.Of(expert));
        Assert.Equal(129_136_904, ParameterCount.OfRouter(router, 8));

        static (int, long) Count(TransformerTrunk network)
            => NetworkKeys.Paris.Layout(network) is var layout ? (layout.Count, layout.Sum(tensor => tensor.Shape.Aggregate(1L, (a, b) => a * b))) : default;
    }

    [Theory]
    [InlineData("{ \"model_type\": \"dit_expert\", \"num_heads\": 2, \"text_embed_dim\": 17 }", "its config.json says text_embed_dim: 17; tensor 'text_proj.weight' says 16")]
    [InlineData("{ \"model_type\": \"dit_expert\", \"num_heads\": 2, \"num_layers\": 28 }", "its config.json says num_layers: 28; the number of its blocks says 2")]
    [InlineData("{ \"model_type\": \"dit_expert\" }", "tensors do not say how many heads a width of 32 has")]
    [InlineData("{ \"num_heads\": 2 }", "tensors do not say what a network's output means.")]
    [InlineData("{ \"model_type\": \"dit_expert\", \"num_heads\": 2, \"prediction\": \"epsilon\" }", "State --schedule linear|cosine, or write")]
    [InlineData("{ \"model_type\": \"dit_expert\", \"num_heads\": 2, \"norm_eps\": 0 }", "A norm's eps of 0 is no number above 0")]
    public void AConfigThatDoesNotFitIsRefused(string config, string message)
    {
        var folder = Directory.CreateTempSubdirectory("ddm-paris-");
        try
        {
            File.Copy(Path.Combine(FixtureFolders.InRepository(), "paris-tiny", "expert_0", "diffusion_pytorch_model.safetensors"), Path.Combine(folder.FullName, "model.safetensors"));
            File.WriteAllText(Path.Combine(folder.FullName, "config.json"), config);
            Assert.Contains(message, Assert.Throws<UserErrorException>(() => PublishedNetwork.Open(folder.FullName, SevenPlaces).Dispose()).Message, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void AnExpertOfNoiseAmongParisOwnSaysSo()
    {
        var paris = Path.Combine(FixtureFolders.InRepository(), "paris-tiny", "expert_0");
        using var network = PublishedNetwork.Open(paris, SevenPlaces with { Prediction = Prediction.Epsilon, Schedule = ScheduleKind.Cosine });
        Assert.Equal((Parametrization.Noise(ScheduleKind.Cosine), 1), (network.Parametrization, network.Shape.TimeScale));
        var error = Assert.Throws<UserErrorException>(() => PublishedNetwork.Open(paris, new StatedNetwork()).Dispose());
        Assert.Contains("it sees captions (tensor 'text_proj.weight'): give the encoder that turned them into vectors, CLIP's, with --text-encoder FOLDER", error.Message, StringComparison.Ordinal);
    }

    private static T Fill<T>(T network, PublishedNetwork published)
        where T : TransformerTrunk
    {
        var targets = network.TrainableParameters().ToDictionary(p => p.Name, p => p.Parameter);
        Assert.Equal(targets.Keys.Order(StringComparer.Ordinal), published.Weights.Select(weight => weight.Name));
        foreach (var (name, weight) in published.Weights)
        {
            targets[name].copy_(weight);
        }

        return network;
    }
}

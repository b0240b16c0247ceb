using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using Ddm.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Encoders.Tests;

/// <summary>Published diffusion transformers: shapes read from tensors, weights under our names, and everything that is wrong refused by name.</summary>
public sealed class PublishedNetworkTests : IDisposable
{
    private static readonly StatedNetwork SiT = new() { Prediction = Prediction.Velocity, Direction = TimeDirection.NoiseToData, TimeScale = 1 };

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("ddm-networks-");

    public static TheoryData<string> Folders => FixtureFolders.OfKind("sit");

    public static TheoryData<string> Damages => ["missing", "extra", "shape", "type", "infinite"];

    [Theory]
    [MemberData(nameof(Folders))]
    public void TheReferencesWeightsGiveTheReferencesAnswer(string reference)
    {
        using var fixture = new Fixture(reference);
        using var published = PublishedNetwork.Open(reference, SiT);
        var config = fixture.Config;
        Assert.Equal(
            new DiTConfig(
                config.GetProperty("input_size").GetInt32(), config.GetProperty("in_channels").GetInt32(), config.GetProperty("patch_size").GetInt32(),
                config.GetProperty("hidden_size").GetInt32(), config.GetProperty("depth").GetInt32(), config.GetProperty("num_heads").GetInt32(), 4,
                config.GetProperty("num_classes").GetInt32(), 0, config.GetProperty("learn_sigma").GetBoolean()) { TimeScale = 1 },
            published.Shape);
        Assert.Equal((Parametrization.SiT, null), (published.Parametrization, published.Experts));

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = Fill(new DiT(published.Shape, initialize: false), published);
        Assert.InRange(Fixture.Distance(network.Forward(fixture["x"], fixture["t"], fixture["y"].to(ScalarType.Int64)), fixture["forward_out"]), 0, 1e-4);
    }

    [Theory]
    [InlineData("module.")]
    [InlineData("ema.")]
    [InlineData("model.module.")]
    public void WhatTrainersPutBeforeEveryNameIsTakenOff(string prefix)
    {
        using var plain = PublishedNetwork.Open(SitV, SiT);
        using var prefixed = PublishedNetwork.Open(Write(tensors => tensors.ToDictionary(t => prefix + t.Key, t => t.Value)), SiT);
        Assert.Equal(plain.Weights.Select(weight => weight.Name), prefixed.Weights.Select(weight => weight.Name));
        Assert.All(plain.Weights.Zip(prefixed.Weights), pair => Assert.True(pair.First.Tensor.Equals(pair.Second.Tensor)));
    }

    [Fact]
    public void AFileOfTwoNetworksIsRefused()
    {
        var path = Write(tensors => tensors.ToDictionary(t => "model." + t.Key, t => t.Value).Concat(tensors.ToDictionary(t => "ema." + t.Key, t => t.Value)).ToDictionary());
        Refused(path, SiT, "holds more than one network. Keep one, its averages (ema) if it has them.");
    }

    [Fact]
    public void HalvesAreReadAsTheFloatsTheyAre()
    {
        using var halves = PublishedNetwork.Open(Write(tensors => tensors.ToDictionary(t => t.Key, t => t.Value.to(ScalarType.Float16))), SiT);
        using var whole = PublishedNetwork.Open(
            Write(tensors => tensors.ToDictionary(t => t.Key, t => t.Key == "pos_embed" ? t.Value : t.Value.to(ScalarType.Float16).to(ScalarType.Float32))), SiT);
        Assert.All(halves.Weights, weight => Assert.Equal(ScalarType.Float32, weight.Tensor.dtype));
        Assert.Equal(Bytes(whole), Bytes(halves));
    }

    [Fact]
    public void ARoutersShapeAndNumberOfExpertsAreRead()
    {
        var shape = new DiTConfig(8, 4, 2, 384, 1, 6, 4, 5, 0);
        var path = Path.Combine(folder.FullName, "router.safetensors");
        using (var router = new RouterNetwork(shape, 3))
        using (var stream = File.Create(path))
        {
            TensorFile.Save(stream, [.. router.TrainableParameters().Select(p => (p.Name, (Tensor)p.Parameter))]);
        }

        var time = new StatedNetwork { Direction = TimeDirection.DataToNoise, TimeScale = 1000, Side = 8 };
        using var published = PublishedNetwork.Open(path, time);
        Assert.Equal((shape, 3, null), (published.Shape, published.Experts, published.Parametrization));
        Refused(path, time with { TimeScale = null }, "tensors do not say what time a router is fed. Write time: { direction: data-to-noise, scale } in the config.json beside it");
        Refused(path, time with { Direction = TimeDirection.NoiseToData }, "a router whose time runs from noise to data is not read");
    }

    [Theory]
    [InlineData(384, 6)]
    [InlineData(768, 12)]
    [InlineData(1024, 16)]
    [InlineData(1152, 16)]
    public void APublishedWidthHasItsHeads(int hidden, int heads)
    {
        var path = Path.Combine(folder.FullName, "wide.safetensors");
        var shape = new DiTConfig(4, 4, 2, hidden, 1, heads, 4, 0, 0, LearnSigma: true) { TimeScale = 1 };
        using (var network = new DiT(shape))
        using (var stream = File.Create(path))
        {
            TensorFile.Save(stream, [.. network.TrainableParameters().Select(p => (p.Name, (Tensor)p.Parameter))]);
        }

        var stated = new StatedNetwork { Prediction = Prediction.Epsilon, Schedule = ScheduleKind.Linear };
        Refused(path, stated, "without a 'pos_embed' tensors do not say how large the input is: state --image-size, or input_size");
        using var published = PublishedNetwork.Open(path, stated with { Side = 4 });
        Assert.Equal((shape, Parametrization.Noise(ScheduleKind.Linear)), (published.Shape, published.Parametrization));
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public void EveryTensorThatIsWrongIsNamedAndNothingStays(string damage)
    {
        string[] names;
        using (var file = WeightFile.Open(SitV))
        {
            names = [.. file.Tensors.Keys];
        }

        var counted = Counted();

        foreach (var name in names)
        {
            var path = Write(tensors => Damage(tensors, name, damage));
            if (damage == "missing" && name == "pos_embed")
            {
                continue; // the fixed table need not be there
            }

            var before = Tensor.TotalCount;
            var error = Assert.Throws<UserErrorException>(() => PublishedNetwork.Open(path, SiT).Dispose());
            Assert.True(Tensor.TotalCount <= before + counted, $"{Tensor.TotalCount - before} tensors stay, {counted} of them by count alone");
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
            Assert.Contains(damage == "extra" ? "'surplus.weight'" : $"'{name}'", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("{}", "tensors do not say how many heads a width of 64 has")]
    [InlineData("{\"num_heads\": 4, \"hidden_size\": 32}", "its config.json says hidden_size: 32; tensor 'x_embedder.proj.weight' says 64")]
    [InlineData("{\"num_heads\": 4, \"num_layers\": 3}", "its config.json says num_layers: 3; the number of its blocks says 2")]
    [InlineData("{\"num_heads\": 4, \"input_size\": 16}", "tensor 'pos_embed' has places for 16 patches of 2, an input of side 8; stated is 16")]
    [InlineData("{\"num_heads\": 4, \"mlp_ratio\": 2}", "its config.json says mlp_ratio: 2; tensor 'blocks.0.mlp.fc1.weight' says 4")]
    [InlineData("{\"num_heads\": 4, \"num_classes\": 9}", "tensor 'y_embedder.embedding_table.weight' has 11 rows; 9 classes (num_classes) need 10, the last for no class.")]
    [InlineData("{\"num_heads\": 4, \"num_classes\": 11}", "which this network was trained without: it cannot be guided, and is not read")]
    [InlineData("{\"num_heads\": 4, \"learn_sigma\": true}", "its config.json says learn_sigma: true; tensor 'final_layer.linear.weight' has 16 rows, which is without variances")]
    [InlineData("{\"num_heads\": 5}", "Hidden size 64 must be a multiple of its 5 heads and of 4")]
    [InlineData("{\"num_heads\": 4, \"time\": { \"scale\": \"1\" }}", "'time.scale' is \"1\"; it must be a number")]
    public void AConfigThatContradictsTheTensorsIsRefused(string config, string message) => Refused(Write(tensors => tensors, config), SiT, message);

    [Fact]
    public void WhatIsNotStatedIsAskedForWithTheUsualWords()
    {
        using var file = WeightFile.Open(SitV);
        var path = Path.Combine(SitV, "model.safetensors");
        Refused(SitV, new StatedNetwork(), $"{path}: tensors do not say what a network's output means. State --prediction velocity|epsilon, --time-direction data-to-noise|noise-to-data (of a velocity), "
            + "--time-scale 1|1000 (of a velocity), --schedule linear|cosine (of epsilon), or write it in the config.json beside the file (prediction, time: { direction, scale }, schedule). "
            + "Usual are, for DiT: --prediction epsilon --schedule linear; for SiT: --prediction velocity --time-direction noise-to-data --time-scale 1; "
            + "for DdmAspire's own networks and Paris': --prediction velocity --time-direction data-to-noise --time-scale 1000.");
        Refused(SitV, SiT with { TimeScale = null }, "State --time-scale 1|1000, or write");
        Refused(SitV, new StatedNetwork { Prediction = Prediction.Epsilon }, "State --schedule linear|cosine, or write");
        Refused(SitV, SiT with { Schedule = ScheduleKind.Cosine }, "a network of velocity has no noise schedule");
        Refused(SitV, new StatedNetwork { Prediction = Prediction.Epsilon, Schedule = ScheduleKind.Linear, TimeScale = 1000 }, "a network of noise is fed its step");
    }

    [Fact]
    public void TheConfigBesideStatesItToo()
    {
        using var velocity = PublishedNetwork.Open(Write(
            tensors => tensors, "{ \"num_heads\": 4, \"prediction\": \"velocity\", \"time\": { \"direction\": \"noise-to-data\", \"scale\": 1 } }"), new StatedNetwork());
        Assert.Equal(Parametrization.SiT, velocity.Parametrization);
        using var noise = PublishedNetwork.Open(Write(tensors => tensors, "{ \"num_heads\": 4, \"prediction\": \"epsilon\", \"schedule\": \"cosine\" }"), new StatedNetwork { Schedule = ScheduleKind.Linear });
        Assert.Equal(Parametrization.Noise(ScheduleKind.Linear), noise.Parametrization); // what is said aloud goes before what is written
    }

    [Theory]
    [InlineData("{ \"prediction\": \"x0\" }", "prediction 'x0' is not known: say velocity or epsilon.")]
    [InlineData("{ \"time\": { \"direction\": \"forward\" } }", "time direction 'forward' is not known: say data-to-noise or noise-to-data, what lies at 0 first.")]
    [InlineData("{ \"schedule\": \"sqrt\" }", "noise schedule 'sqrt' is not known: say linear or cosine.")]
    public void AWordThatIsNotKnownIsRefused(string config, string message) => Refused(Write(tensors => tensors, config), new StatedNetwork(), message);

    [Fact]
    public void AnotherNetworkIsRefused()
        => Refused(Path.Combine(FixtureFolders.InRepository(), "vae-l1"), SiT, "is no diffusion transformer that is known: it has neither tensor 'x_embedder.proj.weight' (DiT, SiT, DdmAspire) nor 'patch_embed.weight' (Paris)");

    /// <summary>Positions that are not the table are weights like others.</summary>
    [Fact]
    public void PositionsOfItsOwnAreTakenFromTheFile()
    {
        using var published = PublishedNetwork.Open(Write(tensors => Damage(tensors, "pos_embed", "moved")), SiT);
        Assert.True(published.Shape.StoredPositions);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var fixture = new Fixture(SitV);
        using var network = Fill(new DiT(published.Shape, initialize: false), published);
        using var plain = PublishedNetwork.Open(SitV, SiT);
        using var table = Fill(new DiT(plain.Shape, initialize: false), plain);
        var (x, t, y) = (fixture["x"], fixture["t"], fixture["y"].to(ScalarType.Int64));
        Assert.InRange(Fixture.Distance(network.Forward(x, t, y), fixture["forward_out"]), 0.01, 100);

        // What is added to every position might as well be added to the bias of the patches.
        table.TrainableParameters().Single(p => p.Name == "x_embedder.proj.bias").Parameter.add_(Ramp, Arithmetic.One);
        Assert.InRange(Fixture.Distance(network.Forward(x, t, y), table.Forward(x, t, y)), 0, 1e-4);
    }

    public void Dispose() => folder.Delete(recursive: true);

    private static Tensor Ramp => linspace(0, 1, 64);

    private static string SitV => Path.Combine(FixtureFolders.InRepository(), "sit-v");

    // TorchSharp counts a network's parameters twice when they are made and once when they are disposed.
    private static long Counted()
    {
        var before = Tensor.TotalCount;
        new DiT(new DiTConfig(8, 4, 2, 64, 2, 4, 4, 10, 0) { StoredPositions = true }, initialize: false).Dispose();
        return Tensor.TotalCount - before;
    }

    private static void Refused(string path, StatedNetwork stated, string message)
        => Assert.Contains(message, Assert.Throws<UserErrorException>(() => PublishedNetwork.Open(path, stated).Dispose()).Message, StringComparison.Ordinal);

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

    private static byte[] Bytes(PublishedNetwork network)
    {
        using var stream = new MemoryStream();
        network.Save(stream);
        return stream.ToArray();
    }

    private static Dictionary<string, Tensor> Damage(IReadOnlyDictionary<string, Tensor> whole, string name, string damage)
    {
        var tensors = whole.ToDictionary();
        using Scalar infinite = float.PositiveInfinity;
        switch (damage)
        {
            case "missing":
                tensors.Remove(name);
                break;
            case "extra":
                tensors["surplus.weight"] = zeros(2);
                break;
            case "shape":
                tensors[name] = cat([tensors[name], tensors[name], tensors[name]], dim: 0);
                break;
            case "type":
                tensors[name] = tensors[name].to(ScalarType.Int32);
                break;
            case "moved":
                tensors[name] = tensors[name].Plus(Ramp);
                break;
            default:
                tensors[name] = tensors[name].clone().fill_(infinite);
                break;
        }

        return tensors;
    }

    private string Write(Func<IReadOnlyDictionary<string, Tensor>, Dictionary<string, Tensor>> change, string? config = null)
        => Write(tensors => (IReadOnlyDictionary<string, Tensor>)change(tensors), config);

    private string Write(Func<IReadOnlyDictionary<string, Tensor>, IReadOnlyDictionary<string, Tensor>> change, string? config = null)
    {
        using var scope = NewDisposeScope();
        using var file = WeightFile.Open(SitV);
        var path = Path.Combine(folder.FullName, "network.safetensors");
        using var stream = File.Create(path);
        TensorFile.Save(stream, [.. change(file.Tensors).Select(t => (t.Key, t.Value))]);
        File.WriteAllText(Path.Combine(folder.FullName, "config.json"), config ?? File.ReadAllText(Path.Combine(SitV, "config.json")));
        return path;
    }
}

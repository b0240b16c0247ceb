using Ddm.Diffusion;
using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using Ddm.Tests;
using static TorchSharp.torch;

namespace Ddm.Services.Tests;

/// <summary>Networks that others trained become models: drawn from as their references draw, and refused whole or not at all.</summary>
public class ModelImportTests
{
    private static readonly DiTConfig Small = new(8, 1, 4, 32, 1, 2, 4, 3, 0);

    public static TheoryData<string> SiTs => FixtureFolders.OfKind("sit");

    private static CancellationToken Cancel => Importing.Cancel;

    [Theory]
    [MemberData(nameof(SiTs))]
    public async Task AnImportedSiTHasTheReferencesVelocityAndIsDrawnFrom(string reference)
    {
        using var importing = new Importing();

        var imported = await importing.ImportAsync(
            new ImportRequest { Path = importing.CopyNetwork(reference, "sit"), Name = "sit", Stated = Importing.SiT, Vae = Importing.Vae, ImageSize = 64 });

        Assert.Equal((64, 3, false), (imported.Manifest.ImageSize, imported.Manifest.Channels, imported.Existed));
        Assert.Equal(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], imported.Manifest.ClassNames);
        using var model = await importing.Loader.OpenAsync("sit", Cancel);
        Assert.False(model.Partial);
        await importing.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            using var stream = File.OpenRead(Path.Combine(reference, "io.safetensors"));
            using var io = TensorFile.Load(stream);
            var (x, t, y) = (io.Tensors["x"], io.Tensors["t"], io.Tensors["y"].to(ScalarType.Int64));
            var velocity = model.Ensemble.Velocity(x, t.OneMinus(), y, ones([x.size(0), 1], ScalarType.Float64));
            Assert.InRange(velocity.Plus(io.Tensors["forward_out"]).abs().max().item<float>(), 0, 1e-4);

            using var drawn = model.Sampler().Sample(new SampleRequest { Seeds = [1, 2], Labels = [3, -1], Steps = 2, Guidance = 2 }, null, Cancel);
            Assert.Equal([2, 3, 64, 64], drawn.Images.shape);
            Assert.True(drawn.Images.isfinite().all().item<bool>());
        });
    }

    [Fact]
    public async Task ADiTOfNoiseIsAskedAtItsSteps()
    {
        using var importing = new Importing();
        var shape = new DiTConfig(8, 4, 2, 32, 2, 4, 4, 5, 0, LearnSigma: true) { TimeScale = 1 };
        using var network = importing.Write("dit", new DiT(shape), 3, new { num_heads = 4 });

        await importing.ImportAsync(new ImportRequest
        {
            Path = importing.At("dit"), Name = "dit", Vae = Importing.Vae, ImageSize = 64, Stated = new StatedNetwork { Prediction = Prediction.Epsilon, Schedule = ScheduleKind.Linear },
        });

        using var model = await importing.Loader.OpenAsync("dit", Cancel);
        await importing.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            var schedule = NoiseSchedule.Of(ScheduleKind.Linear);
            var t = (float)schedule.Time(400);
            var x = randn([3, 4, 8, 8]);
            var eps = network.Forward(x / (float)Math.Sqrt(((1 - t) * (1 - t)) + (t * t)), full([3], 400f), tensor(new long[] { 0, 4, 5 }));
            var velocity = model.Ensemble.Velocity(x, full([3], t), tensor(new long[] { 0, 4, 5 }), ones([3, 1], ScalarType.Float64));
            Assert.InRange(((eps - x) / (1 - t)).Minus(velocity).abs().max().item<float>(), 0, 1e-4);

            using var drawn = model.Sampler().Sample(new SampleRequest { Seeds = [1], Steps = 3 }, null, Cancel);
            Assert.True(drawn.Images.isfinite().all().item<bool>());
        });
    }

    /// <summary>One expert of velocity with time from data to noise, one of SiT's kind, one of noise; two widths; a router of a fourth.</summary>
    [Fact]
    public async Task ExpertsOfDifferentObjectivesAndSizesMixIntoOneField()
    {
        using var importing = new Importing();
        var (networks, router) = WriteEnsemble(importing);

        var imported = await importing.ImportAsync(new ImportRequest { Path = importing.At(), Name = "mixed" });

        Assert.Equal(["cat", "dog", "hen"], imported.Manifest.ClassNames);
        Assert.Equal("ancestral", imported.Manifest.Routing);
        using var model = await importing.Loader.OpenAsync("mixed", Cancel);
        await importing.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            var (x, t, labels) = (randn([4, 1, 8, 8]), tensor(new[] { 0.1f, 0.5f, 0.9f, 1f }), tensor(new long[] { 0, 1, 2, 3 }));
            var p = model.Ensemble.Probabilities(x, t, labels);
            Assert.InRange(nn.functional.softmax(router.Forward(x, t, labels), 1).to(ScalarType.Float64).Minus(p).abs().max().item<double>(), 0, 1e-5);
            IVelocityModel[] experts = [new DiTExpert(networks[0]), new SiTExpert(networks[1]), new EpsilonExpert(networks[2], NoiseSchedule.Of(ScheduleKind.Cosine))];
            var mixed = experts.Select((expert, k) => p.narrow(1, k, 1).to(ScalarType.Float32).view(4, 1, 1, 1) * expert.Velocity(x, t, labels)).Aggregate((a, b) => a.Plus(b));
            Assert.InRange(mixed.Minus(model.Ensemble.Velocity(x, t, labels, p)).abs().max().item<float>(), 0, 1e-3);

            foreach (var strategy in new[] { "full", "top-1", "ancestral" })
            {
                using var drawn = model.Sampler().Sample(
                    new SampleRequest { Seeds = [1, 2, 3], Labels = [0, 1, 2], Steps = 3, Guidance = 2, Strategy = RoutingStrategy.Parse(strategy) }, null, Cancel);
                Assert.Equal([3, 1, 8, 8], drawn.Images.shape);
                Assert.True(drawn.Images.isfinite().all().item<bool>());
            }
        });
    }

    [Fact]
    public async Task ARouterThatDoesNotSeeTheConditionIsAskedAsThePictureTakesShape()
    {
        using var importing = new Importing();
        WriteEnsemble(importing);
        importing.Write("router", new RouterNetwork(Small with { Classes = 0 }, 3), 9, RouterConfig).Dispose();
        var imported = await importing.ImportAsync(new ImportRequest { Path = importing.At(), Name = "mixed" });
        Assert.Equal("top-2", imported.Manifest.Routing);
    }

    [Fact]
    public async Task AnEnsembleInParisLayoutIsDrawnByPrompt()
    {
        using var importing = new Importing();
        WriteParis(importing);

        var imported = await importing.ImportAsync(new ImportRequest { Path = importing.At("paris"), Name = "paris" });

        Assert.Equal((64, 3, 2, "top-2"), (imported.Manifest.ImageSize, imported.Manifest.Channels, imported.Manifest.Experts.Count, imported.Manifest.Routing));
        Assert.Equal(new TextShape(77, 16, 0), imported.Manifest.Text!.Shape);
        using var model = await importing.Loader.OpenAsync("paris", Cancel);
        await importing.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            using var stream = File.OpenRead(Path.Combine(ParisTiny, "io.safetensors"));
            using var io = TensorFile.Load(stream);
            var (x, t, text) = (io.Tensors["x"], io.Tensors["t"], io.Tensors["text"]);
            var velocity = model.Ensemble.Velocity(x, t, text, model.Ensemble.Probabilities(x, t, text));
            Assert.InRange(velocity.Minus(io.Tensors["mixed"]).abs().max().item<float>(), 0, 1e-4);

            var request = new SampleRequest { Seeds = [1, 2], Text = model.Captions!.Encode(["a red boat", null]), Steps = 2, Guidance = 3, Strategy = RoutingStrategy.Parse(imported.Manifest.Routing) };
            using var drawn = model.Sampler().Sample(request, null, Cancel);
            using var other = model.Sampler().Sample(request with { Text = model.Captions.Encode(["a green hill", null]) }, null, Cancel);
            Assert.Equal([2, 3, 64, 64], drawn.Images.shape);
            Assert.True(drawn.Images.isfinite().all().item<bool>());
            Assert.False(drawn.Images[0].Equals(other.Images[0])); // the prompt matters, and only to its own picture
            Assert.True(drawn.Images[1].Equals(other.Images[1]));
        });
    }

    [Theory]
    [InlineData("no-text", "it sees captions (tensor 'text_proj.weight'): give the encoder that turned them into vectors, CLIP's, with --text-encoder FOLDER")]
    [InlineData("other-text", "sees captions as 77 vectors of 16; ")]
    [InlineData("no-vae", "draws 4 channels, which are no pixels")]
    [InlineData("text-for-nobody", "sees no captions (it has no tensor 'text_proj.weight'): leave the text encoder ")]
    [InlineData("one-without-text", "sees captions as 77 vectors of 16, ")]
    [InlineData("clip-damaged", "tensor 'encoder.layers.0.mlp.fc1.bias' is missing")]
    public async Task AParisEnsembleThatIsNotWholeIsRefusedAndNothingIsWritten(string fault, string message)
    {
        using var importing = new Importing();
        WriteParis(importing);
        switch (fault)
        {
            case "no-text":
                Directory.Delete(importing.At("paris", "text_encoder"), recursive: true);
                break;
            case "other-text":
                SmallClip.Write(importing.At("paris", "text_encoder"));
                break;
            case "no-vae":
                Directory.Delete(importing.At("paris", "vae"), recursive: true);
                break;
            case "clip-damaged":
                Rewrite(importing.At("paris", "text_encoder", "model.safetensors"), tensors => tensors.Remove("text_model.encoder.layers.0.mlp.fc1.bias"));
                break;
            default:
                for (var k = fault == "text-for-nobody" ? 0 : 1; k < 2; k++)
                {
                    Directory.Delete(importing.At("paris", $"expert_{k}"), recursive: true);
                    importing.Write(Path.Combine("paris", $"expert_{k}"), new DiT(new DiTConfig(8, 4, 2, 32, 1, 2, 4, 0, 0)), 5, Velocity).Dispose();
                }

                break;
        }

        var error = await Assert.ThrowsAsync<UserErrorException>(() => importing.ImportAsync(new ImportRequest { Path = importing.At("paris"), Name = "paris" }));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Empty(await importing.BlobNamesAsync());
    }

    [Fact]
    public async Task TheSameImportIsTheSameVersionAndAnotherIsAnother()
    {
        using var importing = new Importing();
        var request = new ImportRequest { Path = importing.CopyNetwork(SitV, "sit"), Name = "sit", Stated = Importing.SiT, Vae = Importing.Vae };
        var first = await importing.ImportAsync(request);
        var blobs = await importing.BlobNamesAsync();

        var again = await importing.ImportAsync(request);
        Assert.True(again.Existed);
        Assert.Equal(first.Manifest.Version, again.Manifest.Version);
        Assert.Equal(first.Manifest.PublishedAt, again.Manifest.PublishedAt);
        Assert.Equal(blobs, await importing.BlobNamesAsync());

        var other = await importing.ImportAsync(request with { Stated = new StatedNetwork { Prediction = Prediction.Epsilon, Schedule = ScheduleKind.Linear } });
        Assert.False(other.Existed);
        Assert.NotEqual(first.Manifest.Version, other.Manifest.Version);
        Assert.Equal(other.Manifest.Version, (await importing.Catalog.FindPublishedAsync("sit", Cancel))!.Version);
        Assert.Equal(first.Manifest.Experts[0].Sha256, other.Manifest.Experts[0].Sha256); // the same weights, once
    }

    [Fact]
    public async Task CollectionKeepsWhatAModelNamesAndTakesTheRest()
    {
        using var importing = new Importing();
        var imported = await importing.ImportAsync(
            new ImportRequest { Path = importing.CopyNetwork(SitV, "sit"), Name = "sit", Stated = Importing.SiT, Vae = Importing.Vae });
        foreach (var file in Directory.EnumerateFiles(importing.Home, "*", SearchOption.AllDirectories))
        {
            File.SetLastWriteTimeUtc(file, File.GetLastWriteTimeUtc(file).AddHours(-2));
        }

        var collection = new GarbageCollection(importing.Blobs);
        Assert.Empty(await collection.FindAsync([], Cancel));
        Assert.Null(await new ModelRemoval(importing.Blobs).RemoveAsync($"sit/{imported.Manifest.Version}", Cancel));
        var garbage = await collection.FindAsync([], Cancel);
        Assert.Equal(2, garbage.Count(blob => blob.Kind == GarbageCollection.Weights));
        await collection.RemoveAsync(garbage, Cancel);
        Assert.Empty(await importing.BlobNamesAsync());
    }

    [Fact]
    public async Task OfSeveralVersionsTheNewestOtherBecomesCurrent()
    {
        using var importing = new Importing();
        var path = importing.CopyNetwork(SitV, "sit");
        var versions = new List<string>();
        foreach (var scale in new[] { 1.0, 10, 100, 1000 })
        {
            var request = new ImportRequest { Path = path, Name = "sit", Stated = Importing.SiT with { TimeScale = scale }, Vae = Importing.Vae };
            versions.Add((await importing.ImportAsync(request)).Manifest.Version);
        }

        foreach (var version in Enumerable.Reverse(versions))
        {
            var current = await new ModelRemoval(importing.Blobs).RemoveAsync($"sit/{version}", Cancel);
            Assert.Equal(versions[..versions.IndexOf(version)].LastOrDefault(), current);
        }
    }

    /// <summary>Weights that lie there unnamed may be collected between the look at them and the manifest that names them.</summary>
    [Fact]
    public async Task WeightsThatWereCollectedMeanwhileAreWrittenAgain()
    {
        using var importing = new Importing();
        var collections = 0;

        var imported = await importing.ImportAsync(
            new ImportRequest { Path = importing.CopyNetwork(SitV, "sit"), Name = "sit", Stated = Importing.SiT, Vae = Importing.Vae }, Enter);

        Assert.Equal(2, collections);
        Assert.True(await importing.Blobs.ExistsAsync(imported.Manifest.Experts[0].Weights!, Cancel));

        StartGate Enter()
        {
            if (collections++ == 0)
            {
                Directory.Delete(Path.Combine(importing.Home, "weights"), recursive: true);
            }

            return StartGate.Enter(importing.Home);
        }
    }

    [Fact]
    public void AFileThatChangesBetweenLookAndWriteIsRefused()
    {
        var looks = 0;
        var file = new ImportedFile("x.safetensors", ImportedFile.Hash(Save), Save);
        Assert.Equal(
            "x.safetensors changed while it was imported. Import it again when nobody writes it.", Assert.Throws<UserErrorException>(() => file.Write(new MemoryStream())).Message);

        void Save(Stream target) => target.WriteByte((byte)looks++);
    }

    [Fact]
    public async Task TheNameOfARunIsRefused()
    {
        using var importing = new Importing();
        await importing.Blobs.TryWriteAsync(BlobNames.RunDocument("sit"), "{}"u8.ToArray(), WriteCondition.Any, Cancel);
        var error = await Assert.ThrowsAsync<UserErrorException>(
            () => importing.ImportAsync(new ImportRequest { Path = importing.CopyNetwork(SitV, "sit"), Name = "sit", Stated = Importing.SiT, Vae = Importing.Vae }));
        Assert.Equal("'sit' is the name of a run here, whose model it names: import under another --name.", error.Message);
    }

    [Theory]
    [InlineData("vae", "draws 4 channels, which are no pixels: give the autoencoder of its latents with --vae FOLDER")]
    [InlineData("vae-scale", "does not say what its latents are multiplied by for diffusion: write scaling_factor in the config.json beside it")]
    [InlineData("vae-other", "is no AutoencoderKL")]
    [InlineData("image-size", "tensor 'pos_embed' has places for 16 patches of 2, an input of side 8; stated is 32")]
    [InlineData("image-size-odd", "--image-size 60: give the side of the pictures in pixels, a multiple of the autoencoder's 8.")]
    [InlineData("classes", "has 2 names; the network has 10 classes. Give a name a line, in the order of the labels.")]
    [InlineData("classes-missing", "the classes' names cannot be read: ")]
    [InlineData("words", "tensors do not say what a network's output means. State --prediction velocity|epsilon")]
    [InlineData("nothing", "There are no weights at ")]
    [InlineData("pickle", "is a Python pickle, which can run any code when it is read.")]
    [InlineData("damaged", "tensor 'blocks.1.attn.qkv.bias' has values that are not finite")]
    [InlineData("router", "is a router over 2 experts (it has a tensor 'cls_token'); an expert is needed.")]
    [InlineData("name", "'Sit' cannot name a run or model")]
    public async Task ANetworkThatIsNotWholeOrNotAllIsSaidOfIsRefusedAndNothingIsWritten(string fault, string message)
    {
        using var importing = new Importing();
        var request = new ImportRequest { Path = importing.CopyNetwork(SitV, "sit"), Name = "sit", Stated = Importing.SiT, Vae = Importing.Vae };
        request = Spoil(importing, request, fault);
        var error = await Assert.ThrowsAsync<UserErrorException>(() => importing.ImportAsync(request));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Empty(await importing.BlobNamesAsync());
    }

    [Theory]
    [InlineData("index", "does not say num_experts, a whole number from 1 to 1024: it is no ensemble's.")]
    [InlineData("index-json", "model_index.json is no JSON")]
    [InlineData("fewer", "says num_experts: 3; there is no folder ")]
    [InlineData("more", "says num_experts: 3; there is a folder ")]
    [InlineData("no-router", "without a router nothing tells which expert to ask.")]
    [InlineData("router-k", "is a router over 2 experts; there are 3.")]
    [InlineData("router-expert", "is no router: it has no tensor 'cls_token'.")]
    [InlineData("router-time", "tensors do not say what time a router is fed.")]
    [InlineData("router-classes", "has 3 classes, ")]
    [InlineData("classes", "has 3 classes, ")]
    [InlineData("side", "has 8 pixels or latents a side, ")]
    [InlineData("channels", "has 1 input channels, ")]
    [InlineData("words", "Write prediction, time, schedule and num_heads in each expert's config.json.")]
    [InlineData("expert-words", "State --schedule linear|cosine, or write it in the config.json beside the file")]
    [InlineData("expert-damaged", "is missing")]
    public async Task AnEnsembleWhosePartsDoNotFitIsRefusedAndNothingIsWritten(string fault, string message)
    {
        using var importing = new Importing();
        WriteEnsemble(importing);
        var request = new ImportRequest { Path = importing.At(), Name = "mixed" };
        switch (fault)
        {
            case "index":
                importing.WriteJson("model_index.json", new { num_experts = "3" });
                break;
            case "index-json":
                await File.WriteAllTextAsync(importing.At("model_index.json"), "{", Cancel);
                break;
            case "fewer":
                Directory.Delete(importing.At("expert_1"), recursive: true);
                break;
            case "more":
                Directory.CreateDirectory(importing.At("expert_3"));
                break;
            case "no-router":
                Directory.Delete(importing.At("router"), recursive: true);
                break;
            case "router-k":
                importing.Write("router", new RouterNetwork(Small, 2), 9, RouterConfig).Dispose();
                break;
            case "router-expert":
                importing.Write("router", new DiT(Small), 9, Velocity).Dispose();
                break;
            case "router-time":
                importing.Write("router", new RouterNetwork(Small, 3), 9, new { num_heads = 2, input_size = 8 }).Dispose();
                break;
            case "router-classes":
                importing.Write("router", new RouterNetwork(Small with { Classes = 4 }, 3), 9, RouterConfig).Dispose();
                break;
            case "classes":
                importing.Write("expert_1", new DiT(Small with { Classes = 2 }), 9, Velocity).Dispose();
                break;
            case "side":
                importing.Write("expert_1", new DiT(Small with { ImageSize = 16 }), 9, Velocity with { input_size = 16 }).Dispose();
                break;
            case "channels":
                importing.Write("expert_1", new DiT(Small with { Channels = 3 }), 9, Velocity).Dispose();
                break;
            case "words":
                request = request with { Stated = new StatedNetwork { Heads = 2 } };
                break;
            case "expert-words":
                importing.WriteJson(Path.Combine("expert_2", "config.json"), new { num_heads = 2, input_size = 8, prediction = "epsilon" });
                break;
            default:
                Rewrite(importing.At("expert_2", "diffusion_pytorch_model.safetensors"), tensors => tensors.Remove("blocks.0.attn.qkv.bias"));
                break;
        }

        var error = await Assert.ThrowsAsync<UserErrorException>(() => importing.ImportAsync(request));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Empty(await importing.BlobNamesAsync());
    }

    [Fact]
    public async Task AManifestOfARunIsReadAndWrittenAsItWas()
    {
        using var tiny = new TinyRun();
        await tiny.RunAsync();
        var name = BlobNames.ModelManifest(TinyRun.Name, "v1");
        var bytes = (await tiny.Blobs.ReadAsync(name, Cancel))!.Bytes;
        var manifest = BlobJson.Parse<ModelManifest>(name, bytes);
        Assert.Equal(1, manifest.Schema);
        Assert.Equal(1000, manifest.TimeScale);
        Assert.Equal(bytes, BlobJson.Serialize(manifest));
        Assert.DoesNotContain("\"network\":", System.Text.Encoding.UTF8.GetString(bytes), StringComparison.Ordinal);
    }

    private static string SitV => Path.Combine(FixtureFolders.InRepository(), "sit-v");

    private static string ParisTiny => Path.Combine(FixtureFolders.InRepository(), "paris-tiny");

    private static Config Velocity { get; } = new("velocity", new("data-to-noise", 1000));

    private static object RouterConfig { get; } = new { num_heads = 2, input_size = 8, time = new { direction = "data-to-noise", scale = 1000 } };

    internal static (DiT[] Experts, RouterNetwork Router) WriteEnsemble(Importing importing)
    {
        var wide = Small with { Hidden = 48, Depth = 2, Heads = 3 };
        DiT[] experts =
        [
            importing.Write("expert_0", new DiT(Small), 1, Velocity),
            importing.Write("expert_1", new DiT(Parametrization.SiT.Apply(Small)), 2, Velocity with { time = new("noise-to-data", 1) }),
            importing.Write("expert_2", new DiT(Parametrization.Noise(ScheduleKind.Cosine).Apply(wide)), 3, new { num_heads = 3, input_size = 8, prediction = "epsilon", schedule = "cosine" }),
        ];
        var router = importing.Write("router", new RouterNetwork(Small, 3), 4, RouterConfig);
        importing.WriteJson("model_index.json", new { _class_name = "DDMPipeline", num_experts = 3 });
        File.WriteAllText(importing.At("classes.txt"), "cat\ndog\nhen\n");
        return (experts, router);
    }

    private static void WriteParis(Importing importing)
    {
        importing.CopyFolder(ParisTiny, "paris");
        importing.CopyFolder(Importing.Vae, Path.Combine("paris", "vae"));
        Directory.CreateDirectory(importing.At("paris", "text_encoder"));
        SmallClip.Write(importing.At("paris", "text_encoder"), width: 16);
    }

    private static ImportRequest Spoil(Importing importing, ImportRequest request, string fault)
    {
        switch (fault)
        {
            case "vae":
                return request with { Vae = null };
            case "vae-scale":
                Directory.CreateDirectory(importing.At("vae"));
                File.Copy(Path.Combine(Importing.Vae, "model.safetensors"), importing.At("vae", "model.safetensors"));
                importing.WriteJson(Path.Combine("vae", "config.json"), new { norm_num_groups = 8 });
                return request with { Vae = importing.At("vae") };
            case "vae-other":
                return request with { Vae = SitV };
            case "image-size":
                return request with { ImageSize = 256 };
            case "image-size-odd":
                return request with { ImageSize = 60 };
            case "classes":
                File.WriteAllText(importing.At("names.txt"), "one\n\n  two \n");
                return request with { Classes = importing.At("names.txt") };
            case "classes-missing":
                return request with { Classes = importing.At("nowhere.txt") };
            case "words":
                return request with { Stated = new StatedNetwork() };
            case "nothing":
                return request with { Path = importing.At("nowhere") };
            case "pickle":
                Directory.CreateDirectory(importing.At("pickled"));
                File.WriteAllBytes(importing.At("pickled", "pytorch_model.bin"), [(byte)'P', (byte)'K', 3, 4]);
                return request with { Path = importing.At("pickled") };
            case "damaged":
                Rewrite(importing.At("sit", "model.safetensors"), tensors => tensors["blocks.1.attn.qkv.bias"] = full([192], float.NaN));
                return request;
            case "router":
                importing.Write("router", new RouterNetwork(Small, 2), 4, RouterConfig).Dispose();
                return request with { Path = importing.At("router"), Stated = new StatedNetwork(), Vae = null };
            default:
                return request with { Name = "Sit" };
        }
    }

    private static void Rewrite(string path, Action<Dictionary<string, Tensor>> change)
    {
        using var scope = NewDisposeScope();
        using var file = WeightFile.Open(path);
        var tensors = file.Tensors.ToDictionary();
        change(tensors);
        using var stream = File.Create(path);
        TensorFile.Save(stream, [.. tensors.Select(t => (t.Key, t.Value))]);
    }

#pragma warning disable IDE1006 // names as a config.json has them
    private sealed record Config(string prediction, Time time)
    {
        public int num_heads { get; init; } = 2;

        public int input_size { get; init; } = 8;
    }

    private sealed record Time(string direction, double scale);
#pragma warning restore IDE1006
}

using System.Text.Json;
using Ddm.Data;
using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training.Tests;

public sealed class VaeTrainingTests : IDisposable
{
    private const string Weights = "diffusion_pytorch_model.safetensors", State = "state.safetensors";

    private readonly VaeWorkshop workshop = new();

    [Fact]
    public void WhatIsWrittenLoadsAsTheAutoencoderOfARun()
    {
        var outcome = workshop.Train(VaeWorkshop.Settings with { Steps = 60 });
        var spec = Spec();
        LatentCodec.Require(spec, workshop.Folder);
        using var codec = LatentCodec.OpenFile(spec, workshop.Folder);
        Assert.Equal((1, 4, 2, 4), (codec.Config.Channels, codec.Config.LatentChannels, codec.Config.Factor, codec.Config.Groups));
        Assert.Equal([8, 16], codec.Config.Widths);
        Assert.Equal(codec.Config.Scale, codec.Scale);

        // read back, it decodes held-out pictures as well as was said, and its scaled latents have unit deviation
        using var scope = NewDisposeScope();
        var pictures = workshop.Read();
        var (originals, moments) = Encode(codec, pictures, pictures.HeldOut);
        var decoded = codec.Decode(moments.narrow(1, 0, 4).to(ScalarType.Float32).mul(codec.Scale)).add(1, 1).mul(127.5).round();
        var error = decoded.Minus(originals.to(ScalarType.Float32)).square().mean().item<float>();
        Assert.Equal(outcome.Quality!.Psnr, 10 * Math.Log10(255 * 255 / error), 0.1);
        Assert.Equal(pictures.HeldOut.Count, outcome.Quality.Pictures);
        var trained = Encode(codec, pictures, pictures.Training).Moments.to(ScalarType.Float64).chunk(2, 1);
        var latents = addcmul(trained[0], trained[1].div(2).exp(), randn_like(trained[0]), 1);
        Assert.InRange(codec.Scale * latents.std().item<double>(), 0.97, 1.03);
    }

    [Fact]
    public void TheFolderIsDiffusersLayoutWithItsOrigin()
    {
        workshop.Train();
        var config = JsonDocument.Parse(Text("config.json")).RootElement;
        Assert.Equal("AutoencoderKL", config.GetProperty("_class_name").GetString());
        Assert.Equal([8, 16], config.GetProperty("block_out_channels").EnumerateArray().Select(width => width.GetInt32()));
        Assert.Equal(["DownEncoderBlock2D", "DownEncoderBlock2D"], config.GetProperty("down_block_types").EnumerateArray().Select(type => type.GetString()));
        Assert.Equal(["UpDecoderBlock2D", "UpDecoderBlock2D"], config.GetProperty("up_block_types").EnumerateArray().Select(type => type.GetString()));
        Assert.Equal((1, 4, 4, 16), (Whole("layers_per_block"), Whole("latent_channels"), Whole("norm_num_groups"), Whole("sample_size")));

        Assert.Equal(
            ["README.md", "config.json", Weights, "reconstructions.png", "training.jsonl"],
            Directory.GetFiles(workshop.Output).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Contains("--steps 6 --batch 8 --learning-rate 0.003 --kl 1E-06 --held-out 0.2 --seed 3", Text("README.md"), StringComparison.Ordinal);
        Assert.Equal(6, Text("training.jsonl").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        var sheet = ImageCodec.DecodePng(File.ReadAllBytes(Path.Combine(workshop.Output, "reconstructions.png")));
        Assert.Equal(((8 * 17) - 1) * 8, sheet.Width); // eight columns with gaps, each pixel eight wide

        int Whole(string name) => config.GetProperty(name).GetInt32();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void StoppedAndTakenUpAgainItEndsInTheSameBits(int stopAfter)
    {
        workshop.Train(output: Path.Combine(workshop.Folder, "straight"));
        var stopped = workshop.Train(stopAfter: stopAfter);
        Assert.Equal((stopAfter, null), (stopped.Step, stopped.Quality));
        Assert.Equal([State, "training.jsonl"], Directory.GetFiles(workshop.Output).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(VaeWorkshop.Settings.Steps, workshop.Train().Step);
        foreach (var file in new[] { Weights, "config.json", "reconstructions.png" })
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(workshop.Folder, "straight", file)), File.ReadAllBytes(Path.Combine(workshop.Output, file)));
        }

        Assert.Equal(Enumerable.Range(1, 6), Text("training.jsonl").Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("step").GetInt32()));
    }

    [Fact]
    public void AStateOfOtherSettingsOrPicturesIsRefusedAndKept()
    {
        workshop.Train(stopAfter: 2);
        var state = File.ReadAllBytes(Path.Combine(workshop.Output, State));
        var error = Assert.Throws<UserErrorException>(() => workshop.Train(VaeWorkshop.Settings with { Steps = 7, Kl = 1e-4 }));
        Assert.Contains("  --steps: 6 there, 7 now", error.Message, StringComparison.Ordinal);
        Assert.Contains("  --kl: 1E-06 there, 0.0001 now", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("--batch", error.Message, StringComparison.Ordinal);

        File.Delete(Path.Combine(workshop.Source, "07.png"));
        Assert.Contains("  pictures: ", Assert.Throws<UserErrorException>(() => workshop.Train()).Message, StringComparison.Ordinal);
        Assert.Equal(state, File.ReadAllBytes(Path.Combine(workshop.Output, State)));
    }

    [Fact]
    public void ADamagedStateIsNamedAndNotBegunOver()
    {
        workshop.Train(stopAfter: 2);
        var file = Path.Combine(workshop.Output, State);
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..^100]);
        var error = Assert.Throws<UserErrorException>(() => workshop.Train());
        Assert.StartsWith(file, error.Message, StringComparison.Ordinal);
        Assert.EndsWith("Remove it to begin anew.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFinishedFolderIsNotWrittenOver()
    {
        workshop.Train(VaeWorkshop.Settings with { Steps = 1 });
        var before = File.ReadAllBytes(Path.Combine(workshop.Output, Weights));
        Assert.Contains("holds an autoencoder already", Assert.Throws<UserErrorException>(() => workshop.Train()).Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(workshop.Output, Weights)));
    }

    public void Dispose() => workshop.Dispose();

    private static (Tensor Originals, Tensor Moments) Encode(LatentCodec codec, PictureSet pictures, IReadOnlyList<int> places)
    {
        var pixels = VaeMeasure.Stack([.. places.Select(place => pictures.Rows.Row(place).ToArray())], VaeWorkshop.Settings);
        return (pixels, codec.Moments(pixels));
    }

    private RunSpec Spec() => Workshop.Spec with
    {
        Data = new DataSpec { Source = workshop.Source, ImageSize = 16, Channels = 1 },
        Latent = new LatentSpec { Vae = workshop.Output, Channels = 4, Factor = 2 },
    };

    private string Text(string file) => File.ReadAllText(Path.Combine(workshop.Output, file));
}

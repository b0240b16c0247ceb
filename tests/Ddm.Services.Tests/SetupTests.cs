using System.Text.RegularExpressions;
using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Services.Tests;

/// <summary>Drafting, checking and foretelling specs.</summary>
public sealed partial class SetupTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ddm-setup-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task ADraftedSpecIsValidAndRuns()
    {
        WritePictures("My Cats & Dogs!", classes: 2, each: 40, side: 20, channels: 3);
        var file = Path.Combine(folder, "ddm.yaml");
        var written = SpecInit.Write(Path.Combine(folder, "My Cats & Dogs!"), file, null, force: false);
        var text = await File.ReadAllTextAsync(file, Cancel);

        Assert.StartsWith("# yaml-language-server: $schema=ddm-run.schema.json\n", text, StringComparison.Ordinal);
        Assert.Equal(RunSpecSchema.Write(), await File.ReadAllTextAsync(written.SchemaFile!, Cancel));
        Assert.Contains("# 2 classes, taken from the data: class0, class1.", text, StringComparison.Ordinal);
        var found = await SpecValidation.CheckAsync(text, file, Store("none"), lookAtData: true, Cancel);
        Assert.Empty(found.Mistakes);
        Assert.Empty(found.Warnings);
        Assert.Equal(("my-cats-dogs", 20, 3, 2), (found.Spec!.Name, found.Spec.Data.ImageSize, found.Spec.Data.Channels, found.Spec.Partition.Experts));
        Assert.False(Directory.Exists(Path.Combine(folder, "none")));

        // The same, but for fewer and smaller steps.
        var quick = Steps().Replace(Presets().Replace(text, "DiT-Micro/"), "  steps: 2 ").Replace("warmup: ", "warmup: 0 #", StringComparison.Ordinal);
        using var stop = new StopSignal();
        await using var host = await EmbeddedHost.StartAsync(Store("home"), new RecordingProgress(), stop, Cancel);
        Assert.Equal(RunStatus.Succeeded, (await host.RunAsync(quick, file, Cancel)).Status);
    }

    [Fact]
    public void AFileThatExistsIsNotReplacedUnlessForced()
    {
        WritePictures("p", 1, 5, 8, 1);
        var file = Path.Combine(folder, "ddm.yaml");
        File.WriteAllText(file, "mine");
        File.WriteAllText(Path.Combine(folder, RunSpecSchema.FileName), "mine too");

        var error = Assert.Throws<UserErrorException>(() => SpecInit.Write(Path.Combine(folder, "p"), file, null, force: false));
        Assert.Equal($"'{file}' exists. Give another file with --out FILE, or --force to replace it.", error.Message);
        Assert.Equal("mine", File.ReadAllText(file));

        Assert.Null(SpecInit.Write(Path.Combine(folder, "p"), file, null, force: true).SchemaFile);
        Assert.Equal("mine too", File.ReadAllText(Path.Combine(folder, RunSpecSchema.FileName)));
    }

    [Theory]
    [InlineData(30, 28, 2)]
    [InlineData(10_000, 28, 4)]
    [InlineData(70_000, 224, 16)]
    public void ADraftFitsTheData(int rows, int side, int experts)
    {
        var look = new SourceLook { Count = rows, ClassNames = [], Grey = true, Unreadable = [], Sizes = [.. Enumerable.Repeat(new ImageHeader(side, side + 1), 9)] };
        var draft = SpecDraft.For(look);
        var patch = NetworkPresets.Resolve(new NetworkSpec { Preset = draft.Preset }).Patch;
        Assert.Equal((Math.Min(side, 64), experts), (draft.ImageSize, draft.Experts));
        Assert.Equal(0, draft.ImageSize % patch);
        Assert.InRange(draft.Fine, draft.Experts, rows);
        RunSpecReader.Read(SpecTemplate.Write("a", "b", look, "s"), "s.yaml");
    }

    [Theory]
    [InlineData("My Cats", "my-cats")]
    [InlineData("con", "con-run")]
    [InlineData("...", "my-run")]
    [InlineData("latest", "latest-run")]
    [InlineData("größe", "gr-e")]
    public void NamesAreMadeOfFolders(string folderName, string expected) => Assert.Equal(expected, SpecTemplate.NameOf(folderName));

    [Fact]
    public async Task WhatTheDataSayIsCheckedToo()
    {
        WritePictures("p", 2, 20, 8, 1);
        File.WriteAllText(Path.Combine(folder, "p", "class0", "bad.png"), "no picture");
        var spec = TinyFolder.DefaultSpec.Replace("source: pictures, image_size: 8, channels: 1", "source: p, image_size: 16, channels: 3", StringComparison.Ordinal)
            .Replace("experts: { steps: 12, batch: 16", "experts: { steps: 4000, batch: 32", StringComparison.Ordinal);
        var file = Path.Combine(folder, "s.yaml");

        var found = await SpecValidation.CheckAsync(spec, file, Store("none"), lookAtData: true, Cancel);
        Assert.Empty(found.Mistakes);
        Assert.Equal(
            ["data.source", "data.image_size", "data.channels", "experts.steps", "experts.batch"], found.Warnings.Select(w => w.Path));

        found = await SpecValidation.CheckAsync(spec.Replace("experts: 2, fine: 4", "experts: 50", StringComparison.Ordinal), file, Store("none"), true, Cancel);
        Assert.Equal("41 pictures cannot be cut into 50 clusters; give fewer experts or more pictures", Assert.Single(found.Mistakes).Text);
        found = await SpecValidation.CheckAsync(spec.Replace("source: p", "source: q", StringComparison.Ordinal), file, Store("none"), true, Cancel);
        Assert.Equal("data.source", Assert.Single(found.Mistakes).Path);
    }

    [Fact]
    public async Task AForecastCountsTheFlopsOfTheReportAndTheBytesOfTheDisk()
    {
        using var tiny = new TinyRun(TinyFolder.DefaultSpec
            .Replace("model: { hidden: 32, depth: 1", "model: { hidden: 128, depth: 2", StringComparison.Ordinal)
            .Replace("slice_seconds: 0.01", "slice_seconds: 0.001", StringComparison.Ordinal));
        using var device = new DeviceThread();
        var forecast = await new Forecaster(device).MeasureAsync(
            RunSpecReader.Read(tiny.SpecText, "tiny.yaml"), Path.GetDirectoryName(tiny.SpecFile)!);
        await tiny.RunAsync();

        var (evaluation, _) = (await tiny.Blobs.ReadJsonAsync<EvaluationSummary>(BlobNames.EvaluationManifest(TinyRun.Name), Cancel))!.Value;
        Assert.Equal(evaluation.TrainingFlops, forecast.TrainingFlops, 1e-9 * evaluation.TrainingFlops);
        var disk = (await tiny.Blobs.ListAsync("", Cancel).ToListAsync(Cancel)).Sum(blob => blob.Length);
        Assert.InRange(forecast.Disk, 0.9 * disk, 1.1 * disk);
        Assert.True(forecast.PeakMemory > 100_000_000);
        Assert.True(forecast.Seconds > 0);
    }

    private FileBlobStore Store(string name) => new(Path.Combine(folder, name));

    private void WritePictures(string name, int classes, int each, int side, int channels)
    {
        for (var c = 0; c < classes; c++)
        {
            Directory.CreateDirectory(Path.Combine(folder, name, $"class{c}"));
            for (var i = 0; i < each; i++)
            {
                var planes = new byte[channels * side * side];
                for (var p = 0; p < planes.Length; p++)
                {
                    planes[p] = (byte)((p * (c + 3)) + (i * 37) + (p * i % 11 * 9));
                }

                File.WriteAllBytes(Path.Combine(folder, name, $"class{c}", $"{i:D3}.png"), ImageCodec.EncodePng(planes, channels, side, side));
            }
        }
    }

    [GeneratedRegex("(?m)^  steps: [0-9]+ ?")]
    private static partial Regex Steps();

    [GeneratedRegex("DiT-(Nano|Micro)/")]
    private static partial Regex Presets();
}

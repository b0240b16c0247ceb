using System.Text.Json;
using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Evaluation;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services.Tests;

/// <summary>Runs whose condition is the captions.</summary>
public class TextRunTests
{
    private const string Learned = "text: { encoder: learned, tokens: 5, width: 32 }";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Learned)]
    [InlineData("text: { encoder: clip, weights: clip, tokens: 9 }")]
    public async Task CaptionsAreKeptTrainedOnMeasuredAndDrawnBy(string text)
    {
        using var tiny = Captioned(text);
        var progress = new RecordingProgress();
        var document = await tiny.RunAsync(progress);
        Assert.Equal((RunStatus.Succeeded, null), (document.Status, document.Failure));
        var captions = progress.Encodings.Where(report => report.Unit == EncodingProgress.Captions).ToArray();
        Assert.All(captions, report => Assert.True(report is { Stage: RunStage.AssignShards, Total: TinyFolder.Rows, PerSecond: > 0, EncoderBusy: > 0 and <= 1 }, $"{report}"));
        Assert.Equal([100, 200, 240], captions.Select(report => report.Done));

        var clusters = await ClusterDataset.OpenAsync(tiny.Blobs, TinyRun.Name, [0, 1], heldOut: false, Cancel);
        var shape = clusters.Text!.Value;
        Assert.Equal(text == Learned ? new TextShape(5, 32, TextShape.FirstToken + 7) : new TextShape(9, 64, 0), shape);
        await SameCaptionsHaveTheSameRowsAsync(clusters);

        var summary = (await tiny.Blobs.ReadJsonAsync<EvaluationSummary>(BlobNames.EvaluationManifest(TinyRun.Name), Cancel))!.Value.Value;
        Assert.InRange(summary.Captions!.Rows, 5, 40);
        Assert.Contains("id=\"captions\"", System.Text.Encoding.UTF8.GetString((await tiny.Blobs.ReadAsync(BlobNames.Report(TinyRun.Name), Cancel))!.Bytes), StringComparison.Ordinal);

        using var device = new DeviceThread();
        using var model = await LoaderOf(tiny, device).OpenAsync(TinyRun.Name, Cancel);
        Assert.StartsWith(BlobNames.PublishedWeights, model.Manifest.Text!.Weights, StringComparison.Ordinal);
        Assert.Equal(shape, model.Captions!.Shape);
        await device.RunAsync(() =>
        {
            using var prompts = model.Captions.Encode(["bright on the left", "bright at the top", null]);
            using var negative = model.Captions.Encode(["dark", "dark", "dark"]);
            using var result = model.Sampler().Sample(new SampleRequest { Seeds = [1, 1, 1], Text = prompts, NegativeText = negative, Guidance = 2, Steps = 2 });
            Assert.Equal([3, 1, 8, 8], result.Images.shape);
            using var alone = model.Sampler().Sample(new SampleRequest { Seeds = [1], Text = prompts.narrow(0, 1, 1), NegativeText = negative.narrow(0, 1, 1), Guidance = 2, Steps = 2 });
            Assert.True(alone.Images[0].Equals(result.Images[1]), "a picture depends on its seed and caption alone");
        });
    }

    [Fact]
    public async Task ARunThatWasStoppedGoesOnToTheSameWeights()
    {
        using var undisturbed = Captioned(Learned);
        await undisturbed.RunAsync();
        using var tiny = Captioned(Learned);
        foreach (var stage in new[] { RunStage.ExtractFeatures, RunStage.AssignShards, RunStage.FreezeClusters, RunStage.Train })
        {
            using var stop = new StopSignal();
            await tiny.RunAsync(new RecordingProgress(null, reached => { if (reached == stage) { stop.Raise(); } }), stop);
        }

        Assert.Equal(RunStatus.Succeeded, (await tiny.RunAsync()).Status);
        Assert.Equal(
            (await undisturbed.InspectAsync()).Roles.Select(r => (r.Role, r.Step, r.Sha256, r.EmaSha256)),
            (await tiny.InspectAsync()).Roles.Select(r => (r.Role, r.Step, r.Sha256, r.EmaSha256)));
    }

    /// <summary>A blind router leaves the experts as they are, to the bit: so the two can be compared.</summary>
    [Fact]
    public async Task ABlindRouterIsComparedOnTheSameClusters()
    {
        using var tiny = Captioned(Learned);
        await tiny.RunAsync();
        using var blind = Captioned(Learned, spec => spec.Replace("name: tiny", "name: blind", StringComparison.Ordinal)
            .Replace("router: { network: { hidden: 32,", "router: { network: { text_condition: false, hidden: 32,", StringComparison.Ordinal));
        await blind.RunAsync(blobs: tiny.Blobs);
        using var device = new DeviceThread();
        var loader = LoaderOf(tiny, device);
        using var model = await loader.OpenAsync("tiny", Cancel);
        using var other = await loader.OpenAsync("blind", Cancel);
        Assert.Equal(model.Manifest.Experts.Select(e => e.Sha256), other.Manifest.Experts.Select(e => e.Sha256));
        Assert.NotEqual(model.Manifest.Router.Sha256, other.Manifest.Router.Sha256);
        var report = await new CaptionMeasurement(tiny.Blobs, device).MeasureAsync(model, other, new CaptionOptions { Draws = 1 }, Cancel);
        Assert.Equal("the router of blind", report.Routing.Blind);
        Assert.InRange(report.Routing.BlindAccuracy, 0, 1);
    }

    [Theory]
    [InlineData("text: { encoder: clip, weights: nowhere }", "There are no weights at ")]
    [InlineData("text: { encoder: clip, weights: clip, tokens: 78 }", "has 77 places for tokens; text.tokens is 78")]
    [InlineData("text: { encoder: learned, tokens: 1024 }\ndata.shard_rows", "900,000 rows of 4,160 bytes are no shard; at most 456,730 fit")]
    [InlineData("text: { encoder: clip }", "the encoder 'clip' needs its weights")]
    public async Task WhatDoesNotFitTheEncoderIsRefusedBeforeAnythingIsWritten(string text, string message)
    {
        using var tiny = Captioned(text);
        var error = await Assert.ThrowsAsync<UserErrorException>(() => tiny.RunAsync());
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.False(await tiny.Blobs.ExistsAsync(BlobNames.RunDocument(TinyRun.Name), Cancel));
    }

    /// <summary>Of a flipped latent the shard holds two, 4 channels of means and 4 of log variances at 4 x 4 places each; of 1,024 tokens 4 bytes each.</summary>
    [Fact]
    public async Task MirroredLatentsCountInAShard()
    {
        using var tiny = Captioned("text: { encoder: learned, tokens: 1024 }", spec => spec
            .Replace("image_size: 8, channels: 1, shard_rows: 100", "image_size: 32, channels: 3, shard_rows: 900000, flip: true", StringComparison.Ordinal)
            .Replace("patch: 4", "patch: 2", StringComparison.Ordinal) + $"latent: {Importing.Vae}\n");
        var error = await Assert.ThrowsAsync<UserErrorException>(() => tiny.RunAsync());
        Assert.Contains("900,000 rows of 4,608 bytes are no shard; at most 412,326 fit", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PicturesWithoutCaptionsCannotTeachAnEncoder()
    {
        using var tiny = new TinyRun(TinyFolder.DefaultSpec + "\n" + Learned + "\n");
        var document = await tiny.RunAsync();
        Assert.Equal(RunStatus.Failed, document.Status);
        Assert.Contains("no training image has a caption", document.Failure!, StringComparison.Ordinal);
    }

    private static ModelLoader LoaderOf(TinyRun tiny, DeviceThread device)
    {
        var checkpoints = new CheckpointStore(tiny.Blobs, TimeProvider.System, NullLogger<CheckpointStore>.Instance);
        return new ModelLoader(tiny.Blobs, new ModelCatalog(tiny.Blobs, checkpoints, new RunRepository(tiny.Blobs), TimeProvider.System), device);
    }

    private static async Task SameCaptionsHaveTheSameRowsAsync(ClusterDataset clusters)
    {
        await clusters.LoadAsync(Enumerable.Range(0, clusters.ShardRows.Length), Cancel);
        var (rows, none) = (new Dictionary<string, string>(), new byte[new RowText(clusters.Text!.Value).RowBytes]);
        clusters.CopyText(0, null, none);
        for (var shard = 0; shard < clusters.ShardRows.Length; shard++)
        {
            for (var row = 0; row < clusters.ShardRows[shard]; row++)
            {
                var condition = new byte[none.Length];
                clusters.CopyText(shard, row, condition);
                var (caption, bytes) = (clusters.TextOf(shard, row) ?? "", Convert.ToHexString(condition));
                Assert.Equal(bytes, rows.GetValueOrDefault(caption, bytes));
                rows[caption] = bytes;
            }
        }

        Assert.Equal(5, rows.Count);
        Assert.Equal(Convert.ToHexString(none), rows[""]);
        Assert.Equal(5, rows.Values.Distinct().Count());
    }

    // Two captions of each kind of picture; every tenth has none.
    private static TinyRun Captioned(string text, Func<string, string>? change = null)
    {
        var spec = TinyFolder.DefaultSpec.Replace("source: pictures", "source: captioned", StringComparison.Ordinal);
        if (text.EndsWith("\ndata.shard_rows", StringComparison.Ordinal))
        {
            (text, spec) = (text.Split('\n')[0], spec.Replace("shard_rows: 100", "shard_rows: 900000", StringComparison.Ordinal));
        }

        spec += "\n" + text + "\n";
        var tiny = new TinyRun(change?.Invoke(spec) ?? spec);
        var root = Path.GetDirectoryName(tiny.SpecFile)!;
        var (folder, clip) = (Path.Combine(root, "captioned"), Path.Combine(root, "clip"));
        Directory.CreateDirectory(folder);
        using var lines = new StreamWriter(Path.Combine(folder, "metadata.jsonl"));
        for (var row = 0; row < TinyFolder.Rows; row++)
        {
            var name = FormattableString.Invariant($"{row}.png");
            File.WriteAllBytes(Path.Combine(folder, name), ImageCodec.EncodePng(TinyFolder.Picture(row), 1, TinyFolder.Side, TinyFolder.Side));
            var caption = row % 10 == 9 ? null : (row % 4 < 2 ? "bright " : "lit ") + (row % 2 == 0 ? "on the left" : "at the top");
            lines.WriteLine(JsonSerializer.Serialize(new { file_name = name, text = caption }));
        }

        if (text.Contains("weights: clip", StringComparison.Ordinal))
        {
            Directory.CreateDirectory(clip);
            SmallClip.Write(clip);
        }

        return tiny;
    }
}

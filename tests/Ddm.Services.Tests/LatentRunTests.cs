using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;

namespace Ddm.Services.Tests;

/// <summary>Runs whose networks see latents: pictures encoded, trained on, drawn, decoded.</summary>
public class LatentRunTests
{
    private static readonly string Vae = Path.Combine(FixtureFolders.InRepository(), "vae-l1");

    private const int Few = 80; // encoding one takes its time

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PicturesAreEncodedTrainedOnDrawnAndDecoded()
    {
        using var tiny = new TinyRun(Spec(), Few);
        var document = await tiny.RunAsync();
        Assert.Equal((RunStatus.Succeeded, null), (document.Status, document.Failure));

        var clusters = await ClusterDataset.OpenAsync(tiny.Blobs, TinyRun.Name, [0, 1], heldOut: false, Cancel);
        Assert.Equal(new RowFormat(8, 4, Moments: true), clusters.Format);
        Assert.Equal(0.18215, clusters.Latents!.Scale);

        var checkpoints = new CheckpointStore(tiny.Blobs, TimeProvider.System, NullLogger<CheckpointStore>.Instance);
        using var device = new DeviceThread();
        var loader = new ModelLoader(tiny.Blobs, new ModelCatalog(tiny.Blobs, checkpoints, new RunRepository(tiny.Blobs), TimeProvider.System), device);
        using var model = await loader.OpenAsync(TinyRun.Name, Cancel);
        Assert.Equal(new InputShape(4, 4), new InputShape(model.Manifest.Latent!.Channels, model.Manifest.Latent.Size));
        Assert.StartsWith(BlobNames.PublishedWeights, model.Manifest.Latent.Weights, StringComparison.Ordinal);
        var drawn = await device.RunAsync(() =>
        {
            using var result = model.Sampler().Sample(new SampleRequest { Seeds = [1, 2, 3], Labels = [0, 1, 0], Steps = 2 });
            return result.Images.shape;
        });
        Assert.Equal([3, 3, 32, 32], drawn);
        var sheet = ImageCodec.DecodePng((await tiny.Blobs.ReadAsync(BlobNames.ClusterContactSheet(TinyRun.Name, 0), Cancel))!.Bytes);
        Assert.Equal(3, sheet.Channels);
    }

    [Fact]
    public async Task WhereTrainingMirrorsThePictureAndItsMirrorImageAreEncoded()
    {
        using var stop = new StopSignal();
        using var tiny = new TinyRun(Mirroring(), Few);
        var document = await tiny.RunAsync(new RecordingProgress(null, reached => { if (reached == RunStage.Train) { stop.Raise(); } }), stop);
        var dataset = await DatasetReader.OpenAsync(tiny.Blobs, document.DatasetId!, Cancel);
        var pictures = new Dictionary<long, byte[]>();
        for (var shard = 0; shard < dataset.Manifest.Shards.Count; shard++)
        {
            var rows = await dataset.ReadShardAsync(shard, Cancel);
            for (var i = 0; i < rows.Count; i++)
            {
                pictures.Add(rows.RowIds[i], rows.Row(i).ToArray());
            }
        }

        using var device = new DeviceThread();
        using var codecs = new OpenCodecs(tiny.Blobs, device);
        foreach (var heldOut in new[] { false, true })
        {
            var clusters = await ClusterDataset.OpenAsync(tiny.Blobs, TinyRun.Name, [0, 1], heldOut, Cancel);
            Assert.Equal((new RowFormat(8, 4, Moments: true), true), (clusters.Format, clusters.Latents!.Mirrored));
            await clusters.LoadAsync([0], Cancel);
            var (itself, mirrored) = (new byte[clusters.Format.RowBytes], new byte[clusters.Format.RowBytes]);
            for (var row = 0; row < 3; row++)
            {
                clusters.CopyRow(0, row, itself, out var label, out var cluster);
                clusters.CopyMirrored(0, row, mirrored, out var sameLabel, out var sameCluster);
                Assert.Equal((label, cluster), (sameLabel, sameCluster));
                var picture = pictures[clusters.RowId(0, row)];
                var expected = await codecs.UseAsync(document, codec =>
                {
                    using var scope = torch.NewDisposeScope();
                    var pixels = torch.tensor(picture, [1, 3, 32, 32], torch.ScalarType.Byte);
                    return (Itself: codec.Moments(pixels).bytes.ToArray(), Mirrored: codec.Moments(pixels.flip(-1)).bytes.ToArray());
                }, Cancel);
                Assert.Equal(expected.Itself, itself);
                Assert.Equal(expected.Mirrored, mirrored);
                Assert.NotEqual(itself, mirrored);
            }
        }
    }

    [Theory]
    [InlineData(false, Traits = ["Category", "Long"])]
    [InlineData(true)]
    public async Task ARunThatWasStoppedGoesOnToTheSameWeights(bool flip)
    {
        var spec = flip ? Mirroring() : Spec();
        using var undisturbed = new TinyRun(spec, Few);
        await undisturbed.RunAsync();
        using var tiny = new TinyRun(spec, Few);
        foreach (var stage in new[] { RunStage.AssignShards, RunStage.FreezeClusters, RunStage.Train })
        {
            using var stop = new StopSignal();
            await tiny.RunAsync(new RecordingProgress(null, reached => { if (reached == stage) { stop.Raise(); } }), stop);
        }

        Assert.Equal(RunStatus.Succeeded, (await tiny.RunAsync()).Status);
        Assert.Equal(
            (await undisturbed.InspectAsync()).Roles.Select(r => (r.Role, r.Step, r.Sha256, r.EmaSha256)),
            (await tiny.InspectAsync()).Roles.Select(r => (r.Role, r.Step, r.Sha256, r.EmaSha256)));
    }

    [Fact]
    public async Task AnAutoencoderOfOnesOwnIsScaledToUnitVariance()
    {
        using var tiny = new TinyRun(Spec(), Few);
        var own = Path.Combine(Path.GetDirectoryName(tiny.SpecFile)!, "own");
        Directory.CreateDirectory(own);
        File.Copy(Path.Combine(Vae, "model.safetensors"), Path.Combine(own, "model.safetensors"));
        await File.WriteAllTextAsync(Path.Combine(own, "config.json"), "{ \"norm_num_groups\": 8 }", Cancel);
        using var run = new TinyRun(Spec(own), Few);
        Assert.Equal(RunStatus.Succeeded, (await run.RunAsync()).Status);

        using var scope = torch.NewDisposeScope();
        var clusters = await ClusterDataset.OpenAsync(run.Blobs, TinyRun.Name, [0, 1], heldOut: false, Cancel);
        await clusters.LoadAsync(Enumerable.Range(0, clusters.ShardRows.Length), Cancel);
        var moments = torch.empty([clusters.Rows, 8, 4, 4], torch.ScalarType.Float16);
        var at = 0;
        for (var shard = 0; shard < clusters.ShardRows.Length; shard++)
        {
            for (var row = 0; row < clusters.ShardRows[shard]; row++, at++)
            {
                clusters.CopyRow(shard, row, moments.bytes.Slice(at * clusters.Format.RowBytes, clusters.Format.RowBytes), out _, out _);
            }
        }

        var parts = moments.to(torch.ScalarType.Float64).chunk(2, dim: 1);
        var drawn = torch.addcmul(parts[0], parts[1].div(2).exp(), torch.randn_like(parts[0]), 1);
        Assert.InRange(clusters.Latents!.Scale * drawn.std().item<double>(), 0.95, 1.05);
    }

    [Fact]
    public async Task ThePlanCountsEncoding()
    {
        using var tiny = new TinyRun(Spec());
        using var device = new DeviceThread();
        var forecast = await new Forecaster(device).MeasureAsync(RunSpecReader.Read(tiny.SpecText, tiny.SpecFile), Path.GetDirectoryName(tiny.SpecFile)!);
        var stage = forecast.Stages.Single(stage => stage.Stage == "AssignShards");
        Assert.Equal(TinyFolder.Rows * (8 + (2 * 8 * 4 * 4)), stage.Written); // a cluster's number, and eight channels of four by four halves
        Assert.True(stage.Seconds > 0.01, $"{stage.Seconds} s for encoding {TinyFolder.Rows} pictures");
    }

    [Theory]
    [InlineData("latent: { vae: VAE, factor: 4 }", "Write what the file has")]
    [InlineData("latent: { vae: VAE, channels: 8 }", "Write what the file has")]
    [InlineData("latent: nowhere", "There are no weights at ")]
    [InlineData("latent: { vae: VAE, factor: 5 }", "5 does not divide data.image_size 32")]
    [InlineData("latent: { vae: VAE, factor: 32 }", "patch 2 does not divide the latents' side 1 (data.image_size 32 / latent.factor 32)")]
    public async Task WhatDoesNotFitTheAutoencoderIsRefusedBeforeAnythingIsWritten(string latent, string message)
    {
        using var tiny = new TinyRun(Spec().Replace($"latent: {Vae}", latent.Replace("VAE", Vae, StringComparison.Ordinal), StringComparison.Ordinal));
        var error = await Assert.ThrowsAsync<UserErrorException>(() => tiny.RunAsync());
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.False(await tiny.Blobs.ExistsAsync(BlobNames.RunDocument(TinyRun.Name), Cancel));
    }

    private static string Mirroring() => Spec().Replace("channels: 3", "channels: 3, flip: true", StringComparison.Ordinal);

    private static string Spec(string? vae = null) => TinyFolder.DefaultSpec
        .Replace("image_size: 8, channels: 1", "image_size: 32, channels: 3", StringComparison.Ordinal)
        .Replace("shard_rows: 100", "shard_rows: 33", StringComparison.Ordinal)
        .Replace("patch: 4", "patch: 2", StringComparison.Ordinal) + $"\nlatent: {vae ?? Vae}\n";
}

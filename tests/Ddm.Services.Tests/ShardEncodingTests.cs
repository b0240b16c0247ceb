using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using TorchSharp;

namespace Ddm.Services.Tests;

public sealed class ShardEncodingTests : IAsyncLifetime
{
    private const int ShardRows = 100, BatchRows = 16, Shard = 1;

    private readonly TinyRun tiny = new();
    private readonly DeviceThread device = new();
    private readonly StopSignal stop = new();
    private readonly RecordingProgress progress;
    private RunDocument document = null!;
    private OpenEncoders encoders = null!;

    // Features are there then, and nothing else is needed.
    public ShardEncodingTests() => progress = new RecordingProgress(null, stage =>
    {
        if (stage == RunStage.FitPartition)
        {
            stop.Raise();
        }
    });

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        document = await tiny.RunAsync(progress, stop);
        encoders = new OpenEncoders(tiny.Blobs, device);
    }

    public ValueTask DisposeAsync()
    {
        encoders.Dispose();
        device.Dispose();
        tiny.Dispose();
        stop.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task FeaturesAreThoseOfTheWholeShardToTheBit()
    {
        var dataset = await DatasetReader.OpenAsync(tiny.Blobs, document.DatasetId!, Cancel);
        var rows = await dataset.ReadShardAsync(Shard, Cancel);
        var whole = await encoders.UseAsync(document, encoder =>
        {
            using var scope = torch.NewDisposeScope();
            using var stream = new MemoryStream();
            TensorFile.Save(stream, [("features", encoder.Encode(torch.tensor(rows.Pixels, [rows.Count, 1, 8, 8], torch.ScalarType.Byte)))]);
            return stream.ToArray();
        }, Cancel);
        Assert.Equal(SafetensorsSeal.Apply(whole), (await tiny.Blobs.ReadAsync(BlobNames.Features(TinyRun.Name, Shard), Cancel))!.Bytes.ToArray());
        Assert.Equal(rows.Pixels, await PixelsAsync(await EncodeAsync(await WorkAsync(tiny.Blobs), pixels => pixels)));
    }

    [Fact]
    public void ARunTellsHowFarAndHowFast()
    {
        Assert.Equal([100L, 200, 240], progress.Encodings.Select(report => report.Done));
        Assert.All(progress.Encodings, report => Assert.Equal((RunStage.ExtractFeatures, 240L), (report.Stage, report.Total)));
        Assert.All(progress.Encodings, report => Assert.True(report is { Unit: EncodingProgress.Images, PerSecond: > 0, EncoderBusy: > 0 and <= 1 }, $"{report}"));
    }

    [Fact]
    public async Task TheNextRowsAreReadWhileSomeAreEncodedAndNoMoreThanThree()
    {
        var store = new WatchedStore(tiny.Blobs, BlobNames.DatasetShard(document.DatasetId!, Shard));
        var ends = await BatchEndsAsync();
        var batch = 0;
        await EncodeAsync(await WorkAsync(store), pixels =>
        {
            var ahead = Math.Min(batch + 2, ends.Count - 1); // one waits, one is decoded
            store.Reaches(ends[ahead]).WaitAsync(Cancel).GetAwaiter().GetResult();
            var isAll = ahead == ends.Count - 1; // then the archive's end may have been read too
            Assert.True(isAll || store.Position <= ends[ahead], $"batch {batch} is encoded, and {store.Position} bytes are read; batches end at {string.Join(", ", ends)}");
            batch++;
            return pixels;
        });
        Assert.Equal((ShardRows + BatchRows - 1) / BatchRows, batch);
        Assert.True(store.IsClosed);
    }

    [Fact]
    public async Task WhatFailsOnEitherSideEndsBoth()
    {
        var name = BlobNames.DatasetShard(document.DatasetId!, Shard);
        var store = new WatchedStore(tiny.Blobs, name);
        var work = await WorkAsync(store);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => EncodeAsync(work, _ => throw new InvalidOperationException("no")));
        Assert.Equal("no", error.Message);
        Assert.True(store.IsClosed);

        var bytes = (await tiny.Blobs.ReadAsync(name, Cancel))!.Bytes.ToArray();
        bytes[^2000] ^= 1;
        await tiny.Blobs.TryWriteAsync(name, bytes, WriteCondition.Any, Cancel);
        var damaged = await Assert.ThrowsAsync<InvalidDataException>(() => EncodeAsync(work, pixels => pixels));
        Assert.Contains(name, damaged.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AShardWithoutARowHasAResultOfNoRow()
    {
        var folder = Path.Combine(tiny.Home, "bad");
        Directory.CreateDirectory(folder);
        for (var i = 0; i < 4; i++)
        {
            await File.WriteAllBytesAsync(Path.Combine(folder, $"{i}.png"), i < 2 ? [] : ImageCodec.EncodePng(new byte[64], 1, 8, 8), Cancel);
        }

        var spec = new DataSpec { Source = folder, ImageSize = 8, Channels = 1, ShardRows = 2, MaxBad = 0.5, HeldOut = 0 };
        var (source, ingest) = (ImageSources.Open(spec, tiny.Home), new DatasetIngest(tiny.Blobs));
        for (var shard = 0; shard < 2; shard++)
        {
            await ingest.IngestShardAsync(spec, source, "bad", shard, Cancel);
        }

        var dataset = new DatasetReader(tiny.Blobs, await ingest.FreezeAsync(spec, source, "bad", Cancel));
        var bytes = await EncodeAsync(new ShardWork(document, RunStage.ExtractFeatures, dataset, 0, BatchRows), pixels => pixels);
        Assert.Empty(await PixelsAsync(bytes));
    }

    // Where each batch's last member ends in the tar.
    private async Task<List<long>> BatchEndsAsync()
    {
        var bytes = (await tiny.Blobs.ReadAsync(BlobNames.DatasetShard(document.DatasetId!, Shard), Cancel))!.Bytes.ToArray();
        using var tar = new System.Formats.Tar.TarReader(new MemoryStream(bytes));
        var (ends, rows) = (new List<long>(), 0);
        while (await tar.GetNextEntryAsync(cancellationToken: Cancel) is { } entry)
        {
            if (entry.Name.EndsWith(".json", StringComparison.Ordinal) && (++rows % BatchRows == 0 || rows == ShardRows))
            {
                ends.Add(entry.DataOffset + entry.Length);
            }
        }

        return ends;
    }

    private async Task<ShardWork> WorkAsync(IBlobStore store)
        => new(document, RunStage.ExtractFeatures, await DatasetReader.OpenAsync(store, document.DatasetId!, Cancel), Shard, BatchRows);

    private Task<byte[]> EncodeAsync(ShardWork work, Func<torch.Tensor, torch.Tensor> encode)
        => new ShardEncoding(progress, TimeProvider.System).RunAsync(encoders, (_, pixels) => encode(pixels), work, ("pixels", "U8"), Cancel);

    private Task<byte[]> PixelsAsync(byte[] file) => device.RunAsync(() =>
    {
        using var bundle = TensorFile.Load(new MemoryStream(file));
        return bundle.Tensors["pixels"].bytes.ToArray();
    });
}

using Ddm.Runs;

namespace Ddm.Storage.Tests;

/// <summary>What sweeps promise, whatever the store.</summary>
public abstract class SweepContract
{
    private readonly IBlobStore _store;

    private protected SweepContract(IBlobStore store) => _store = store;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private CheckpointStore Checkpoints => Trainee.On(_store);

    [Theory]
    [InlineData(2, new[] { "0000000030-1", "0000000040-1" })]
    [InlineData(3, new[] { "0000000020-1", "0000000030-1", "0000000040-1" })]
    [InlineData(9, new[] { "0000000010-1", "0000000020-1", "0000000030-1", "0000000040-1" })]
    public async Task TheNewestAreKept(int keep, string[] left)
    {
        await Trainee.TrainAsync(_store, 10, 20, 30, 40);
        await SweepAsync(keep);
        Assert.Equal(left, await FoldersAsync());
        Assert.Equal(40, (await Checkpoints.OpenAsync(Trainee.Run, Trainee.Role, Trainee.Data, Cancel))!.Manifest.Step);
        var history = await Checkpoints.HistoryAsync(Trainee.Run, Trainee.Role, Cancel);
        Assert.Equal([40, 30, 20, 10], history.Select(link => link.Manifest.Step));
        foreach (var link in history)
        {
            Assert.True(await _store.ExistsAsync(link.Folder + "metrics.jsonl", Cancel));
        }
    }

    [Fact]
    public async Task TheFirstCheckpointPastEachMultipleIsKeptForGood()
    {
        await Trainee.TrainAsync(_store, 10, 20, 35, 40, 55, 60, 75, 80, 95);
        var retention = new RetentionSpec { KeepLast = 2, KeepEvery = 30 };
        string[] left = ["0000000035-1", "0000000060-1", "0000000080-1", "0000000095-1"];
        for (var sweep = 0; sweep < 2; sweep++)
        {
            await Checkpoints.SweepAsync(Trainee.Run, Trainee.Role, retention, Cancel);
            Assert.Equal(left, await FoldersAsync()); // the 60 crosses 60, the 95 crosses 90; a second sweep finds nothing more
        }

        Assert.Empty(await Checkpoints.FindSweepableAsync(Trainee.Run, Trainee.Role, retention, Cancel));
    }

    [Fact]
    public async Task MilestonesOfEarlierEpochsAreKeptAndOrphansAreNot()
    {
        var claim = await Trainee.TrainAsync(_store, 10, 30, 40);
        await OrphanAsync(claim, 40, 60, withManifest: true);
        var next = await Trainee.ClaimAsync(_store);
        await Checkpoints.OpenAsync(next, null, Cancel);
        await Checkpoints.CommitAsync(next, Trainee.Request(40, 50), Cancel);
        await Checkpoints.CommitAsync(next, Trainee.Request(50, 55), Cancel);

        await Checkpoints.SweepAsync(Trainee.Run, Trainee.Role, new RetentionSpec { KeepLast = 2, KeepEvery = 30 }, Cancel);

        Assert.Equal(["0000000030-1", "0000000050-2", "0000000055-2"], await FoldersAsync());
    }

    [Fact]
    public async Task TensorsLeftBehindALinkThatHasNoneGoAndItsHistoryStays()
    {
        await Trainee.TrainAsync(_store, 10, 20, 30, 40, 50);
        foreach (var part in new[] { "weights.safetensors", "ema.safetensors" })
        {
            await _store.DeleteAsync(BlobNames.Checkpoint(Trainee.Run, Trainee.Role, 20, 1) + part, Cancel); // somebody tidied up and was cut off
        }

        await SweepAsync(2);

        Assert.Equal(["0000000040-1", "0000000050-1"], await FoldersAsync());
        var history = await Checkpoints.HistoryAsync(Trainee.Run, Trainee.Role, Cancel);
        Assert.Equal([50, 40, 30, 20, 10], history.Select(link => link.Manifest.Step));
    }

    [Fact]
    public async Task OneIsNotEnoughToKeep() => await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => SweepAsync(1));

    [Fact]
    public async Task WhatCrashedAndFencedCommitsLeftGoesWhenTheirEpochIsOver()
    {
        var stale = await Trainee.TrainAsync(_store, 10, 20);
        await OrphanAsync(stale, 20, 30, withManifest: true);
        await OrphanAsync(stale, 20, 35, withManifest: false);
        await SweepAsync(2);
        Assert.Equal(["0000000010-1", "0000000020-1", "0000000030-1", "0000000035-1"], await FoldersAsync());

        await Trainee.ClaimAsync(_store);
        await SweepAsync(2);
        Assert.Equal(["0000000010-1", "0000000020-1"], await FoldersAsync());
    }

    [Fact]
    public async Task WhatThePresentOwnerIsWritingStays()
    {
        await Trainee.TrainAsync(_store, 10, 20, 30);
        await _store.DeleteAsync(BlobNames.Checkpoint(Trainee.Run, Trainee.Role, 30, 1) + "ema.safetensors", Cancel);
        var claim = await Trainee.ClaimAsync(_store);
        var opened = await Checkpoints.OpenAsync(claim, null, Cancel);
        Assert.Equal(20, opened!.Manifest.Step);

        // between the parts of a commit below the broken head's step, another process sweeps
        var request = Trainee.Request(20, 25);
        request = request with { Parts = [.. request.Parts, ("late", async (_, _) => await SweepAsync(2))] };
        Assert.IsType<CommitOutcome.Committed>(await Checkpoints.CommitAsync(claim, request, Cancel));
        Assert.Empty((await Checkpoints.OpenAsync(Trainee.Run, Trainee.Role, null, Cancel))!.Skipped);
    }

    [Fact]
    public async Task ADamagedCheckpointDoesNotCountAsKept()
    {
        await Trainee.TrainAsync(_store, 10, 20, 30, 40);
        await _store.DeleteAsync(BlobNames.Checkpoint(Trainee.Run, Trainee.Role, 40, 1) + "ema.safetensors", Cancel);
        await SweepAsync(2);
        Assert.Equal(["0000000020-1", "0000000030-1", "0000000040-1"], await FoldersAsync());
    }

    [Fact]
    public async Task WhereTheChainIsCutWholeCheckpointsAreLeftForAPerson()
    {
        await Trainee.TrainAsync(_store, 10, 20, 30);
        await Trainee.ClaimAsync(_store);
        await _store.DeleteAsync(BlobNames.Checkpoint(Trainee.Run, Trainee.Role, 30, 1) + "manifest.json", Cancel);
        await _store.DeleteAsync(BlobNames.Checkpoint(Trainee.Run, Trainee.Role, 20, 1) + "manifest.json", Cancel);
        await SweepAsync(2);
        Assert.Equal(["0000000010-1", "0000000020-1", "0000000030-1"], await FoldersAsync());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task ASweepCutOffHalfWayIsFinishedByTheNext(int after)
    {
        await Trainee.TrainAsync(_store, 5, 10, 20, 30);
        var deletes = 0;
        var dying = new DyingStore(_store, call => call.StartsWith("delete ", StringComparison.Ordinal) && ++deletes == after);
        await Assert.ThrowsAsync<IOException>(() => Trainee.On(dying).SweepAsync(Trainee.Run, Trainee.Role, new RetentionSpec { KeepLast = 2 }, Cancel));

        await SweepAsync(2);
        Assert.Equal(["0000000020-1", "0000000030-1"], await FoldersAsync());
        Assert.Equal(4, (await Checkpoints.HistoryAsync(Trainee.Run, Trainee.Role, Cancel)).Count);
    }

    [Fact]
    public async Task BeforeTheFirstCheckpointOrphansGoTheirWholeWay()
    {
        await OrphanAsync(await Trainee.ClaimAsync(_store), 0, 10, withManifest: true);
        await Trainee.ClaimAsync(_store);
        await SweepAsync(2);
        Assert.Empty(await _store.ListAsync(BlobNames.Checkpoints(Trainee.Run, Trainee.Role), Cancel).ToListAsync(Cancel));
    }

    [Fact]
    public async Task WhatThePresentOwnerLeftBehindItGoes()
    {
        var claim = await Trainee.TrainAsync(_store, 10);
        await OrphanAsync(claim, 10, 15, withManifest: false);
        await Trainee.CommitAsync(_store, claim, 10, 20);
        await Trainee.CommitAsync(_store, claim, 20, 30);
        await SweepAsync(2);
        Assert.Equal(["0000000020-1", "0000000030-1"], await FoldersAsync());
    }

    [Fact]
    public async Task AnOrphanLosesItsManifestFirst()
    {
        await OrphanAsync(await Trainee.TrainAsync(_store, 10, 20), 20, 30, withManifest: true);
        await Trainee.ClaimAsync(_store);
        var deletes = 0;
        var dying = new DyingStore(_store, call => call.StartsWith("delete ", StringComparison.Ordinal) && ++deletes == 2);
        await Assert.ThrowsAsync<IOException>(() => Trainee.On(dying).SweepAsync(Trainee.Run, Trainee.Role, new RetentionSpec { KeepLast = 2 }, Cancel));
        var orphan = BlobNames.Checkpoint(Trainee.Run, Trainee.Role, 30, 1);
        Assert.False(await _store.ExistsAsync(orphan + "manifest.json", Cancel));
        Assert.True(await _store.ExistsAsync(orphan + "weights.safetensors", Cancel));
    }

    [Fact]
    public async Task WhereAWholeFolderIsGoneTheSweepEnds()
    {
        await Trainee.TrainAsync(_store, 10, 20, 30, 40, 50);
        foreach (var blob in new[] { "manifest.json", "metrics.jsonl", "weights.safetensors", "ema.safetensors" })
        {
            await _store.DeleteAsync(BlobNames.Checkpoint(Trainee.Run, Trainee.Role, 20, 1) + blob, Cancel);
        }

        await SweepAsync(2);
        Assert.Equal(["0000000010-1", "0000000040-1", "0000000050-1"], await FoldersAsync());
    }

    [Fact]
    public async Task APartOfOneByteCanBeMissingToo()
    {
        var claim = await Trainee.TrainAsync(_store, 10, 20);
        var request = Trainee.Request(20, 30);
        request = request with { Parts = [.. request.Parts, ("one.safetensors", (stream, token) => stream.WriteAsync(new byte[1], token).AsTask())] };
        await Checkpoints.CommitAsync(claim, request, Cancel);
        await _store.DeleteAsync(BlobNames.Checkpoint(Trainee.Run, Trainee.Role, 30, 1) + "one.safetensors", Cancel);
        await SweepAsync(2);
        Assert.Equal(["0000000010-1", "0000000020-1", "0000000030-1"], await FoldersAsync());
    }

    [Fact]
    public async Task ForeignBlobsAreLeftAlone()
    {
        await Trainee.TrainAsync(_store, 10, 20, 30);
        await Trainee.ClaimAsync(_store);
        var foreign = BlobNames.Checkpoints(Trainee.Run, Trainee.Role) + "notes/readme.md";
        await _store.TryWriteAsync(foreign, "x"u8.ToArray(), WriteCondition.Any, Cancel);
        await SweepAsync(2);
        Assert.Equal(["0000000020-1", "0000000030-1", "notes"], await FoldersAsync());
    }

    private Task SweepAsync(int keep) => Checkpoints.SweepAsync(Trainee.Run, Trainee.Role, new RetentionSpec { KeepLast = keep }, Cancel);

    private async Task OrphanAsync(RoleClaim claim, long from, long step, bool withManifest)
    {
        var stop = BlobNames.Head(Trainee.Run, Trainee.Role);
        var dying = new DyingStore(_store, call => call == "write " + stop || (!withManifest && call.EndsWith("manifest.json", StringComparison.Ordinal)));
        await Assert.ThrowsAsync<IOException>(() => Trainee.CommitAsync(dying, claim, from, step));
    }

    // Folders that are more than history: they hold tensors, or something that is not ours.
    private async Task<List<string>> FoldersAsync()
    {
        var prefix = BlobNames.Checkpoints(Trainee.Run, Trainee.Role);
        var blobs = await _store.ListAsync(prefix, Cancel).ToListAsync(Cancel);
        return [.. blobs.Where(blob => !blob.Name.EndsWith(".json", StringComparison.Ordinal) && !blob.Name.EndsWith(".jsonl", StringComparison.Ordinal))
            .Select(blob => blob.Name[prefix.Length..].Split('/')[0]).Distinct()];
    }

    private sealed class DyingStore(IBlobStore below, Func<string, bool> at) : InterceptedBlobStore(below)
    {
        protected override Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional) =>
            at(call) ? throw new IOException("died at " + call) : run();
    }
}

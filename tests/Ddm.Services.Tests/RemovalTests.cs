using Ddm.Runs;
using Ddm.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services.Tests;

/// <summary>Removing runs and models, and collecting what nothing references.</summary>
public class RemovalTests
{
    private static readonly Func<string, bool> AllDead = _ => true;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARunIsRemovedWhereverARemovalBeforeItDiedAndItsModelStays()
    {
        using var tiny = new TinyRun();
        await tiny.RunAsync();
        var manifest = await tiny.Blobs.ReadAsync(BlobNames.ModelManifest(TinyRun.Name, "v1"), Cancel);
        var weights = await NamesAsync(tiny, BlobNames.PublishedWeights);
        foreach (var at in new[] { 1, 2, 7 })
        {
            var dying = new DyingStore(tiny.Blobs, at);
            await Assert.ThrowsAsync<IOException>(() => new RunRemoval(dying, new RunRepository(dying)).RemoveAsync(TinyRun.Name, AllDead, Cancel));

            // What is left says what it is, and nobody takes it for a run.
            Assert.Equal(RunStatus.Removing, (await tiny.InspectAsync()).Status);
            var resumed = await Assert.ThrowsAsync<UserErrorException>(() => tiny.RunAsync());
            Assert.Equal("run 'tiny' is half removed. Finish with 'ddm rm tiny', then start it anew.", resumed.Message);
        }

        await new RunRemoval(tiny.Blobs, new RunRepository(tiny.Blobs)).RemoveAsync(TinyRun.Name, AllDead, Cancel);

        Assert.Empty(await NamesAsync(tiny, BlobNames.Run(TinyRun.Name)));
        Assert.Equal(weights, await NamesAsync(tiny, BlobNames.PublishedWeights));
        Assert.Equal(manifest!.Bytes, (await tiny.Blobs.ReadAsync(BlobNames.ModelManifest(TinyRun.Name, "v1"), Cancel))!.Bytes);
    }

    [Fact]
    public async Task ARunOfTheNameOfARemovedOneIsPublishedBesideItsModel()
    {
        using var tiny = new TinyRun();
        await tiny.RunAsync();
        await new RunRemoval(tiny.Blobs, new RunRepository(tiny.Blobs)).RemoveAsync(TinyRun.Name, AllDead, Cancel);

        var document = await tiny.RunAsync();

        Assert.Equal((RunStatus.Succeeded, "v2"), (document.Status, document.ModelVersion));
        Assert.Equal("v2", (await tiny.Blobs.ReadJsonAsync<CurrentModel>(BlobNames.ModelCurrent(TinyRun.Name), Cancel))!.Value.Value.Version);
        Assert.True(await tiny.Blobs.ExistsAsync(BlobNames.ModelManifest(TinyRun.Name, "v1"), Cancel));

        Assert.Equal("v1", await new ModelRemoval(tiny.Blobs).RemoveAsync("tiny/v2", Cancel));
        Assert.Equal("v1", (await tiny.Blobs.ReadJsonAsync<CurrentModel>(BlobNames.ModelCurrent(TinyRun.Name), Cancel))!.Value.Value.Version);
        Assert.Null(await new ModelRemoval(tiny.Blobs).RemoveAsync("tiny/v1", Cancel));
        var error = await Assert.ThrowsAsync<UserErrorException>(() => new ModelRemoval(tiny.Blobs).RemoveAsync("tiny/v1", Cancel));
        Assert.Equal("model 'tiny' has no version 'v1'; there are: none.", error.Message);
    }

    [Fact]
    public async Task ALiveWorkerKeepsItsRun()
    {
        using var tiny = new TinyRun();
        await tiny.RunAsync();
        var checkpoints = new CheckpointStore(tiny.Blobs, TimeProvider.System, NullLogger.Instance);
        await checkpoints.ClaimAsync(TinyRun.Name, Role.Router, "elsewhere:7", AllDead, TimeSpan.FromMinutes(1), Cancel);

        var error = await Assert.ThrowsAsync<UserErrorException>(
            () => new RunRemoval(tiny.Blobs, new RunRepository(tiny.Blobs)).RemoveAsync(TinyRun.Name, _ => false, Cancel));

        Assert.Equal("run 'tiny' cannot be removed: elsewhere:7 is training router. Stop it, or wait a minute if it is dead.", error.Message);
        Assert.Equal(RunStatus.Succeeded, (await tiny.InspectAsync()).Status);
    }

    [Fact]
    public async Task AStoppedRunGoesOnBitForBitAfterACollectionThatDiedAndOneThatDidNot()
    {
        using var undisturbed = new TinyRun();
        await undisturbed.RunAsync();

        using var tiny = new TinyRun();
        using (var stop = new StopSignal())
        {
            await tiny.RunAsync(new RecordingProgress(p => RaiseAfter(p, stop)), stop);
        }

        await OrphanAsync(tiny);
        var before = await new GarbageCollection(tiny.Blobs).FindAsync([], Cancel);
        Assert.NotEmpty(before);
        Assert.All(before, g => Assert.Equal(GarbageCollection.Checkpoint, g.Kind));
        var dying = new DyingStore(tiny.Blobs, 1);
        await Assert.ThrowsAsync<IOException>(() => new GarbageCollection(dying).RemoveAsync(before, Cancel));
        await new GarbageCollection(tiny.Blobs).RemoveAsync(await new GarbageCollection(tiny.Blobs).FindAsync([], Cancel), Cancel);
        Assert.Empty(await new GarbageCollection(tiny.Blobs).FindAsync([], Cancel));

        await tiny.RunAsync();

        Assert.Equal(
            (await undisturbed.InspectAsync()).Roles.Select(r => (r.Role, r.Step, r.Sha256, r.EmaSha256)),
            (await tiny.InspectAsync()).Roles.Select(r => (r.Role, r.Step, r.Sha256, r.EmaSha256)));
    }

    [Fact]
    public async Task DataSetsAndWeightsGoWhenNothingNamesThemAndTheyAreOld()
    {
        using var tiny = new TinyRun();
        await tiny.RunAsync();
        var blobs = tiny.Blobs;
        await new RunRemoval(blobs, new RunRepository(blobs)).RemoveAsync(TinyRun.Name, AllDead, Cancel);
        var stray = BlobNames.Weights(new string('a', 64));
        await blobs.TryWriteAsync(stray, "x"u8.ToArray(), WriteCondition.Any, Cancel);
        Assert.Empty(await new GarbageCollection(blobs).FindAsync([], Cancel)); // too young

        Age(tiny.Home);
        Assert.DoesNotContain(await new GarbageCollection(blobs).FindAsync(["about-to-begin"], Cancel), g => g.Kind == GarbageCollection.Dataset);
        var garbage = await new GarbageCollection(blobs).FindAsync([], Cancel);
        Assert.Equal([stray], garbage.Where(g => g.Kind == GarbageCollection.Weights).Select(g => g.Name));
        var dataset = garbage.Where(g => g.Kind == GarbageCollection.Dataset).Select(g => g.Name).ToArray();
        Assert.Equal(await NamesAsync(tiny, BlobNames.Datasets), dataset.Order(StringComparer.Ordinal));
        Assert.EndsWith("/manifest.json", dataset[0], StringComparison.Ordinal);

        await new GarbageCollection(blobs).RemoveAsync(garbage, Cancel);
        var document = await tiny.RunAsync(); // everything a run needs is made again
        Assert.Equal(RunStatus.Succeeded, document.Status);
    }

    private static void RaiseAfter(TrainingProgress progress, StopSignal stop)
    {
        if (progress.Role == Role.Expert(0) && progress.CommittedStep >= 4)
        {
            stop.Raise();
        }
    }

    // A commit of an older epoch that died before its head moved.
    private static async Task OrphanAsync(TinyRun tiny)
    {
        var folder = BlobNames.Checkpoint(TinyRun.Name, Role.Expert(0), 999, 0);
        foreach (var part in new[] { "weights.safetensors", "ema.safetensors" })
        {
            await tiny.Blobs.TryWriteAsync(folder + part, new byte[100], WriteCondition.Any, Cancel);
        }
    }

    private static void Age(string home)
    {
        foreach (var file in Directory.EnumerateFiles(home, "*", SearchOption.AllDirectories))
        {
            File.SetLastWriteTimeUtc(file, File.GetLastWriteTimeUtc(file).AddHours(-2));
        }
    }

    private static async Task<string[]> NamesAsync(TinyRun tiny, string prefix)
        => [.. (await tiny.Blobs.ListAsync(prefix, Cancel).ToListAsync(Cancel)).Select(blob => blob.Name)];
}

using Ddm.Data;
using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Storage.Tests;
using Ddm.Tests;
using Ddm.Training;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;

namespace Ddm.Services.Tests;

/// <summary>Runs whose experts start from a seed checkpoint: another run's published weights, with nothing said about them but their name.</summary>
public class WarmStartTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryExpertStartsFromTheSeedsAverageToTheBit()
    {
        using var seed = new TinyRun();
        await seed.RunAsync();
        using var warm = await WarmAsync(seed);
        var progress = new RecordingProgress();
        var document = await warm.RunAsync(progress);
        Assert.Equal((RunStatus.Succeeded, null), (document.Status, document.Failure));
        Assert.Contains(progress.Notices, notice => notice.StartsWith("Every expert starts from seed.safetensors (SHA-256 ", StringComparison.Ordinal)
            && notice.Contains("of its 21 tensors, 100.0 % of the parameters, are the seed's.", StringComparison.Ordinal));
        var report = System.Text.Encoding.UTF8.GetString((await warm.Blobs.ReadAsync(BlobNames.Report(TinyRun.Name), Cancel))!.Bytes);
        Assert.Contains("of its 21 tensors", report, StringComparison.Ordinal);
        Assert.Equal(document.Init, (await CatalogOf(warm).FindPublishedAsync(TinyRun.Name, Cancel))!.Init);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(SeedOf(warm), Cancel))), document.Init!.Sha256);

        using var device = new DeviceThread();
        using var file = WeightFile.Open(SeedOf(warm));
        var role = Role.Expert(1);
        var train = await ClusterDataset.OpenAsync(warm.Blobs, TinyRun.Name, [1], heldOut: false, Cancel);
        var heldOut = await ClusterDataset.OpenAsync(warm.Blobs, TinyRun.Name, [1], heldOut: true, Cancel);
        using var start = await new RunSeeds(warm.Blobs, device).OpenAsync(TinyRun.Name, Cancel);
        using var trainer = new Trainer(document.Spec, role, 2, train, heldOut, document.Numerics[role.Path], torch.CPU);
        await trainer.InitializeOrLoadAsync(null, start, Cancel);
        foreach (var network in new[] { trainer.State.Network, trainer.State.Average })
        {
            Assert.All(network.TrainableParameters(), weight => Assert.True(file.Tensors[weight.Name].Equals(weight.Parameter), weight.Name));
        }

        using var cold = new Trainer(document.Spec, role, 2, train, heldOut, document.Numerics[role.Path], torch.CPU);
        await cold.InitializeOrLoadAsync(null, Cancel);
        Assert.True(trainer.HeldOutLoss() < cold.HeldOutLoss(), "the seed has learned something");
    }

    [Fact]
    public async Task TheRouterIsThatOfAColdRun()
    {
        using var seed = new TinyRun();
        await seed.RunAsync();
        using var warm = await WarmAsync(seed);
        await warm.RunAsync();
        var (before, after) = ((await seed.InspectAsync()).Roles, (await warm.InspectAsync()).Roles);
        Assert.Equal(before[^1].Sha256, after[^1].Sha256);
        Assert.All(before.Zip(after).SkipLast(1), pair => Assert.NotEqual(pair.First.Sha256, pair.Second.Sha256));
    }

    /// <summary>Stopped at every stage and killed before an expert's first commit, the user's file gone since the copy was made.</summary>
    [Fact]
    public async Task ARunThatWasStoppedGoesOnToTheSameWeights()
    {
        using var seed = new TinyRun();
        await seed.RunAsync();
        using var undisturbed = await WarmAsync(seed);
        await undisturbed.RunAsync();
        using var tiny = await WarmAsync(seed);
        foreach (var stage in new[] { RunStage.FitFeatures, RunStage.ExtractFeatures, RunStage.FreezeClusters })
        {
            using var stop = new StopSignal();
            await tiny.RunAsync(new RecordingProgress(null, reached => { if (reached == stage) { stop.Raise(); } }), stop);
            if (stage == RunStage.ExtractFeatures)
            {
                File.Delete(SeedOf(tiny));
            }
        }

        var store = new FirstCommitDies(tiny.Blobs);
        using (var stop = new StopSignal())
        {
            store.OnDeath = stop.Raise;
            try
            {
                await tiny.RunAsync(null, stop, store);
            }
            catch (IOException)
            {
                // the process is gone; what it said last does not matter
            }
        }

        Assert.True(store.Died);
        Assert.Equal(RunStatus.Succeeded, (await tiny.RunAsync()).Status);
        Assert.Equal(
            (await undisturbed.InspectAsync()).Roles.Select(r => (r.Role, r.Step, r.Sha256, r.EmaSha256)),
            (await tiny.InspectAsync()).Roles.Select(r => (r.Role, r.Step, r.Sha256, r.EmaSha256)));
    }

    [Fact]
    public async Task ACopyThatIsLostIsMadeAnewFromTheSameFileOnly()
    {
        using var seed = new TinyRun();
        await seed.RunAsync();
        using var tiny = await WarmAsync(seed);
        using (var stop = new StopSignal())
        {
            await tiny.RunAsync(new RecordingProgress(null, reached => { if (reached == RunStage.FreezeClusters) { stop.Raise(); } }), stop);
        }

        await tiny.Blobs.DeleteAsync(BlobNames.InitWeights(TinyRun.Name), Cancel);
        var (first, second) = (SeedOf(tiny), SeedOf(tiny) + ".kept");
        File.Move(first, second);
        File.Copy(await WeightsAsync(seed, 1), first);
        var failed = await tiny.RunAsync();
        Assert.Equal(RunStatus.Failed, failed.Status);
        Assert.Contains("is another file than when run 'tiny' was submitted", failed.Failure!, StringComparison.Ordinal);

        File.Move(second, first, overwrite: true);
        Assert.Equal(RunStatus.Succeeded, (await tiny.RunAsync()).Status);
    }

    [Fact]
    public async Task AChangedCopyIsRefused()
    {
        using var seed = new TinyRun();
        await seed.RunAsync();
        using var tiny = await WarmAsync(seed);
        await tiny.RunAsync();
        var copy = Path.Combine(tiny.Home, BlobNames.InitWeights(TinyRun.Name));
        var bytes = await File.ReadAllBytesAsync(copy, Cancel);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(copy, bytes, Cancel);
        using var device = new DeviceThread();
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => new RunSeeds(tiny.Blobs, device).OpenAsync(TinyRun.Name, Cancel));
        Assert.Contains("runs/tiny/init/weights.safetensors was changed after it had been written", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatDoesNotFitIsRefusedBeforeAnythingIsWritten()
    {
        using var seed = new TinyRun();
        await seed.RunAsync();
        using var wide = await WarmAsync(seed, "model: { hidden: 32", "model: { hidden: 64");
        var error = await Assert.ThrowsAsync<UserErrorException>(() => wide.RunAsync());
        Assert.Contains("tensors fits an expert", error.Message, StringComparison.Ordinal);
        Assert.False(await wide.Blobs.ExistsAsync(BlobNames.RunDocument(TinyRun.Name), Cancel));
        var found = await SpecValidation.CheckAsync(wide.SpecText, wide.SpecFile, wide.Blobs, lookAtData: true, Cancel);
        Assert.Equal("init.checkpoint", Assert.Single(found.Mistakes).Path);

        using var warm = await WarmAsync(seed);
        found = await SpecValidation.CheckAsync(warm.SpecText, warm.SpecFile, warm.Blobs, lookAtData: true, Cancel);
        Assert.Contains("21 of its 21 tensors", Assert.Single(found.Notices), StringComparison.Ordinal);
        using var device = new DeviceThread();
        var forecast = await new Forecaster(device).MeasureAsync(RunSpecReader.Read(warm.SpecText, "s.yaml"), Path.GetDirectoryName(warm.SpecFile)!);
        Assert.Contains(forecast.Notes, note => note.StartsWith("Every expert starts from", StringComparison.Ordinal));
    }

    private static async Task<TinyRun> WarmAsync(TinyRun seed, string find = "seed: 7", string replace = "seed: 7")
    {
        var warm = new TinyRun(TinyFolder.DefaultSpec.Replace(find, replace, StringComparison.Ordinal) + "\ninit: seed.safetensors\n");
        File.Copy(await WeightsAsync(seed, 0), SeedOf(warm));
        return warm;
    }

    private static async Task<string> WeightsAsync(TinyRun seed, int expert)
        => Path.Combine(seed.Home, (await CatalogOf(seed).FindPublishedAsync(TinyRun.Name, Cancel))!.Experts[expert].Weights!);

    private static string SeedOf(TinyRun run) => Path.Combine(Path.GetDirectoryName(run.SpecFile)!, "seed.safetensors");

    private static ModelCatalog CatalogOf(TinyRun run)
        => new(run.Blobs, new CheckpointStore(run.Blobs, TimeProvider.System, NullLogger<CheckpointStore>.Instance), new RunRepository(run.Blobs), TimeProvider.System);

    /// <summary>A store whose process dies as a role's first checkpoint is written.</summary>
    private sealed class FirstCommitDies(IBlobStore below) : InterceptedBlobStore(below)
    {
        public bool Died { get; private set; }

        public Action? OnDeath { get; set; }

        protected override Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional)
        {
            if (!Died && call.StartsWith("stream ", StringComparison.Ordinal) && call.Contains("/checkpoints/", StringComparison.Ordinal))
            {
                Died = true;
                OnDeath?.Invoke();
            }

            return Died ? throw new IOException("died at " + call) : run();
        }
    }
}

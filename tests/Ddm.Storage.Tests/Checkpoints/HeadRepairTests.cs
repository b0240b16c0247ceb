namespace Ddm.Storage.Tests;

public sealed class HeadRepairTests
{
    private const string Head = "runs/cats/experts/2/head.json";
    private readonly MemoryBlobStore _store = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private CheckpointStore Checkpoints => Trainee.On(_store);

    [Theory]
    [InlineData("")]
    [InlineData("{ \"schema\": 1,")]
    [InlineData(null)]
    public async Task ALostHeadIsWrittenAnewFromTheNewestWholeCheckpoint(string? left)
    {
        await Trainee.TrainAsync(_store, 10, 20, 30);
        await _store.DeleteAsync("runs/cats/experts/2/checkpoints/0000000030-1/ema.safetensors", Cancel);
        await LeaveAsync(left);

        var done = await Checkpoints.RepairHeadAsync(Trainee.Run, Trainee.Role, newestToo: false, Cancel);

        Assert.Contains("It was written anew and names runs/cats/experts/2/checkpoints/0000000020-1/ at step 20.", done, StringComparison.Ordinal);
        Assert.StartsWith(Head, done, StringComparison.Ordinal);
        var claim = await Trainee.ClaimAsync(_store);
        Assert.Equal(2, claim.Epoch);
        Assert.Equal(20, (await Checkpoints.OpenAsync(claim, Trainee.Data, Cancel))!.Manifest.Step);
        Assert.IsType<CommitOutcome.Committed>(await Trainee.CommitAsync(_store, claim, 20, 30));
        Assert.Equal([30, 20, 10], (await Checkpoints.HistoryAsync(Trainee.Run, Trainee.Role, Cancel)).Select(link => link.Manifest.Step));
    }

    [Fact]
    public async Task ASoundHeadAndARoleThatNeverBeganAreLeftAlone()
    {
        Assert.Null(await Checkpoints.RepairHeadAsync(Trainee.Run, Trainee.Role, newestToo: false, Cancel));
        await Trainee.TrainAsync(_store, 10);
        var before = (await _store.ReadAsync(Head, Cancel))!.ETag;
        Assert.Null(await Checkpoints.RepairHeadAsync(Trainee.Run, Trainee.Role, newestToo: false, Cancel));
        Assert.Equal(before, (await _store.ReadAsync(Head, Cancel))!.ETag);
    }

    [Theory]
    [InlineData("manifest.json")]
    [InlineData("ema.safetensors")]
    public async Task ADoneRolesHeadGoesBackToTheNewestWholeCheckpointAndItsStepsAreTakenAgain(string damaged)
    {
        await Trainee.TrainAsync(_store, 10, 20, 30);
        await _store.DeleteAsync($"runs/cats/experts/2/checkpoints/0000000030-1/{damaged}", Cancel);
        Assert.Null(await Checkpoints.RepairHeadAsync(Trainee.Run, Trainee.Role, newestToo: false, Cancel));

        var done = await Checkpoints.RepairHeadAsync(Trainee.Run, Trainee.Role, newestToo: true, Cancel);

        Assert.StartsWith($"{Head} named a checkpoint that is damaged: runs/cats/experts/2/checkpoints/0000000030-1/{damaged} is missing", done, StringComparison.Ordinal);
        Assert.EndsWith("It was written anew and names runs/cats/experts/2/checkpoints/0000000020-1/ at step 20.", done, StringComparison.Ordinal);
        var claim = await Trainee.ClaimAsync(_store);
        Assert.Equal(20, (await Checkpoints.OpenAsync(claim, Trainee.Data, Cancel))!.Manifest.Step);
        Assert.IsType<CommitOutcome.Committed>(await Trainee.CommitAsync(_store, claim, 20, 30));
        Assert.Null(await Checkpoints.RepairHeadAsync(Trainee.Run, Trainee.Role, newestToo: true, Cancel));
        Assert.Equal([30, 20, 10], (await Checkpoints.HistoryAsync(Trainee.Run, Trainee.Role, Cancel)).Select(link => link.Manifest.Step));
    }

    [Fact]
    public async Task WithoutAWholeCheckpointAPersonIsAskedAndNothingStartsFromStepZero()
    {
        await Trainee.TrainAsync(_store, 10);
        await _store.DeleteAsync("runs/cats/experts/2/checkpoints/0000000010-1/ema.safetensors", Cancel);
        await LeaveAsync("");
        var error = await Assert.ThrowsAsync<CheckpointException>(() => Checkpoints.RepairHeadAsync(Trainee.Run, Trainee.Role, newestToo: false, Cancel));
        Assert.Contains(Head, error.Message, StringComparison.Ordinal);
        Assert.Contains("0000000010-1/ema.safetensors is missing", error.Message, StringComparison.Ordinal);
        Assert.Contains("Training does not begin anew by itself", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABrokenHeadWithoutAnyCheckpointIsForAPersonToo()
    {
        await LeaveAsync("{");
        var error = await Assert.ThrowsAsync<CheckpointException>(() => Checkpoints.RepairHeadAsync(Trainee.Run, Trainee.Role, newestToo: false, Cancel));
        Assert.Contains("and no checkpoint of experts/2 in run 'cats' is whole. Training does not begin anew", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{ \"schema\": 1,")]
    public async Task ACheckpointWithADamagedManifestIsPassedOver(string manifest)
    {
        await Trainee.TrainAsync(_store, 10, 20);
        await _store.TryWriteAsync(
            "runs/cats/experts/2/checkpoints/0000000020-1/manifest.json", System.Text.Encoding.UTF8.GetBytes(manifest), WriteCondition.Any, Cancel);
        await LeaveAsync(null);
        Assert.Contains("at step 10.", await Checkpoints.RepairHeadAsync(Trainee.Run, Trainee.Role, newestToo: false, Cancel), StringComparison.Ordinal);
    }

    /// <summary>Whoever may still be training under an epoch must find the head's epoch above or equal to its own.</summary>
    [Fact]
    public async Task TheEpochIsTheHighestThatWasEverGiven()
    {
        await Trainee.TrainAsync(_store, 10);
        await Trainee.TrainAsync(_store, 20);
        await Trainee.ClaimAsync(_store);
        Assert.Equal(3, await RepairedEpochAsync());

        await _store.DeleteAsync("runs/cats/experts/2/owner.json", Cancel);
        await _store.DeleteAsync("runs/cats/experts/2/checkpoints/0000000020-2/ema.safetensors", Cancel);
        Assert.Equal(2, await RepairedEpochAsync());

        async Task<long> RepairedEpochAsync()
        {
            await LeaveAsync(null);
            Assert.NotNull(await Checkpoints.RepairHeadAsync(Trainee.Run, Trainee.Role, newestToo: false, Cancel));
            return (await Checkpoints.ReadHeadAsync(Trainee.Run, Trainee.Role, Cancel))!.Epoch;
        }
    }

    [Fact]
    public async Task AHeadThatAnotherChangedMeanwhileIsLeftAlone()
    {
        await Trainee.TrainAsync(_store, 10);
        await LeaveAsync("");
        var raced = new RacedStore(_store);
        var error = await Assert.ThrowsAsync<CheckpointException>(() => Trainee.On(raced).RepairHeadAsync(Trainee.Run, Trainee.Role, newestToo: false, Cancel));
        Assert.Contains("was changed by another while it was being mended", error.Message, StringComparison.Ordinal);
        Assert.Equal("{}"u8.ToArray(), (await _store.ReadAsync(Head, Cancel))!.Bytes.ToArray());
    }

    [Fact]
    public async Task OfAForeignRunsCheckpointsNoHeadIsMade()
    {
        await Trainee.TrainAsync(_store, 10);
        const string Manifest = "runs/cats/experts/2/checkpoints/0000000010-1/manifest.json";
        var (manifest, _) = (await _store.ReadJsonAsync<CheckpointManifest>(Manifest, Cancel)).GetValueOrDefault();
        await _store.TryWriteJsonAsync(Manifest, manifest with { Role = "experts/0" }, WriteCondition.Any, Cancel);
        await LeaveAsync("");
        var error = await Assert.ThrowsAsync<CheckpointException>(() => Checkpoints.RepairHeadAsync(Trainee.Run, Trainee.Role, newestToo: false, Cancel));
        Assert.Equal(
            $"{Manifest} was written for experts/0 of run 'cats', not for experts/2 of run 'cats': it does not belong here. "
                + "Bring this role's own checkpoints back.",
            error.Message);
    }

    [Theory]
    [InlineData(Fault.Before)]
    [InlineData(Fault.LostReply)]
    [InlineData(Fault.RefusedAfterDone)]
    [InlineData(Fault.CrashBefore)]
    [InlineData(Fault.CrashAfter)]
    public async Task ARepairCutOffAnywhereIsDoneByTheNext(Fault fault)
    {
        for (var at = 0; ; at++)
        {
            var store = new MemoryBlobStore();
            await Trainee.TrainAsync(store, 10, 20);
            await store.TryWriteAsync(Head, ReadOnlyMemory<byte>.Empty, WriteCondition.Any, Cancel);
            var faulty = new FaultyBlobStore(store, at, fault);
            try
            {
                await Trainee.On(faulty).RepairHeadAsync(Trainee.Run, Trainee.Role, newestToo: false, Cancel);
            }
            catch (IOException)
            {
                await Trainee.On(store).RepairHeadAsync(Trainee.Run, Trainee.Role, newestToo: false, Cancel);
            }

            Assert.Equal(20, (await Trainee.On(store).OpenAsync(await Trainee.ClaimAsync(store), Trainee.Data, Cancel))!.Manifest.Step);
            if (faulty.FaultedCall is null)
            {
                Assert.InRange(at, 5, 50);
                break;
            }
        }
    }

    private Task LeaveAsync(string? text) => text is null
        ? _store.DeleteAsync(Head, Cancel)
        : _store.TryWriteAsync(Head, System.Text.Encoding.UTF8.GetBytes(text), WriteCondition.Any, Cancel);

    /// <summary>Another writes the head just before our write.</summary>
    private sealed class RacedStore(IBlobStore below) : InterceptedBlobStore(below)
    {
        private readonly IBlobStore _below = below;

        protected override async Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional)
        {
            if (call == "write " + Head)
            {
                await _below.TryWriteAsync(Head, "{}"u8.ToArray(), WriteCondition.Any, Cancel);
            }

            return await run();
        }
    }
}

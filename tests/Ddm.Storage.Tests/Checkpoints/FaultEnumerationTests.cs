using Ddm.Runs;

namespace Ddm.Storage.Tests;

/// <summary>Every fault at every storage call of claim, open, commit and sweep, on real files.</summary>
public sealed class FaultEnumerationTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Fault.Before)]
    [InlineData(Fault.LostReply)]
    [InlineData(Fault.RefusedAfterDone)]
    [InlineData(Fault.CrashBefore)]
    [InlineData(Fault.CrashAfter)]
    public async Task ThePromisesHoldWhateverFailsAndTrainingArrives(Fault fault)
    {
        var calls = await CallsOfAnUndisturbedRunAsync();
        Assert.InRange(calls, 40, 200);
        for (var at = 0; at < calls; at++)
        {
            using var folder = new TestFolder(inMemory: true);
            var watch = new HeadWatch(new FileBlobStore(folder.Path), Trainee.Run, Trainee.Role);
            var faulty = new FaultyBlobStore(watch, at, fault);
            var deaths = 0;
            for (IBlobStore store = faulty; !await TryTrainAsync(store, $"worker-{deaths}"); deaths++)
            {
                Assert.True(deaths < 3, $"{fault} at {faulty.FaultedCall}: does not recover");
                store = fault is Fault.CrashBefore or Fault.CrashAfter ? watch : faulty;
            }

            Assert.NotNull(faulty.FaultedCall);
            Assert.Equal([0, 10, 20, 30, 40], watch.Heads.Select(head => head.Step).Distinct());
            await CheckEndAsync(watch);
        }
    }

    [Theory]
    [InlineData(Fault.Before)]
    [InlineData(Fault.LostReply)]
    [InlineData(Fault.RefusedAfterDone)]
    public async Task ACommitRepeatedAfterAFaultCommitsOnce(Fault fault)
    {
        for (var at = 0; ; at++)
        {
            var store = new MemoryBlobStore();
            var watch = new HeadWatch(store, Trainee.Run, Trainee.Role);
            var claim = await Trainee.TrainAsync(watch, 10);
            var faulty = new FaultyBlobStore(watch, at, fault);
            CommitOutcome outcome;
            try
            {
                outcome = await Trainee.CommitAsync(faulty, claim, 10, 20);
            }
            catch (IOException)
            {
                outcome = await Trainee.CommitAsync(faulty, claim, 10, 20);
            }

            Assert.Equal(20, Assert.IsType<CommitOutcome.Committed>(outcome).Manifest.Step);
            Assert.Equal([0, 10, 20], watch.Heads.Select(head => head.Step));
            Assert.IsType<CommitOutcome.Committed>(await Trainee.CommitAsync(watch, claim, 20, 30));
            if (faulty.FaultedCall is null)
            {
                break;
            }
        }
    }

    [Theory]
    [InlineData(Fault.Before)]
    [InlineData(Fault.LostReply)]
    [InlineData(Fault.RefusedAfterDone)]
    public async Task AClaimThatFailedIsFreeToBeClaimedAgainAtOnce(Fault fault)
    {
        for (var at = 0; ; at++)
        {
            var store = new MemoryBlobStore();
            await Trainee.On(store).ReleaseAsync(await Trainee.TrainAsync(store, 10), Cancel);
            var faulty = new FaultyBlobStore(store, at, fault);
            ClaimOutcome outcome;
            try
            {
                outcome = await ClaimAsync(faulty);
            }
            catch (IOException)
            {
                outcome = await ClaimAsync(faulty);
            }

            var claim = Assert.IsType<ClaimOutcome.Claimed>(outcome).Claim;
            Assert.Equal(claim.Epoch, (await Trainee.On(store).ReadHeadAsync(Trainee.Run, Trainee.Role, Cancel))!.Epoch);
            if (faulty.FaultedCall is null)
            {
                break;
            }
        }

        static Task<ClaimOutcome> ClaimAsync(IBlobStore store) =>
            Trainee.On(store).ClaimAsync(Trainee.Run, Trainee.Role, "w", _ => false, Trainee.Timeout, Cancel);
    }

    [Theory]
    [InlineData(Fault.Before)]
    [InlineData(Fault.LostReply)]
    [InlineData(Fault.RefusedAfterDone)]
    public async Task ARenewalThatFailedDoesNotLoseTheClaim(Fault fault)
    {
        for (var at = 0; at < 3; at++)
        {
            var store = new MemoryBlobStore();
            var claim = await Trainee.ClaimAsync(store);
            var faulty = new FaultyBlobStore(store, at, fault);
            try
            {
                Assert.True(await Trainee.On(faulty).RenewAsync(claim, Cancel));
            }
            catch (IOException)
            {
                Assert.True(await Trainee.On(faulty).RenewAsync(claim, Cancel));
            }

            await Trainee.On(store).ReleaseAsync(claim, Cancel);
            Assert.Equal("", (await Trainee.On(store).ReadOwnerAsync(Trainee.Run, Trainee.Role, Cancel))!.Worker);
        }
    }

    private static async Task<int> CallsOfAnUndisturbedRunAsync()
    {
        var counting = new FaultyBlobStore(new MemoryBlobStore(), at: -1, Fault.Before);
        Assert.True(await TryTrainAsync(counting, "w"));
        return counting.Calls;
    }

    /// <summary>Slices of 10 steps until step 40, as a worker would; false when the store failed.</summary>
    private static async Task<bool> TryTrainAsync(IBlobStore store, string worker)
    {
        try
        {
            var checkpoints = Trainee.On(store);
            for (long step = 0; step < 40;)
            {
                var claim = await Trainee.ClaimAsync(store, worker);
                var opened = await checkpoints.OpenAsync(claim, Trainee.Data, Cancel);
                step = opened?.Manifest.Step ?? 0;
                Assert.Equal(step, claim.Head.Step);
                for (var commits = 0; commits < 2 && step < 40; commits++, step += 10)
                {
                    Assert.IsType<CommitOutcome.Committed>(await Trainee.CommitAsync(store, claim, step, step + 10));
                    Assert.True(await checkpoints.RenewAsync(claim, Cancel));
                }

                await checkpoints.SweepAsync(Trainee.Run, Trainee.Role, new RetentionSpec { KeepLast = 2 }, Cancel);
                await checkpoints.ReleaseAsync(claim, Cancel);
            }

            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async Task CheckEndAsync(HeadWatch store)
    {
        var checkpoints = Trainee.On(store);
        var opened = await checkpoints.OpenAsync(Trainee.Run, Trainee.Role, Trainee.Data, Cancel);
        Assert.Equal("weights at 40", await Trainee.ReadPartAsync(opened!, "weights.safetensors"));

        // one more claim, and nothing is left but what is kept: two whole checkpoints of four files, manifest and metrics of the two before
        await Trainee.ClaimAsync(store, "sweeper");
        await checkpoints.SweepAsync(Trainee.Run, Trainee.Role, new RetentionSpec { KeepLast = 2 }, Cancel);
        var left = await store.ListAsync(BlobNames.Checkpoints(Trainee.Run, Trainee.Role), Cancel).ToListAsync(Cancel);
        Assert.Equal(12, left.Count);
        Assert.Equal([40, 30, 20, 10], (await checkpoints.HistoryAsync(Trainee.Run, Trainee.Role, Cancel)).Select(link => link.Manifest.Step));
    }
}

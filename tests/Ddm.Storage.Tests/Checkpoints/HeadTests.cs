using System.Text;
using Ddm.Runs;

namespace Ddm.Storage.Tests;

/// <summary>What a head carries besides its checkpoint: attempts, back-off, pool, hold, what is kept.</summary>
public sealed class HeadTests
{
    private static readonly AttemptPolicy Policy = new(3, 2, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(15));
    private readonly MemoryBlobStore _store = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private CheckpointStore Checkpoints => Trainee.On(_store);

    [Fact]
    public async Task AttemptsAreCountedByTheClaimAndClearedByTheCommit()
    {
        await ClaimAsync("a");
        var claim = await ClaimAsync("b");
        Assert.Equal((2, "a b", _store.Now.AddSeconds(10)), (claim.Head.Attempts, string.Join(' ', claim.Head.Tried!), claim.Head.NotBefore));
        await Trainee.CommitAsync(_store, claim, 0, 10);
        Assert.Equal((0, null, null), (claim.Head.Attempts, claim.Head.Tried, claim.Head.NotBefore));
        Assert.Equal(claim.Head, await HeadAsync());
    }

    [Fact]
    public async Task AClaimThatIsForgivenWasNone()
    {
        await ClaimAsync("a");
        var before = await HeadAsync();
        var claim = await ClaimAsync("b");
        await Checkpoints.ForgiveAsync(claim, Cancel);
        Assert.Equal(before! with { Epoch = claim.Epoch }, await HeadAsync());
    }

    [Fact]
    public async Task PoisonNeedsAttemptsAndMachines()
    {
        for (var tries = 0; tries < 4; tries++)
        {
            await ClaimAsync("a");
            _store.Now += TimeSpan.FromMinutes(1);
        }

        await ClaimAsync("b");
        _store.Now += TimeSpan.FromMinutes(1);
        Assert.Equal(5, Assert.IsType<ClaimOutcome.Poisoned>(await TryClaimAsync("c")).Head.Attempts);
        await Checkpoints.FreeAsync(Trainee.Run, Trainee.Role, Cancel);
        await ClaimAsync("c");
    }

    [Fact]
    public async Task TheBackOffIsByTheStoresClockAndHasAnEnd()
    {
        await ClaimAsync("a");
        await ClaimAsync("a");
        Assert.Equal(new ClaimOutcome.NotYet(TimeSpan.FromSeconds(10)), await TryClaimAsync("b"));
        _store.Now += TimeSpan.FromSeconds(10);
        await ClaimAsync("a");
        Assert.Equal(new ClaimOutcome.NotYet(TimeSpan.FromSeconds(15)), await TryClaimAsync("b"));
    }

    [Fact]
    public async Task AHeldRoleCannotBeClaimedAndItsOwnerCannotCommit()
    {
        var claim = await Trainee.TrainAsync(_store, 10);
        var held = await Checkpoints.HoldAsync(Trainee.Run, Trainee.Role, Cancel);
        Assert.Equal((true, claim.Epoch + 1, 10), (held.Held, held.Epoch, held.Step));
        Assert.IsType<ClaimOutcome.Void>(await TryClaimAsync("b"));
        Assert.False(await Checkpoints.RenewAsync(claim, Cancel));
        Assert.Equal(new CommitOutcome.Fenced(held.Epoch), await Trainee.CommitAsync(_store, claim, 10, 20));
        await Checkpoints.FreeAsync(Trainee.Run, Trainee.Role, Cancel);
        Assert.Equal(held.Epoch + 1, (await ClaimAsync("b")).Epoch);
    }

    [Fact]
    public async Task ARoleThatNobodyClaimedCanBeHeldAndPlaced()
    {
        await Checkpoints.HoldAsync(Trainee.Run, Trainee.Role, Cancel);
        await Checkpoints.GrantAsync(Trainee.Run, Trainee.Role, "t4", Cancel);
        var head = (await HeadAsync())!;
        Assert.Equal((2, 0, "t4", true), (head.Epoch, head.Step, head.Pool, head.Held));
    }

    [Fact]
    public async Task AWakeUpForAnotherStepOrPoolIsVoid()
    {
        await Checkpoints.ReleaseAsync(await Trainee.TrainAsync(_store, 10), Cancel);
        await Checkpoints.GrantAsync(Trainee.Run, Trainee.Role, "t4", Cancel);
        Assert.IsType<ClaimOutcome.Void>(await TryClaimAsync("a", step: 0));
        Assert.IsType<ClaimOutcome.Void>(await TryClaimAsync("a", step: 10, pool: "a100"));
        Assert.IsType<ClaimOutcome.Claimed>(await TryClaimAsync("a", step: 10, pool: "t4"));
    }

    [Fact]
    public async Task APlacementThatComesLateTakesNoRoleFromWhoeverTrainsIt()
    {
        var claim = await Trainee.TrainAsync(_store, 10);
        Assert.Null(await Checkpoints.TryGrantAsync(Trainee.Run, Trainee.Role, "t4", Trainee.Timeout, Cancel));
        Assert.True(await Checkpoints.RenewAsync(claim, Cancel));
        await Checkpoints.ReleaseAsync(claim, Cancel);
        Assert.Equal("t4", (await Checkpoints.TryGrantAsync(Trainee.Run, Trainee.Role, "t4", Trainee.Timeout, Cancel))!.Pool);
    }

    [Fact]
    public async Task TheLastCommitGivesTheRoleBack()
    {
        var claim = await Trainee.ClaimAsync(_store, takeOver: false);
        await Checkpoints.CommitAsync(claim, Trainee.Request(0, 10) with { GivesBack = true, Retention = new RetentionSpec() }, Cancel);
        var head = await HeadAsync();
        Assert.Null(await Checkpoints.ReadLiveOwnerAsync(Trainee.Run, Trainee.Role, _ => false, Trainee.Timeout, Cancel));
        Assert.Null(await Checkpoints.ReadOwnerAsync(Trainee.Run, Trainee.Role, head, Cancel));
        var next = await Trainee.ClaimAsync(_store, takeOver: false);
        Assert.Equal((2, false, false), (next.Epoch, next.Head.GivenBack, next.WantsSweep));
        await Checkpoints.ReleaseAsync(claim, Cancel); // of the one before: changes nothing
        Assert.NotNull(await Checkpoints.ReadLiveOwnerAsync(Trainee.Run, Trainee.Role, _ => false, Trainee.Timeout, Cancel));
    }

    [Fact]
    public async Task WhoClaimsWhatWasGivenBackNeedNotReadItsOwner()
    {
        await GiveBackAsync();
        var calls = new List<string>();
        var claim = await Trainee.ClaimAsync(new Watched(_store, calls.Add), takeOver: false);
        Assert.Equal(["read head.json", "write owner.json", "write head.json"], calls.Select(call => call.Replace("runs/cats/experts/2/", "", StringComparison.Ordinal)));
        Assert.Equal((2, null), (claim.Epoch, claim.Head.OwnerETag));
    }

    [Theory]
    [InlineData("owner.json")]
    [InlineData("head.json")]
    public async Task AHoldInTheMiddleOfAClaimHolds(string before)
    {
        await GiveBackAsync();
        var store = new Watched(_store, call =>
        {
            if (call == "write runs/cats/experts/2/" + before && Interlocked.Exchange(ref before, "") is not "")
            {
                Checkpoints.HoldAsync(Trainee.Run, Trainee.Role, Cancel).GetAwaiter().GetResult();
            }
        });
        var outcome = await Trainee.On(store).ClaimAsync(Trainee.Run, Trainee.Role, "late", _ => false, Trainee.Timeout, Cancel);
        Assert.IsNotType<ClaimOutcome.Claimed>(outcome);
        Assert.True((await HeadAsync())!.Held);
        Assert.Null(await Checkpoints.ReadLiveOwnerAsync(Trainee.Run, Trainee.Role, _ => false, Trainee.Timeout, Cancel));
    }

    [Fact]
    public async Task OfTwoThatClaimWhatWasGivenBackTheSecondSeesTheFirst()
    {
        await GiveBackAsync();
        var first = (RoleClaim?)null;
        var store = new Watched(_store, call =>
        {
            if (call == "write runs/cats/experts/2/owner.json" && first is null)
            {
                first = Trainee.ClaimAsync(_store, "first", takeOver: false).GetAwaiter().GetResult();
            }
        });
        var second = await Trainee.On(store).ClaimAsync(Trainee.Run, Trainee.Role, "second", _ => false, Trainee.Timeout, Cancel);
        Assert.Equal(new ClaimOutcome.HeldBy("first"), second);
        Assert.IsType<CommitOutcome.Committed>(await CommitOnAsync(first!));
    }

    [Theory]
    [InlineData(null, "40 30")]
    [InlineData(20, "40 30 20")]
    public async Task WhatIsReplacedIsTrimmedWithoutAList(int? keepEvery, string kept)
    {
        var retention = new RetentionSpec { KeepLast = 2, KeepEvery = keepEvery };
        var checkpoints = Trainee.On(new Watched(_store, call => Assert.False(call.StartsWith("list ", StringComparison.Ordinal), call)));
        for (var step = 0; step < 40; step += 10)
        {
            var claim = await Trainee.ClaimAsync(_store, "w" + step, takeOver: false);
            await Checkpoints.OpenAsync(claim, Trainee.Data, Cancel);
            await Checkpoints.CommitAsync(claim, Trainee.Request(step, step + 10) with { Retention = retention, GivesBack = true }, Cancel);
            Assert.False(claim.WantsSweep);
            await checkpoints.TrimAsync(claim, Cancel);
        }

        var tensors = await _store.ListAsync("", Cancel).Where(blob => blob.Name.EndsWith("weights.safetensors", StringComparison.Ordinal)).ToListAsync(Cancel);
        Assert.Equal(kept, string.Join(' ', tensors.Select(blob => int.Parse(blob.Name.Split('/')[^2].Split('-')[0], null)).OrderDescending()));
        Assert.Empty(await Checkpoints.FindSweepableAsync(Trainee.Run, Trainee.Role, retention, Cancel)); // a sweep would find the same
    }

    [Fact]
    public async Task AnOwnerThatDiedLeavesASweepToDo()
    {
        await Trainee.ClaimAsync(_store);
        Assert.True((await Trainee.ClaimAsync(_store)).WantsSweep);
    }

    /// <summary>A home of the version before goes on: its heads have schema 1 and none of the newer fields.</summary>
    [Fact]
    public async Task AHeadOfTheVersionBeforeIsReadAndWrittenAnew()
    {
        await Checkpoints.ReleaseAsync(await Trainee.TrainAsync(_store, 10), Cancel);
        var head = (await HeadAsync())!;
        var old = $$"""{"schema":1,"epoch":{{head.Epoch}},"step":10,"checkpoint":"{{head.Checkpoint}}","manifestSha256":"{{head.ManifestSha256}}"}""";
        await _store.TryWriteAsync("runs/cats/experts/2/head.json", Encoding.UTF8.GetBytes(old), WriteCondition.Any, Cancel);
        Assert.Equal((1, 10), ((await HeadAsync())!.Schema, (await HeadAsync())!.Step));
        var claim = await ClaimAsync("a");
        Assert.Equal((RoleHead.CurrentSchema, true), (claim.Head.Schema, claim.WantsSweep));
        Assert.Equal(10, (await Checkpoints.OpenAsync(claim, Trainee.Data, Cancel))!.Manifest.Step);
        await Checkpoints.CommitAsync(claim, Trainee.Request(10, 20) with { Retention = new RetentionSpec() }, Cancel);
        Assert.Equal([20L, 10L], claim.Head.Kept!.Select(checkpoint => checkpoint.Step));
    }

    [Fact]
    public async Task WhatIsInMemoryNeedNotBeReadAgain()
    {
        var claim = await Trainee.ClaimAsync(_store);
        await Checkpoints.CommitAsync(claim, Trainee.Request(0, 10) with { Retention = new RetentionSpec(), GivesBack = true }, Cancel);
        var next = await Trainee.ClaimAsync(_store);
        Assert.False(CheckpointStore.GoOn(next, null));
        Assert.True(CheckpointStore.GoOn(next, claim.Head.ManifestSha256));
        Assert.IsType<CommitOutcome.Committed>(await Trainee.CommitAsync(_store, next, 10, 20));
    }

    private async Task GiveBackAsync()
    {
        var claim = await Trainee.ClaimAsync(_store, takeOver: false);
        await Checkpoints.CommitAsync(claim, Trainee.Request(0, 10) with { GivesBack = true, Retention = new RetentionSpec() }, Cancel);
    }

    private async Task<CommitOutcome> CommitOnAsync(RoleClaim claim)
    {
        await Checkpoints.OpenAsync(claim, Trainee.Data, Cancel);
        return await Trainee.CommitAsync(_store, claim, 10, 20);
    }

    private Task<RoleHead?> HeadAsync() => Checkpoints.ReadHeadAsync(Trainee.Run, Trainee.Role, Cancel);

    private async Task<RoleClaim> ClaimAsync(string host) => Assert.IsType<ClaimOutcome.Claimed>(await TryClaimAsync(host)).Claim;

    private Task<ClaimOutcome> TryClaimAsync(string host, long? step = null, string? pool = null) => Checkpoints.ClaimAsync(
        new ClaimRequest
        {
            Run = Trainee.Run,
            Role = Trainee.Role,
            Worker = host + ":1",
            Host = host,
            IsKnownDead = _ => true,
            OwnerTimeout = Trainee.Timeout,
            FromStep = step,
            Pool = pool,
            Attempts = Policy,
        },
        Cancel);

    private sealed class Watched(IBlobStore below, Action<string> before) : InterceptedBlobStore(below)
    {
        protected override Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional)
        {
            before(call);
            return run();
        }
    }
}

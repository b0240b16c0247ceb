using Ddm.Runs;

namespace Ddm.Storage.Tests;

public sealed class ClaimTests
{
    private readonly MemoryBlobStore _store = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private CheckpointStore Checkpoints => Trainee.On(_store);

    [Fact]
    public async Task TheFirstClaimMakesOwnerAndHead()
    {
        var claim = await Trainee.ClaimAsync(_store, "host:1");
        Assert.Equal(1, claim.Epoch);
        Assert.Equal(claim.Head, await Checkpoints.ReadHeadAsync(Trainee.Run, Trainee.Role, Cancel));
        Assert.Null(claim.Head.Checkpoint);
        Assert.Equal("host:1", (await Checkpoints.ReadOwnerAsync(Trainee.Run, Trainee.Role, Cancel))!.Worker);
        Assert.NotNull(await _store.ReadAsync("runs/cats/experts/2/head.json", Cancel));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public async Task AnOwnerNeedsAName(string worker) => await Assert.ThrowsAsync<ArgumentException>(() => TryClaimAsync(worker));

    [Fact]
    public async Task ALiveOwnerKeepsTheRoleFromAllOthersAndFromASecondSliceOfItsOwnProcess()
    {
        await Trainee.ClaimAsync(_store, "a");
        Assert.Equal(new ClaimOutcome.HeldBy("a"), await TryClaimAsync("b"));
        Assert.Equal(new ClaimOutcome.HeldBy("a"), await TryClaimAsync("a"));
        Assert.Equal(1, (await Checkpoints.ReadHeadAsync(Trainee.Run, Trainee.Role, Cancel))!.Epoch);
    }

    [Fact]
    public async Task AnOwnerAgesByTheStoresClockUnlessItRenews()
    {
        var claim = await Trainee.ClaimAsync(_store, "a");
        _store.Now += TimeSpan.FromSeconds(50);
        Assert.True(await Checkpoints.RenewAsync(claim, Cancel));
        _store.Now += TimeSpan.FromSeconds(50);
        Assert.Equal(new ClaimOutcome.HeldBy("a"), await TryClaimAsync("b"));
        Assert.Equal(1, (await LiveOwnerAsync())!.Renewals);

        _store.Now += TimeSpan.FromSeconds(10);
        Assert.Null(await LiveOwnerAsync());
        var taken = Assert.IsType<ClaimOutcome.Claimed>(await TryClaimAsync("b")).Claim;
        Assert.Equal(2, taken.Epoch);
        Assert.False(await Checkpoints.RenewAsync(claim, Cancel));
        Assert.Equal("b", (await LiveOwnerAsync())!.Worker);
    }

    [Fact]
    public async Task AnOwnerKnownToBeDeadIsNotWaitedFor()
    {
        await Trainee.ClaimAsync(_store, "a");
        var outcome = await Checkpoints.ClaimAsync(Trainee.Run, Trainee.Role, "b", worker => worker == "a", Trainee.Timeout, Cancel);
        Assert.Equal(2, Assert.IsType<ClaimOutcome.Claimed>(outcome).Claim.Epoch);
    }

    [Fact]
    public async Task ARoleGivenBackIsFreeAtOnceAndItsOldClaimIsOver()
    {
        var claim = await Trainee.ClaimAsync(_store, "a");
        await Checkpoints.ReleaseAsync(claim, Cancel);
        Assert.Null(await LiveOwnerAsync());
        Assert.False(await Checkpoints.RenewAsync(claim, Cancel));
        var next = Assert.IsType<ClaimOutcome.Claimed>(await TryClaimAsync("b")).Claim;
        await Checkpoints.ReleaseAsync(claim, Cancel);
        Assert.Equal("b", (await LiveOwnerAsync())!.Worker);
        Assert.Equal(2, next.Epoch);
    }

    [Fact]
    public async Task TheEpochRisesAboveTheHeadsEvenWithoutAnOwnerRecord()
    {
        await Trainee.TrainAsync(_store, 10);
        await _store.DeleteAsync(BlobNames.Owner(Trainee.Run, Trainee.Role), Cancel);
        Assert.Equal(2, (await Trainee.ClaimAsync(_store)).Epoch);
    }

    [Fact]
    public async Task AnOwnerRecordThatCannotBeReadAges()
    {
        await Trainee.TrainAsync(_store, 10);
        await _store.TryWriteAsync(BlobNames.Owner(Trainee.Run, Trainee.Role), "{"u8.ToArray(), WriteCondition.Any, Cancel);
        Assert.Equal(new ClaimOutcome.HeldBy("unknown"), await TryClaimAsync("b"));
        _store.Now += Trainee.Timeout;
        Assert.Equal(2, Assert.IsType<ClaimOutcome.Claimed>(await TryClaimAsync("b")).Claim.Epoch);
    }

    [Fact]
    public async Task ALostOrBrokenHeadNeverMeansStepZero()
    {
        await Trainee.TrainAsync(_store, 10);
        var head = BlobNames.Head(Trainee.Run, Trainee.Role);
        await _store.TryWriteAsync(head, "{ not json"u8.ToArray(), WriteCondition.Any, Cancel);
        var broken = await Assert.ThrowsAsync<CheckpointException>(() => Trainee.ClaimAsync(_store));
        Assert.Contains(head, broken.Message, StringComparison.Ordinal);

        await _store.DeleteAsync(head, Cancel);
        var lost = await Assert.ThrowsAsync<CheckpointException>(() => Trainee.ClaimAsync(_store));
        Assert.Contains("is missing, but there are checkpoints", lost.Message, StringComparison.Ordinal);
        Assert.Null(await _store.ReadAsync(head, Cancel));
    }

    [Theory]
    [InlineData("""{"schema":3,"epoch":1,"step":0}""", "upgrade")]
    [InlineData("""{"schema":1,"epoch":1,"step":9,"checkpoint":"runs/dogs/experts/2/checkpoints/0000000009-1/","manifestSha256":"00"}""", "belongs to another run")]
    [InlineData("""{"schema":1,"epoch":1,"step":9,"checkpoint":"runs/cats/experts/2/checkpoints/","manifestSha256":"00"}""", "belongs to another run")]
    [InlineData("""{"schema":1,"epoch":1,"step":9,"checkpoint":"runs/cats/experts/2/checkpoints/0000000009-1/"}""", "was edited")]
    public async Task AHeadThatIsNotOursIsRefused(string json, string says)
    {
        await _store.TryWriteAsync(BlobNames.Head(Trainee.Run, Trainee.Role), System.Text.Encoding.UTF8.GetBytes(json), WriteCondition.Any, Cancel);
        var error = await Assert.ThrowsAsync<CheckpointException>(() => Trainee.ClaimAsync(_store));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    private Task<ClaimOutcome> TryClaimAsync(string worker) =>
        Checkpoints.ClaimAsync(Trainee.Run, Trainee.Role, worker, _ => false, Trainee.Timeout, Cancel);

    private Task<RoleOwner?> LiveOwnerAsync() => Checkpoints.ReadLiveOwnerAsync(Trainee.Run, Trainee.Role, _ => false, Trainee.Timeout, Cancel);
}

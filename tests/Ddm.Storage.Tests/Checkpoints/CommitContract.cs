using Ddm.Runs;

namespace Ddm.Storage.Tests;

/// <summary>What commits promise, whatever the store.</summary>
public abstract class CommitContract
{
    private readonly IBlobStore _store;

    private protected CommitContract(IBlobStore store) => _store = store;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private CheckpointStore Checkpoints => Trainee.On(_store);

    [Fact]
    public async Task ACommitIsReadBackWholeWithItsChain()
    {
        await Trainee.TrainAsync(_store, 10, 20);
        await Trainee.TrainAsync(_store, 35);

        var opened = await Checkpoints.OpenAsync(Trainee.Run, Trainee.Role, Trainee.Data, Cancel);
        Assert.Equal("runs/cats/experts/2/checkpoints/0000000035-2/", opened!.Folder);
        Assert.Empty(opened.Skipped);
        Assert.Equal("weights at 35", await Trainee.ReadPartAsync(opened, "weights.safetensors"));
        Assert.Equal("20..35", await Trainee.ReadPartAsync(opened, "metrics.jsonl"));
        Assert.Equal(Trainee.Numerics, opened.Manifest.Numerics);
        Assert.Equal((35, 20, 2), (opened.Manifest.Step, opened.Manifest.FromStep, opened.Manifest.Epoch));

        var history = await Checkpoints.HistoryAsync(Trainee.Run, Trainee.Role, Cancel);
        Assert.Equal([35, 20, 10], history.Select(link => link.Manifest.Step));
        Assert.Equal("runs/cats/experts/2/checkpoints/0000000020-1/", history[0].Manifest.Parent);
        Assert.Null(history[2].Manifest.Parent);
    }

    [Fact]
    public async Task APartThatIsNotThereIsNamedWithThoseThatAre()
    {
        await Trainee.TrainAsync(_store, 10);
        var opened = await Checkpoints.OpenAsync(Trainee.Run, Trainee.Role, null, Cancel);
        var error = await Assert.ThrowsAsync<CheckpointException>(() => opened!.OpenPartAsync("optimizer.safetensors", Cancel));
        Assert.Contains("it has weights.safetensors, ema.safetensors, metrics.jsonl", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NothingCommittedIsNull()
    {
        Assert.Null(await Checkpoints.OpenAsync(Trainee.Run, Trainee.Role, null, Cancel));
        var claim = await Trainee.ClaimAsync(_store);
        Assert.Null(await Checkpoints.OpenAsync(claim, null, Cancel));
        Assert.Empty(await Checkpoints.HistoryAsync(Trainee.Run, Trainee.Role, Cancel));
    }

    [Fact]
    public async Task ADisplacedOwnerIsFencedAndLeavesTheHeadAlone()
    {
        var stale = await Trainee.TrainAsync(_store, 10);
        var fresh = await Trainee.ClaimAsync(_store, "other");
        Assert.Equal(new CommitOutcome.Fenced(2), await Trainee.CommitAsync(_store, stale, 10, 20));
        Assert.Equal(fresh.Head, await Checkpoints.ReadHeadAsync(Trainee.Run, Trainee.Role, Cancel));
        Assert.Equal(10, fresh.Head.Step);
    }

    [Fact]
    public async Task AnOwnerDisplacedWhileItWritesItsPartsIsFencedAtTheHead()
    {
        var stale = await Trainee.TrainAsync(_store, 10);
        var request = Trainee.Request(10, 20);
        var slow = request with { Parts = [.. request.Parts, ("slow", async (_, _) => await Trainee.ClaimAsync(_store, "other"))] };
        Assert.Equal(new CommitOutcome.Fenced(2), await Checkpoints.CommitAsync(stale, slow, Cancel));
        Assert.Equal(10, (await Checkpoints.ReadHeadAsync(Trainee.Run, Trainee.Role, Cancel))!.Step);
    }

    [Fact]
    public async Task ACommitThatTakesEffectWhenItWasGivenUpIsNobodyElses()
    {
        var claim = await Trainee.TrainAsync(_store, 10);
        var late = new LateHead(_store);
        var checkpoints = Trainee.On(late);
        await Assert.ThrowsAsync<IOException>(() => checkpoints.CommitAsync(claim, Trainee.Request(10, 20), Cancel));
        Assert.True(await checkpoints.SettleAsync(claim, Cancel));
        Assert.Equal(10, claim.Head.Step); // it had not happened by then

        var error = await Assert.ThrowsAsync<IOException>(() => checkpoints.CommitAsync(claim, Trainee.Request(10, 30), Cancel));
        Assert.Contains("took effect while step 30 was being committed", error.Message, StringComparison.Ordinal);
        Assert.True(await checkpoints.SettleAsync(claim, Cancel));
        Assert.Equal(20, claim.Head.Step);
        Assert.IsType<CommitOutcome.Committed>(await checkpoints.CommitAsync(claim, Trainee.Request(20, 30), Cancel));
        Assert.Equal([30, 20, 10], (await Checkpoints.HistoryAsync(Trainee.Run, Trainee.Role, Cancel)).Select(link => link.Manifest.Step));
    }

    [Fact]
    public async Task ARoleMayBeCommittedBeforeItsFirstStep()
    {
        var claim = await Trainee.ClaimAsync(_store);
        Assert.IsType<CommitOutcome.Committed>(await Trainee.CommitAsync(_store, claim, 0, 0));
        Assert.Equal("weights at 0", await Trainee.ReadPartAsync((await Checkpoints.OpenAsync(claim, null, Cancel))!, "weights.safetensors"));
    }

    [Fact]
    public async Task TheSameStepAgainChangesNothing()
    {
        var claim = await Trainee.TrainAsync(_store, 10);
        var again = Assert.IsType<CommitOutcome.Committed>(await Trainee.CommitAsync(_store, claim, 10, 10));
        Assert.Equal(10, again.Manifest.Step);
        Assert.Equal(claim.Head, await Checkpoints.ReadHeadAsync(Trainee.Run, Trainee.Role, Cancel));
    }

    [Fact]
    public async Task AWriterThatFailsMovesNothingAndTheCommitCanBeTriedAgain()
    {
        var claim = await Trainee.TrainAsync(_store, 10);
        var request = Trainee.Request(10, 20);
        var failing = request with { Parts = [.. request.Parts, ("full", (_, _) => throw new IOException("No space left on device"))] };
        await Assert.ThrowsAsync<IOException>(() => Checkpoints.CommitAsync(claim, failing, Cancel));
        Assert.Equal(10, (await Checkpoints.ReadHeadAsync(Trainee.Run, Trainee.Role, Cancel))!.Step);

        Assert.IsType<CommitOutcome.Committed>(await Checkpoints.CommitAsync(claim, request, Cancel));
        var opened = await Checkpoints.OpenAsync(Trainee.Run, Trainee.Role, null, Cancel);
        Assert.StartsWith("runs/cats/experts/2/checkpoints/0000000020-1", opened!.Folder, StringComparison.Ordinal); // beside what the first try left, or over the same bytes
        Assert.Equal("weights at 20", await Trainee.ReadPartAsync(opened, "weights.safetensors"));
    }

    [Fact]
    public async Task CommittingWithoutHavingOpenedWhatIsThereIsRefused()
    {
        await Trainee.TrainAsync(_store, 10);
        var claim = await Trainee.ClaimAsync(_store);
        await Assert.ThrowsAsync<InvalidOperationException>(() => Trainee.CommitAsync(_store, claim, 0, 5));
    }

    [Theory]
    [InlineData(0, 20)]
    [InlineData(10, 9)]
    [InlineData(11, 20)]
    public async Task StepsMustFollowOnWhatStands(long from, long step)
    {
        var claim = await Trainee.TrainAsync(_store, 10);
        await Assert.ThrowsAsync<ArgumentException>(() => Trainee.CommitAsync(_store, claim, from, step));
    }

    [Theory]
    [InlineData("manifest.json")]
    [InlineData("weights.safetensors")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData("")]
    public async Task PartsNeedNamesOfTheirOwn(string name)
    {
        var claim = await Trainee.ClaimAsync(_store);
        var request = Trainee.Request(0, 10);
        request = request with { Parts = [.. request.Parts, (name, (_, _) => Task.CompletedTask)] };
        await Assert.ThrowsAsync<ArgumentException>(() => Checkpoints.CommitAsync(claim, request, Cancel));
        Assert.Empty(await _store.ListAsync(BlobNames.Checkpoints(Trainee.Run, Trainee.Role), Cancel).ToListAsync(Cancel));
    }
}

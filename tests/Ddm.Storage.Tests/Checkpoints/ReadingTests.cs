using Ddm.Runs;

namespace Ddm.Storage.Tests;

/// <summary>Reading a role's checkpoints while its owner trains on, and what becomes of replies that are lost.</summary>
public sealed class ReadingTests
{
    private readonly MemoryBlobStore _store = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheNewestManifestIsTheHeadsOwn()
    {
        Assert.Null(await Trainee.On(_store).ReadNewestAsync(Trainee.Run, Trainee.Role, Cancel));
        await Trainee.TrainAsync(_store, 10, 20);
        Assert.Equal(20, (await Trainee.On(_store).ReadNewestAsync(Trainee.Run, Trainee.Role, Cancel))!.Step);
    }

    [Fact]
    public async Task AReaderWhoseCheckpointIsSweptMeanwhileReadsTheNewOne()
    {
        await Trainee.TrainAsync(_store, 10, 20);
        var moving = new MovingStore(_store, async () =>
        {
            await Trainee.TrainAsync(_store, 30, 40);
            await Trainee.On(_store).SweepAsync(Trainee.Run, Trainee.Role, new RetentionSpec { KeepLast = 2 }, Cancel);
        });
        var opened = await Trainee.On(moving).OpenAsync(Trainee.Run, Trainee.Role, Trainee.Data, Cancel);
        Assert.Equal(40, opened!.Manifest.Step);
        Assert.Empty(opened.Skipped);
    }

    [Fact]
    public async Task AReaderThatFellBackLooksWhetherTrainingHasMovedOn()
    {
        await Trainee.TrainAsync(_store, 10, 20);
        var moving = new MovingStore(_store, async () =>
        {
            await _store.DeleteAsync(BlobNames.Checkpoint(Trainee.Run, Trainee.Role, 20, 1) + "ema.safetensors", Cancel);
            await Trainee.TrainAsync(_store, 25);
        });
        var opened = await Trainee.On(moving).OpenAsync(Trainee.Run, Trainee.Role, Trainee.Data, Cancel);
        Assert.Equal(25, opened!.Manifest.Step);
        Assert.Empty(opened.Skipped);
    }

    /// <summary>A client that retries by itself reports its own first try as another's: the part is there, and a second folder would be waste.</summary>
    [Fact]
    public async Task APartThatWasWrittenAfterAllIsNotWrittenTwice()
    {
        var parts = 0;
        for (var at = 0; parts < 3; at++)
        {
            Assert.InRange(at, 0, 20);
            var store = new MemoryBlobStore();
            var claim = await Trainee.ClaimAsync(store);
            var faulty = new FaultyBlobStore(store, at, Fault.RefusedAfterDone);
            Assert.IsType<CommitOutcome.Committed>(await Trainee.CommitAsync(faulty, claim, 0, 10));
            if (faulty.FaultedCall!.StartsWith("stream ", StringComparison.Ordinal))
            {
                parts++;
                Assert.Equal(BlobNames.Checkpoint(Trainee.Run, Trainee.Role, 10, 1), claim.Head.Checkpoint);
            }
        }
    }

    /// <summary>Over a slow line a load must not take twice as long as the state is large.</summary>
    [Theory]
    [InlineData(1_000)]
    [InlineData(3_000_000)]
    public async Task WhatWasVerifiedIsNotReadFromTheStoreAgain(int length)
    {
        var bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        var claim = await Trainee.ClaimAsync(_store);
        var request = Trainee.Request(0, 10) with { Parts = [("weights.safetensors", (stream, cancellationToken) => stream.WriteAsync(bytes, cancellationToken).AsTask())] };
        Assert.IsType<CommitOutcome.Committed>(await Trainee.On(_store).CommitAsync(claim, request, Cancel));

        var opened = await Trainee.On(_store).OpenAsync(claim, Trainee.Data, Cancel);
        await _store.DeleteAsync(opened!.Folder + "weights.safetensors", Cancel);

        await using var part = await opened.OpenPartAsync("weights.safetensors", Cancel);
        var read = new MemoryStream();
        await part.CopyToAsync(read, Cancel);
        Assert.True(bytes.AsSpan().SequenceEqual(read.ToArray()));
    }

    /// <summary>Does something just before the first part is opened.</summary>
    private sealed class MovingStore(IBlobStore below, Func<Task> move) : InterceptedBlobStore(below)
    {
        private bool _moved;

        protected override async Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional)
        {
            if (!_moved && call.EndsWith("weights.safetensors", StringComparison.Ordinal))
            {
                _moved = true;
                await move();
            }

            return await run();
        }
    }
}

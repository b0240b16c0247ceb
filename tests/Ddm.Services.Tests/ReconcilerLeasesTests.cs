using Ddm.Runs;
using Ddm.Storage;
using Ddm.Storage.Tests;
using Microsoft.Extensions.Time.Testing;

namespace Ddm.Services.Tests;

public sealed class ReconcilerLeasesTests
{
    private readonly FakeTimeProvider time = new();
    private readonly MemoryBlobStore blobs = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OneHoldsARunAndTheOtherTakesItWhenTheHolderFallsSilent()
    {
        var (one, other) = (Leases("one"), Leases("other"));

        Assert.True(await one.HoldAsync("run", Cancel));
        Assert.False(await other.HoldAsync("run", Cancel));
        Advance(TimeSpan.FromSeconds(20));
        Assert.True(await one.HoldAsync("run", Cancel)); // renewed
        Advance(TimeSpan.FromSeconds(20));
        Assert.False(await other.HoldAsync("run", Cancel));
        Advance(ReconcilerLeases.LeaseTimeout);
        Assert.True(await other.HoldAsync("run", Cancel));
        Assert.False(await one.HoldAsync("run", Cancel)); // it woke up and sees that it lost
        var told = Assert.Single(await RunEvents.ReadAsync(blobs, "run", Cancel));
        Assert.Equal((RunEvent.TakenOver, "control plane one was silent: other looks after the run"), (told.Kind, told.Text));
    }

    [Fact]
    public async Task WhatIsGivenBackIsFreeAtOnce()
    {
        var (one, other) = (Leases("one"), Leases("other"));
        Assert.True(await one.HoldAsync("run", Cancel));

        await one.ReleaseAsync(Cancel);

        Assert.True(await other.HoldAsync("run", Cancel));
    }

    [Fact]
    public async Task ARecordThatCannotBeReadBelongsToNobody()
    {
        await blobs.TryWriteAsync(BlobNames.Reconciler("run"), "{"u8.ToArray(), WriteCondition.Any, Cancel);

        Assert.True(await Leases("one").HoldAsync("run", Cancel));
    }

    private void Advance(TimeSpan duration)
    {
        time.Advance(duration);
        blobs.Now += duration;
    }

    private ReconcilerLeases Leases(string worker)
    {
        var identity = new WorkerIdentity(worker, _ => false);
        return new ReconcilerLeases(blobs, identity, new RunEvents(blobs, identity, time), time);
    }
}

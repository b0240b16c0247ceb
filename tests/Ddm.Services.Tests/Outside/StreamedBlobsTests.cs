using Ddm.Runs;
using Ddm.Storage;
using Ddm.Storage.Tests;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Ddm.Services.Tests.Outside;

/// <summary>What <see cref="IBlobStore"/> promises of single blobs, through a control plane before a folder; its limits are tested elsewhere.</summary>
public sealed class StreamedBlobsTests
{
    [Theory]
    [InlineData(nameof(BlobStoreContract.WhatIsWrittenIsRead))]
    [InlineData(nameof(BlobStoreContract.NothingIsABlobToo))]
    [InlineData(nameof(BlobStoreContract.ConditionsDecide))]
    [InlineData(nameof(BlobStoreContract.ConditionsDecideOverStreams), 10)]
    [InlineData(nameof(BlobStoreContract.ConditionsDecideOverStreams), 9 << 20)]
    [InlineData(nameof(BlobStoreContract.AFailingWriterLeavesTheNameAsItWas), 10)]
    [InlineData(nameof(BlobStoreContract.AFailingWriterLeavesTheNameAsItWas), 9 << 20)]
    [InlineData(nameof(BlobStoreContract.NothingIsSeenBeforeAWriteIsWhole), 9 << 20)]
    [InlineData(nameof(BlobStoreContract.AWriteThatIsCancelledLeavesTheNameAsItWas))]
    [InlineData(nameof(BlobStoreContract.AnOpenStreamKeepsWhatItOpened))]
    [InlineData(nameof(BlobStoreContract.ALargeOpenStreamNeverMixesContents), false)]
    [InlineData(nameof(BlobStoreContract.ALargeStreamCanBeReadFromAnywhere))]
    [InlineData(nameof(BlobStoreContract.OfManyAtOnceExactlyOneWinsEachRound))]
    [InlineData(nameof(BlobStoreContract.OfManyStreamsAtOnceExactlyOneWins))]
    [InlineData(nameof(BlobStoreContract.NoIncrementIsLost))]
    public async Task ThePromisesHold(string promise, object? argument = null)
    {
        await using var shop = await OutsideShop.OpenAsync(services: services => services.AddSingleton<IBlobLimits, Open>());
        using var server = new ServerConnection(new ServerAddress(shop.Address, OutsideShop.Key), TimeProvider.System);
        var claim = new OutsideClaim("tiny", "experts/0", OutsideShop.Worker, 1);
        await (Task)typeof(BlobStoreContract).GetMethod(promise)!.Invoke(new Suite(() => new StreamedBlobs(server, () => claim), shop.Store), argument is null ? [] : [argument])!;
    }

    [Fact]
    public async Task WhatIsTooLargeForTheControlPlanesMemoryIsRefused()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var shop = await OutsideShop.OpenAsync(services: services => services.AddSingleton<IBlobLimits, Open>());
        using var server = new ServerConnection(new ServerAddress(shop.Address, OutsideShop.Key), TimeProvider.System);
        var blobs = new StreamedBlobs(server, () => new OutsideClaim("tiny", "experts/0", OutsideShop.Worker, 1));
        var written = await Assert.ThrowsAsync<UserErrorException>(() => blobs.TryWriteAsync("large", new byte[StreamEndpoints.Small + 1], WriteCondition.Any, cancel));
        Assert.Contains("leave out 'whole'", written.Message, StringComparison.Ordinal);
        Assert.False(await shop.Store.ExistsAsync("large", cancel));

        await shop.Store.TryWriteStreamAsync("large", async (stream, token) => await stream.WriteAsync(new byte[(64 << 20) + 1], token), WriteCondition.Any, cancel);
        var read = await Assert.ThrowsAsync<UserErrorException>(() => blobs.ReadAsync("large", cancel));
        Assert.Contains("leave out 'whole'", read.Message, StringComparison.Ordinal);
        await using var stream = await blobs.OpenReadAsync("large", cancel);
        Assert.Equal((64 << 20) + 1, stream!.Length);
    }

    [Fact]
    public async Task ACommitThroughTheControlPlaneIsAsOneOfOnesOwn()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var shop = await OutsideShop.OpenAsync();
        using var server = new ServerConnection(new ServerAddress(shop.Address, OutsideShop.Key), TimeProvider.System);
        var session = await OutsideSession.JoinAsync(server, new WorkerSettings { Pool = OutsideShop.Pool }, "box", 1, TimeProvider.System, _ => { }, cancel);
        var keeper = new ServerRoleKeeper(server, session, Microsoft.Extensions.Logging.Abstractions.NullLogger<ServerRoleKeeper>.Instance);
        var blobs = OutsideBlobs.Open(server, session, TimeProvider.System);
        var checkpoints = new CheckpointStore(blobs, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, keeper);
        var data = (await shop.WriteAsync(await shop.ClaimAsync(), 1)).DataManifestSha256;
        await shop.TakeAwayAsync();
        await shop.Checkpoints.GrantAsync(OutsideShop.Run, Role.Expert(0), OutsideShop.Pool, cancel);
        var request = new ClaimRequest { Run = OutsideShop.Run, Role = Role.Expert(0), Worker = session.Identity.Name, Host = session.Identity.Host, OwnerTimeout = TimeSpan.FromMinutes(1), Pool = OutsideShop.Pool };
        var claim = Assert.IsType<ClaimOutcome.Claimed>(await checkpoints.ClaimAsync(request, cancel)).Claim;
        Assert.Null(await checkpoints.OpenAsync(claim, data, cancel));

        foreach (var step in (long[])[10, 20, 30])
        {
            Assert.True(await checkpoints.RenewAsync(claim, cancel));
            var commit = new CommitRequest
            {
                Step = step,
                FromStep = step - 10,
                DataManifestSha256 = data,
                Numerics = OutsideShop.Numerics,
                Parts = [(OutsideShop.Part, (stream, token) => stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"state {step}"), token).AsTask())],
                Retention = new RetentionSpec(),
            };
            var outcome = Assert.IsType<CommitOutcome.Committed>(await checkpoints.CommitAsync(claim, commit, cancel));
            Assert.Equal(step, outcome.Manifest.Step);
            Assert.Equal(claim.Head, await shop.HeadAsync());
        }

        Assert.All(await shop.Checkpoints.VerifyAsync(OutsideShop.Run, Role.Expert(0), data, OutsideShop.Numerics, cancel), link => Assert.Empty(link.Faults));
        await checkpoints.SweepAsync(claim, new RetentionSpec(), cancel);
        await checkpoints.ReleaseAsync(claim, cancel);
        var next = Assert.IsType<ClaimOutcome.Claimed>(await checkpoints.ClaimAsync(request, cancel)).Claim;
        var opened = await checkpoints.OpenAsync(next, data, cancel);
        using var reader = new StreamReader(await opened!.OpenPartAsync(OutsideShop.Part, cancel));
        Assert.Equal("state 30", await reader.ReadToEndAsync(cancel));
        await shop.TakeAwayAsync();
        Assert.False(await checkpoints.RenewAsync(next, cancel));
    }

    [Fact]
    public async Task ASliceOfARoleThatWasPlacedElsewhereIsDropped()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var shop = await OutsideShop.OpenAsync();
        using var server = new ServerConnection(new ServerAddress(shop.Address, OutsideShop.Key), TimeProvider.System);
        var session = await OutsideSession.JoinAsync(server, new WorkerSettings { Pool = OutsideShop.Pool }, "box", 1, TimeProvider.System, _ => { }, cancel);
        session.Current = new OutsideClaim(OutsideShop.Run, "experts/0", session.Identity.Name, 0);
        var keeper = new ServerRoleKeeper(server, session, Microsoft.Extensions.Logging.Abstractions.NullLogger<ServerRoleKeeper>.Instance);
        var blobs = OutsideBlobs.Open(server, session, TimeProvider.System);
        Assert.NotNull(await blobs.ReadAsync(BlobNames.RunDocument(OutsideShop.Run), cancel));
        await shop.Checkpoints.GrantAsync(OutsideShop.Run, Role.Expert(0), "t4", cancel);

        var request = new ClaimRequest { Run = OutsideShop.Run, Role = Role.Expert(0), Worker = session.Identity.Name, Host = session.Identity.Host, OwnerTimeout = TimeSpan.FromMinutes(1), Pool = OutsideShop.Pool };
        Assert.IsType<ClaimOutcome.Void>(await keeper.ClaimAsync(request, cancel));
        var error = await Assert.ThrowsAsync<UserErrorException>(() => blobs.ReadAsync(BlobNames.RunDocument(OutsideShop.Run), cancel));
        Assert.False(error.MayPass); // or the slice would be tried again for as long as a message lasts
    }

    private sealed class Open : IBlobLimits
    {
        public Task RequireAsync(HttpContext http, string name, bool write) => Task.CompletedTask;
    }

    private sealed class Suite(Func<IBlobStore> open, IBlobStore below) : BlobStoreContract
    {
        private static readonly string[] Others = ["runs/", "datasets/"];

        private protected override IBlobStore Open() => open();

        // What is there only the control plane's own store tells.
        private protected override async Task<List<BlobInfo>> ListAsync(string prefix) =>
            await below.ListAsync(prefix, Cancel).Where(blob => !Others.Any(other => blob.Name.StartsWith(other, StringComparison.Ordinal))).ToListAsync(Cancel);
    }
}

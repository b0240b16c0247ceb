using System.Net;
using Ddm.Runs;
using Ddm.Tests;

namespace Ddm.Storage.Tests;

/// <summary>Single blobs opened by signatures that another process gives.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class SignedAccessTests(AzuriteProcess azurite)
{
    private readonly IBlobStore _store = BlobStores.Open(azurite.ConnectionString(AzuriteProcess.NewContainer()));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ISignedBlobs Signer => (ISignedBlobs)_store;

    /// <summary>What is promised of blobs that can be reached one by one: all but listing and deleting.</summary>
    [Theory]
    [InlineData(nameof(BlobStoreContract.WhatIsWrittenIsRead))]
    [InlineData(nameof(BlobStoreContract.NothingIsABlobToo))]
    [InlineData(nameof(BlobStoreContract.ConditionsDecide))]
    [InlineData(nameof(BlobStoreContract.ConditionsDecideOverStreams), 10)]
    [InlineData(nameof(BlobStoreContract.ConditionsDecideOverStreams), 9 << 20)]
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
        await _store.TryWriteAsync("first", "1"u8.ToArray(), WriteCondition.Any, Cancel); // the container is there
        await _store.DeleteAsync("first", Cancel);
        await Suite.HoldAsync(() => SignedAccess.Open(Signer.SignedContainer!, GoodAsync), _store, promise, argument);
    }

    [Fact]
    public async Task ASignatureOpensItsBlobForItsPurposeAlone()
    {
        foreach (var name in (string[])["mine", "other"])
        {
            await _store.TryWriteAsync(name, "1"u8.ToArray(), WriteCondition.Any, Cancel);
        }

        var read = await Signer.SignAsync("mine", write: false, TimeSpan.FromMinutes(5), Cancel);
        var write = await Signer.SignAsync("mine", write: true, TimeSpan.FromMinutes(5), Cancel);
        var late = await Signer.SignAsync("mine", write: false, TimeSpan.FromMinutes(-1), Cancel);

        Assert.Equal(HttpStatusCode.OK, await SendAsync(HttpMethod.Get, "mine", read));
        Assert.Equal(HttpStatusCode.Created, await SendAsync(HttpMethod.Put, "mine", write));
        foreach (var (method, name, query) in new (HttpMethod, string, string)[]
        {
            (HttpMethod.Put, "mine", read), (HttpMethod.Delete, "mine", read), (HttpMethod.Delete, "mine", write), (HttpMethod.Get, "mine", late),
            (HttpMethod.Get, "other", read), (HttpMethod.Put, "other", write), (HttpMethod.Get, "", read + "&restype=container&comp=list"), (HttpMethod.Get, "", write + "&restype=container&comp=list"),
        })
        {
            Assert.Equal((name, HttpStatusCode.Forbidden), (name, await SendAsync(method, name, query)));
        }
    }

    [Fact]
    public async Task ASignatureThatHasRunOutIsAskedForAgain()
    {
        await _store.TryWriteAsync("mine", "1"u8.ToArray(), WriteCondition.Any, Cancel);
        var late = await Signer.SignAsync("mine", write: false, TimeSpan.FromMinutes(-1), Cancel);
        var asked = new List<string?>();
        var store = SignedAccess.Open(Signer.SignedContainer!, async (name, write, refused, token) =>
        {
            asked.Add(refused);
            return refused is null ? late : await GoodAsync(name, write, refused, token);
        });

        Assert.Equal("1"u8.ToArray(), (await store.ReadAsync("mine", Cancel))!.Bytes);
        Assert.Equal([null, late], asked);
    }

    [Fact]
    public async Task AnOpenConnectionIsRefusedAndSoIsAListing()
    {
        var error = Assert.Throws<UserErrorException>(() => SignedAccess.Open(new Uri("http://cats.blob.core.windows.net/ddm"), GoodAsync));
        Assert.Contains("not https", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<UserErrorException>(async () => await SignedAccess.Open(Signer.SignedContainer!, GoodAsync).ListAsync("", Cancel).ToListAsync(Cancel));
        Assert.Null(((ISignedBlobs)BlobStores.Open("https://cats.blob.core.windows.net/runs?sv=2025-01-05&sr=c&sp=rl&se=2030-01-01T00:00:00Z&sig=abc%3D")).SignedContainer);
        Assert.NotNull(((ISignedBlobs)BlobStores.Open("https://cats.blob.core.windows.net/runs")).SignedContainer); // by the identity's delegation key
    }

    private async ValueTask<string> GoodAsync(string name, bool write, string? refused, CancellationToken cancellationToken) =>
        await Signer.SignAsync(name, write, TimeSpan.FromMinutes(5), cancellationToken);

    private async Task<HttpStatusCode> SendAsync(HttpMethod method, string name, string query)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(method, $"{Signer.SignedContainer}{(name.Length > 0 ? "/" + name : "")}?{query}");
        request.Headers.Add("x-ms-version", "2024-08-04");
        if (method == HttpMethod.Put)
        {
            request.Headers.Add("x-ms-blob-type", "BlockBlob");
            request.Content = new ByteArrayContent([1]);
        }

        using var response = await http.SendAsync(request, Cancel);
        return response.StatusCode;
    }

    private sealed class Suite(Func<IBlobStore> open, IBlobStore below) : BlobStoreContract
    {
        public static Task HoldAsync(Func<IBlobStore> open, IBlobStore below, string promise, object? argument) =>
            (Task)typeof(BlobStoreContract).GetMethod(promise)!.Invoke(new Suite(open, below), argument is null ? [] : [argument])!;

        private protected override IBlobStore Open() => open();

        // What is there only the whole container's own client tells.
        private protected override async Task<List<BlobInfo>> ListAsync(string prefix) => await below.ListAsync(prefix, Cancel).ToListAsync(Cancel);
    }
}

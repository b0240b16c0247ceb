using System.Globalization;
using System.Text;

namespace Ddm.Storage.Tests;

/// <summary>What <see cref="IBlobStore"/> promises, held against a real store. Every call opens the same, empty store anew, as another process would.</summary>
public abstract class BlobStoreContract
{
    /// <summary>Several blocks of a store that cuts blobs, and a bit.</summary>
    private const int Large = (9 << 20) + 12345;

    private IBlobStore? _store;

    private protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private protected IBlobStore Store => _store ??= Open();

    private protected abstract IBlobStore Open();

    [Fact]
    public async Task WhatIsWrittenIsRead()
    {
        var etag = await WriteAsync("a/b/c.json", "hello", WriteCondition.Any);

        var content = await Store.ReadAsync("a/b/c.json", Cancel);
        Assert.Equal("hello"u8.ToArray(), content!.Bytes);
        Assert.Equal(etag, content.ETag);
        await using var stream = await Store.OpenReadAsync("a/b/c.json", Cancel);
        Assert.Equal(5, stream!.Length);
        Assert.True(await Store.ExistsAsync("a/b/c.json", Cancel));
        Assert.Equal("hello", Encoding.UTF8.GetString((await Open().ReadAsync("a/b/c.json", Cancel))!.Bytes));
    }

    [Fact]
    public async Task WhatIsAbsentIsNullInANewStoreToo()
    {
        Assert.Null(await Store.ReadAsync("a/b", Cancel));
        Assert.Null(await Store.OpenReadAsync("a/b", Cancel));
        Assert.False(await Store.ExistsAsync("a/b", Cancel));
        Assert.Empty(await ListAsync(""));
        await Store.DeleteAsync("a/b", Cancel);
        Assert.Null(await WriteAsync("a/b", "x", WriteCondition.IfMatch("anything")));
    }

    [Fact]
    public async Task NothingIsABlobToo()
    {
        Assert.NotNull(await WriteAsync("empty", "", WriteCondition.IfAbsent));
        Assert.True(await Store.TryWriteStreamAsync("empty-stream", (_, _) => Task.CompletedTask, WriteCondition.IfAbsent, Cancel));
        foreach (var name in new[] { "empty", "empty-stream" })
        {
            Assert.Empty((await Store.ReadAsync(name, Cancel))!.Bytes);
            await using var stream = await Store.OpenReadAsync(name, Cancel);
            Assert.Equal(0, stream!.Length);
            Assert.Equal(0, await stream.ReadAsync(new byte[1], Cancel));
        }
    }

    [Fact]
    public async Task ConditionsDecide()
    {
        var first = await WriteAsync("x", "1", WriteCondition.IfAbsent);
        Assert.NotNull(first);
        Assert.Null(await WriteAsync("x", "2", WriteCondition.IfAbsent));
        Assert.Null(await WriteAsync("x", "2", WriteCondition.IfMatch("other")));
        Assert.Null(await WriteAsync("absent", "2", WriteCondition.IfMatch(first)));
        var second = await WriteAsync("x", "2", WriteCondition.IfMatch(first));
        Assert.NotNull(second);
        Assert.Null(await WriteAsync("x", "3", WriteCondition.IfMatch(first)));
        Assert.Equal("2", await TextAsync("x"));
        Assert.False(await Store.ExistsAsync("absent", Cancel));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(Large)]
    public async Task ConditionsDecideOverStreams(int length)
    {
        Assert.True(await WriteStreamAsync("x", 1, length, WriteCondition.IfAbsent));
        Assert.False(await WriteStreamAsync("x", 2, length, WriteCondition.IfAbsent));
        var etag = (await Store.ReadAsync("x", Cancel))!.ETag;
        Assert.False(await WriteStreamAsync("absent", 2, length, WriteCondition.IfMatch(etag)));
        Assert.True(await WriteStreamAsync("x", 3, length, WriteCondition.IfMatch(etag)));
        Assert.False(await WriteStreamAsync("x", 4, length, WriteCondition.IfMatch(etag)));
        await AssertHoldsAsync("x", Made(3, length));
        Assert.True(await WriteStreamAsync("x", 5, length, WriteCondition.Any));
        await AssertHoldsAsync("x", Made(5, length));
        Assert.Equal(["x"], (await ListAsync("")).Select(blob => blob.Name));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(Large)]
    public async Task AFailingWriterLeavesTheNameAsItWas(int length)
    {
        await WriteAsync("big", "old", WriteCondition.Any);

        var failure = await Assert.ThrowsAsync<IOException>(() => Store.TryWriteStreamAsync("big", FillDiskAsync, WriteCondition.Any, Cancel));
        await Assert.ThrowsAsync<IOException>(() => Store.TryWriteStreamAsync("new/deep/blob", FillDiskAsync, WriteCondition.IfAbsent, Cancel));

        Assert.Equal("No space left on device", failure.Message);
        Assert.Equal("old", await TextAsync("big"));
        Assert.Equal(["big"], (await ListAsync("")).Select(blob => blob.Name));
        Assert.False(await Store.ExistsAsync("new/deep/blob", Cancel));
        Assert.NotNull(await WriteAsync("new/deep/blob", "x", WriteCondition.IfAbsent));

        async Task FillDiskAsync(Stream stream, CancellationToken token)
        {
            await stream.WriteAsync(new byte[length], token);
            throw new IOException("No space left on device");
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(Large)]
    public async Task NothingIsSeenBeforeAWriteIsWhole(int half)
    {
        var bytes = Made(1, half);
        var written = await Store.TryWriteStreamAsync("a/blob", async (stream, token) =>
        {
            await stream.WriteAsync(bytes, token);
            await stream.FlushAsync(token);
            Assert.Null(await Store.ReadAsync("a/blob", token));
            Assert.False(await Store.ExistsAsync("a/blob", token));
            Assert.Empty(await ListAsync(""));
            stream.Write(bytes);
        }, WriteCondition.IfAbsent, Cancel);

        Assert.True(written);
        await AssertHoldsAsync("a/blob", [.. bytes, .. bytes]);
    }

    [Fact]
    public async Task AWriteThatIsCancelledLeavesTheNameAsItWas()
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.TryWriteStreamAsync("x", async (stream, token) =>
        {
            await stream.WriteAsync(Made(1, Large), token);
            await source.CancelAsync();
            token.ThrowIfCancellationRequested();
        }, WriteCondition.Any, source.Token));
        Assert.Empty(await ListAsync(""));
    }

    [Fact]
    public async Task AnOpenStreamKeepsWhatItOpened()
    {
        await WriteAsync("x", "old", WriteCondition.Any);
        await using var stream = await Store.OpenReadAsync("x", Cancel);
        await WriteAsync("x", "new!", WriteCondition.Any);
        using var reader = new StreamReader(stream!);
        Assert.Equal("old", await reader.ReadToEndAsync(Cancel));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ALargeOpenStreamNeverMixesContents(bool deleted)
    {
        await WriteStreamAsync("x", 1, Large, WriteCondition.Any);
        await using var stream = await Store.OpenReadAsync("x", Cancel);
        if (deleted)
        {
            await Store.DeleteAsync("x", Cancel);
        }
        else
        {
            await WriteStreamAsync("x", 2, Large, WriteCondition.Any);
        }

        var read = new byte[Large];
        try
        {
            await stream!.ReadExactlyAsync(read, Cancel);
        }
        catch (IOException e)
        {
            Assert.Contains("was replaced or deleted", e.Message, StringComparison.Ordinal);
            return;
        }

        Assert.True(read.AsSpan().SequenceEqual(Made(1, Large)));
    }

    [Fact]
    public async Task ALargeStreamCanBeReadFromAnywhere()
    {
        var bytes = Made(1, Large);
        await WriteStreamAsync("x", 1, Large, WriteCondition.Any);
        await using var stream = (await Store.OpenReadAsync("x", Cancel))!;
        Assert.Equal(Large, stream.Length);
        Assert.True(stream is { CanSeek: true, CanRead: true, CanWrite: false });
        foreach (var (at, count) in new[] { (Large - 10, 100), (0, 10), ((4 << 20) - 5, 10), (3, Large), (5 << 20, 4 << 20), (Large, 1) })
        {
            stream.Position = at;
            var read = new byte[count];
            var got = await stream.ReadAtLeastAsync(read, count, throwOnEndOfStream: false, Cancel);
            Assert.True(read.AsSpan(0, got).SequenceEqual(bytes.AsSpan(at, Math.Min(count, Large - at))), $"{count} bytes from {at}");
        }

        stream.Seek(-7, SeekOrigin.End);
        stream.Seek(2, SeekOrigin.Current);
        Assert.Equal(bytes[^5], stream.ReadByte());
        stream.Position = Large - 3;
        var end = new byte[3];
        stream.ReadExactly(end);
        Assert.Equal(bytes[^3..], end);
        Assert.Equal(-1, stream.ReadByte());
    }

    [Fact]
    public async Task ListingIsByPrefixInOrderWithLengths()
    {
        string[] names = ["runs/b/1", "runs/a/10", "runs/a/2", "runs/ab/1", "z", "runs/a-b", "runs/A", "runs/a.b/1", "runs/a_b"];
        foreach (var name in names)
        {
            await WriteAsync(name, name, WriteCondition.Any);
        }

        Assert.Equal(["runs/a/10", "runs/a/2"], (await ListAsync("runs/a/")).Select(blob => blob.Name));
        Assert.Equal(names.Where(name => name.StartsWith("runs/a", StringComparison.Ordinal)).Order(StringComparer.Ordinal), (await ListAsync("runs/a")).Select(blob => blob.Name));
        Assert.Equal(names.Order(StringComparer.Ordinal), (await ListAsync("")).Select(blob => blob.Name));
        Assert.Equal(9, (await ListAsync("runs/a/1")).Single().Length);
        Assert.Empty(await ListAsync("nothing/here/"));
    }

    [Fact]
    public async Task FoldersAreListedWithoutWhatLiesInThem()
    {
        foreach (var name in new[] { "runs/b/run.json", "runs/b/deep/down/x", "runs/a-b/x/y", "runs/a/x", "runs/file", "runsome/c/x", "top" })
        {
            await WriteAsync(name, "x", WriteCondition.Any);
        }

        Assert.Equal(["a", "a-b", "b"], await Store.ListFoldersAsync("runs/", Cancel));
        Assert.Equal(["deep"], await Store.ListFoldersAsync("runs/b/", Cancel));
        Assert.Equal(["runs", "runsome"], await Store.ListFoldersAsync("", Cancel));
        Assert.Empty(await Store.ListFoldersAsync("runs/a/", Cancel));
        Assert.Empty(await Store.ListFoldersAsync("nothing/", Cancel));
        await Store.DeleteAsync("runs/a-b/x/y", Cancel);
        Assert.Equal(["a", "b"], await Store.ListFoldersAsync("runs/", Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.ListFoldersAsync("runs", Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.ListFoldersAsync("../", Cancel));
    }

    [Fact]
    public async Task TheLongestNameIsANameToo()
    {
        var name = string.Join('/', Enumerable.Repeat(new string('n', 100), 5)) + "/seven.7";
        Assert.Equal(BlobName.MaximumLength, name.Length);
        Assert.NotNull(await WriteAsync(name, "x", WriteCondition.IfAbsent));
        Assert.Equal([name], (await ListAsync(name[..300])).Select(blob => blob.Name));
        await Store.DeleteAsync(name, Cancel);
        Assert.False(await Store.ExistsAsync(name, Cancel));
    }

    [Fact]
    public async Task DeletesAndWritesOfOneFolderDoNotDisturbEachOther()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; i < 20; i++)
            {
                var name = $"deep/folder/{worker}";
                await WriteAsync(name, "x", WriteCondition.Any);
                await Store.DeleteAsync(name, Cancel);
            }
        }, Cancel)));
        Assert.Empty(await ListAsync(""));
    }

    [Fact]
    public async Task TheClockIsTheOneThatStampsBlobs()
    {
        var before = await Store.ReadClockAsync(Cancel);
        await WriteAsync("x", "1", WriteCondition.Any);
        var after = await Store.ReadClockAsync(Cancel);
        var stamp = (await Store.ReadAsync("x", Cancel))!.LastModified;
        Assert.InRange(stamp, before, after);
        Assert.Equal(stamp, (await ListAsync("x")).Single().LastModified);
    }

    [Fact]
    public async Task NamesThatLeaveTheRootAreRefusedByEveryCall()
    {
        const string Name = "../outside";
        await Assert.ThrowsAsync<ArgumentException>(() => Store.ReadAsync(Name, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.OpenReadAsync(Name, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => WriteAsync(Name, "", WriteCondition.Any));
        await Assert.ThrowsAsync<ArgumentException>(() => WriteStreamAsync(Name, 1, 1, WriteCondition.Any));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.ExistsAsync(Name, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.DeleteAsync(Name, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => ListAsync(Name));
    }

    [Fact]
    public async Task OfManyAtOnceExactlyOneWinsEachRound()
    {
        IBlobStore[] stores = [Open(), Open()];
        string? etag = null;
        for (var round = 0; round < 25; round++)
        {
            var condition = etag is null ? WriteCondition.IfAbsent : WriteCondition.IfMatch(etag);
            var replies = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(
                () => stores[i % 2].TryWriteAsync("head.json", Encoding.UTF8.GetBytes($"{round} {i}"), condition, Cancel), Cancel)));
            etag = Assert.Single(replies, reply => reply is not null);
            Assert.Equal(etag, (await stores[0].ReadAsync("head.json", Cancel))!.ETag);
        }
    }

    [Fact]
    public async Task OfManyStreamsAtOnceExactlyOneWins()
    {
        IBlobStore[] stores = [Open(), Open()];
        var won = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(
            () => stores[i % 2].TryWriteStreamAsync("x", (stream, token) => stream.WriteAsync(Made(i, Large), token).AsTask(), WriteCondition.IfAbsent, Cancel), Cancel)));
        var winner = Assert.Single(won.Index(), reply => reply.Item).Index;
        await AssertHoldsAsync("x", Made(winner, Large));
    }

    [Fact]
    public async Task NoIncrementIsLost()
    {
        IBlobStore[] stores = [Open(), Open()];
        await stores[0].TryWriteAsync("count", "0"u8.ToArray(), WriteCondition.IfAbsent, Cancel);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(() => CountAsync(stores[worker % 2], 25), Cancel)));
        Assert.Equal("100", Encoding.UTF8.GetString((await stores[1].ReadAsync("count", Cancel))!.Bytes));
    }

    internal static byte[] Made(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private protected async Task<string?> WriteAsync(string name, string text, WriteCondition condition) =>
        await Store.TryWriteAsync(name, Encoding.UTF8.GetBytes(text), condition, Cancel);

    private protected Task<bool> WriteStreamAsync(string name, int seed, int length, WriteCondition condition) =>
        Store.TryWriteStreamAsync(name, (stream, token) => stream.WriteAsync(Made(seed, length), token).AsTask(), condition, Cancel);

    private protected async Task<string> TextAsync(string name) => Encoding.UTF8.GetString((await Store.ReadAsync(name, Cancel))!.Bytes);

    private protected async Task AssertHoldsAsync(string name, byte[] bytes) =>
        Assert.True((await Store.ReadAsync(name, Cancel))!.Bytes.AsSpan().SequenceEqual(bytes), $"{name} holds other bytes");

    private protected virtual async Task<List<BlobInfo>> ListAsync(string prefix) => await Store.ListAsync(prefix, Cancel).ToListAsync(Cancel);

    private static async Task CountAsync(IBlobStore store, int times)
    {
        while (times > 0)
        {
            var now = (await store.ReadAsync("count", Cancel))!;
            var next = int.Parse(Encoding.UTF8.GetString(now.Bytes), CultureInfo.InvariantCulture) + 1;
            var bytes = Encoding.UTF8.GetBytes(next.ToString(CultureInfo.InvariantCulture));
            if (await store.TryWriteAsync("count", bytes, WriteCondition.IfMatch(now.ETag), Cancel) is not null)
            {
                times--;
            }
        }
    }
}

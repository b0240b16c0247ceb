using System.Text;

namespace Ddm.Storage.Tests;

public sealed class FileBlobStoreTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly FileBlobStore _store;

    public FileBlobStoreTests() => _store = new FileBlobStore(_folder.Path);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task WhatIsWrittenIsRead()
    {
        var etag = await WriteAsync("a/b/c.json", "hello", WriteCondition.Any);

        var content = await _store.ReadAsync("a/b/c.json", Cancel);
        Assert.Equal("hello"u8.ToArray(), content!.Bytes);
        Assert.Equal(etag, content.ETag);
        await using var stream = await _store.OpenReadAsync("a/b/c.json", Cancel);
        Assert.Equal(5, stream!.Length);
        Assert.True(await _store.ExistsAsync("a/b/c.json", Cancel));
    }

    [Fact]
    public async Task WhatIsAbsentIsNullOnANewRootToo()
    {
        Assert.Null(await _store.ReadAsync("a/b", Cancel));
        Assert.Null(await _store.OpenReadAsync("a/b", Cancel));
        Assert.False(await _store.ExistsAsync("a/b", Cancel));
        Assert.Empty(await ListAsync(""));
        await _store.DeleteAsync("a/b", Cancel);
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
        Assert.False(await _store.ExistsAsync("absent", Cancel));
    }

    [Fact]
    public async Task AFailingWriterLeavesTheOldBlobAndNoFile()
    {
        await WriteAsync("big", "old", WriteCondition.Any);
        var before = Files();

        var failure = await Assert.ThrowsAsync<IOException>(() => _store.TryWriteStreamAsync("big", FillDiskAsync, WriteCondition.Any, Cancel));
        await Assert.ThrowsAsync<IOException>(() => _store.TryWriteStreamAsync("new/deep/blob", FillDiskAsync, WriteCondition.IfAbsent, Cancel));

        Assert.Equal("No space left on device", failure.Message);
        Assert.Equal("old", await TextAsync("big"));
        Assert.Equal(before, Files());

        static async Task FillDiskAsync(Stream stream, CancellationToken token)
        {
            await stream.WriteAsync(new byte[3 << 20], token);
            throw new IOException("No space left on device");
        }
    }

    [Fact]
    public async Task NothingIsSeenBeforeAWriteIsWhole()
    {
        var before = Files();
        var written = await _store.TryWriteStreamAsync("a/blob", async (stream, token) =>
        {
            await stream.WriteAsync("half"u8.ToArray(), token);
            await stream.FlushAsync(token);
            Assert.Null(await _store.ReadAsync("a/blob", token));
            Assert.Empty(await ListAsync(""));
            await stream.WriteAsync("half"u8.ToArray(), token);
        }, WriteCondition.IfAbsent, Cancel);

        Assert.True(written);
        Assert.Equal("halfhalf", await TextAsync("a/blob"));
        Assert.Equal(["a/blob"], Files().Except(before).Where(file => !file.StartsWith(".locks", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task AnOpenStreamKeepsWhatItOpened()
    {
        await WriteAsync("x", "old", WriteCondition.Any);
        await using var stream = await _store.OpenReadAsync("x", Cancel);
        await WriteAsync("x", "new!", WriteCondition.Any);
        using var reader = new StreamReader(stream!);
        Assert.Equal("old", await reader.ReadToEndAsync(Cancel));
    }

    [Fact]
    public async Task ListingIsByPrefixInOrderWithLengths()
    {
        foreach (var name in new[] { "runs/b/1", "runs/a/10", "runs/a/2", "runs/ab/1", "z" })
        {
            await WriteAsync(name, name, WriteCondition.Any);
        }

        Assert.Equal(["runs/a/10", "runs/a/2"], (await ListAsync("runs/a/")).Select(blob => blob.Name));
        Assert.Equal(["runs/a/10", "runs/a/2", "runs/ab/1"], (await ListAsync("runs/a")).Select(blob => blob.Name));
        Assert.Equal(5, (await ListAsync("")).Count);
        Assert.Equal(9, (await ListAsync("runs/a/1")).Single().Length);
        Assert.Empty(await ListAsync("nothing/here/"));
    }

    [Fact]
    public async Task ADeletedBlobTakesItsEmptyFoldersAlong()
    {
        await WriteAsync("runs/a/1", "x", WriteCondition.Any);
        await WriteAsync("runs/b/c/1", "x", WriteCondition.Any);
        await _store.DeleteAsync("runs/b/c/1", Cancel);
        Assert.False(Directory.Exists(Path.Combine(_folder.Path, "runs", "b")));
        Assert.True(await _store.ExistsAsync("runs/a/1", Cancel));
    }

    [Fact]
    public async Task DeletesAndWritesOfOneFolderDoNotDisturbEachOther()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; i < 40; i++)
            {
                var name = $"deep/folder/{worker}";
                await WriteAsync(name, "x", WriteCondition.Any);
                await _store.DeleteAsync(name, Cancel);
            }
        }, Cancel)));
        Assert.Empty(await ListAsync(""));
    }

    [Fact]
    public async Task LeftoversOfCrashesAreSweptAndWorkInProgressIsNot()
    {
        await WriteAsync("a/blob", "x", WriteCondition.Any);
        var old = Leftover("a/blob~999-1", TimeSpan.FromHours(2));
        var young = Leftover("a/blob~999-2", TimeSpan.FromMinutes(5));
        var live = Leftover("a/blob~999-3", TimeSpan.FromHours(2));
        await using var writer = new FileStream(live, FileMode.Open, FileAccess.ReadWrite, FileShare.None);

        Assert.Equal(["a/blob"], (await ListAsync("")).Select(blob => blob.Name));
        await new FileBlobStore(_folder.Path).TryWriteAsync("other", "y"u8.ToArray(), WriteCondition.Any, Cancel);

        Assert.False(File.Exists(old));
        Assert.True(File.Exists(young));
        Assert.True(File.Exists(live));
    }

    [Fact]
    public async Task TheClockIsTheOneThatStampsBlobs()
    {
        var before = await _store.ReadClockAsync(Cancel);
        await WriteAsync("x", "1", WriteCondition.Any);
        var after = await _store.ReadClockAsync(Cancel);
        var stamp = (await _store.ReadAsync("x", Cancel))!.LastModified;
        Assert.InRange(stamp, before, after);
        Assert.Equal(stamp, (await ListAsync("x")).Single().LastModified);
    }

    [Fact]
    public async Task NamesThatLeaveTheRootAreRefusedByEveryCall()
    {
        const string Name = "../outside";
        await Assert.ThrowsAsync<ArgumentException>(() => _store.ReadAsync(Name, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => _store.OpenReadAsync(Name, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => WriteAsync(Name, "", WriteCondition.Any));
        await Assert.ThrowsAsync<ArgumentException>(() => _store.ExistsAsync(Name, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => _store.DeleteAsync(Name, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => ListAsync(Name));
    }

    private async Task<string?> WriteAsync(string name, string text, WriteCondition condition) =>
        await _store.TryWriteAsync(name, Encoding.UTF8.GetBytes(text), condition, Cancel);

    private async Task<string> TextAsync(string name) => Encoding.UTF8.GetString((await _store.ReadAsync(name, Cancel))!.Bytes);

    private async Task<List<BlobInfo>> ListAsync(string prefix) => await _store.ListAsync(prefix, Cancel).ToListAsync(Cancel);

    private string Leftover(string name, TimeSpan age)
    {
        var path = Path.Combine(_folder.Path, name);
        File.WriteAllText(path, "half a blob");
        File.SetLastWriteTimeUtc(path, File.GetLastWriteTimeUtc(path) - age);
        return path;
    }

    private string[] Files() =>
        [.. Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(_folder.Path, path)).Order(StringComparer.Ordinal)];
}

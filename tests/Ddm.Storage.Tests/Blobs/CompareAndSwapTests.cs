using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Ddm.Storage.Tests;

public sealed class CompareAndSwapTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task OfManyAtOnceExactlyOneWinsEachRound()
    {
        FileBlobStore[] stores = [new(_folder.Path), new(_folder.Path)];
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
    public async Task NoIncrementIsLost()
    {
        FileBlobStore[] stores = [new(_folder.Path), new(_folder.Path)];
        await stores[0].TryWriteAsync("count", "0"u8.ToArray(), WriteCondition.IfAbsent, Cancel);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(() => CountAsync(stores[worker % 2], 25), Cancel)));
        Assert.Equal("100", Encoding.UTF8.GetString((await stores[1].ReadAsync("count", Cancel))!.Bytes));
    }

    [Fact]
    public async Task AWaitForTheLockCanBeCancelled()
    {
        var store = new FileBlobStore(_folder.Path);
        await store.TryWriteAsync("x", "1"u8.ToArray(), WriteCondition.Any, Cancel);
        var held = HoldEveryLock();
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var waiting = store.TryWriteAsync("x", "2"u8.ToArray(), WriteCondition.Any, source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        held.ForEach(file => file.Dispose());
        Assert.Equal("1"u8.ToArray(), (await store.ReadAsync("x", Cancel))!.Bytes);
        Assert.Single(Directory.EnumerateFiles(_folder.Path));
    }

    [Fact]
    public async Task ALockDiesWithItsProcess()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/flock"), "needs flock(1), a second process that takes the same lock");
        var store = new FileBlobStore(_folder.Path);
        await store.TryWriteAsync("x", "1"u8.ToArray(), WriteCondition.Any, Cancel);
        var path = LockFiles().Single();
        using var other = Process.Start(new ProcessStartInfo("/usr/bin/flock", ["--no-fork", path, "sh", "-c", "echo held; exec sleep 60"]) { RedirectStandardOutput = true })!;
        Assert.Equal("held", await other.StandardOutput.ReadLineAsync(Cancel));
        Assert.Null(FileLock.TryAcquire(path));

        var waiting = store.TryWriteAsync("x", "2"u8.ToArray(), WriteCondition.Any, Cancel);
        Assert.False(waiting.IsCompleted);
        other.Kill();

        Assert.NotNull(await waiting);
    }

    private static async Task CountAsync(FileBlobStore store, int times)
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

    private IEnumerable<string> LockFiles() => Directory.EnumerateFiles(Path.Combine(_folder.Path, ".locks"), "blob-*.lock");

    private List<FileStream> HoldEveryLock() => [.. LockFiles().Select(path => FileLock.TryAcquire(path)!)];
}

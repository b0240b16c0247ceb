using System.Diagnostics;

namespace Ddm.Storage.Tests;

public sealed class FileLockTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

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

    private IEnumerable<string> LockFiles() => Directory.EnumerateFiles(Path.Combine(_folder.Path, ".locks"), "blob-*.lock");

    private List<FileStream> HoldEveryLock() => [.. LockFiles().Select(path => FileLock.TryAcquire(path)!)];
}

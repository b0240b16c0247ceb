namespace Ddm.Storage.Tests;

public sealed class FileBlobStoreTests : BlobStoreContract, IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task AFailingWriterLeavesNoFile()
    {
        await WriteAsync("big", "old", WriteCondition.Any);
        var before = Files();
        await Assert.ThrowsAsync<IOException>(() => Store.TryWriteStreamAsync("big", FillDiskAsync, WriteCondition.Any, Cancel));
        await Assert.ThrowsAsync<IOException>(() => Store.TryWriteStreamAsync("new/deep/blob", FillDiskAsync, WriteCondition.IfAbsent, Cancel));
        Assert.Equal(before, Files());

        static async Task FillDiskAsync(Stream stream, CancellationToken token)
        {
            await stream.WriteAsync(new byte[3 << 20], token);
            throw new IOException("No space left on device");
        }
    }

    [Fact]
    public async Task AWriteLeavesItsBlobAndNothingElse()
    {
        await WriteAsync("a/blob", "x", WriteCondition.IfAbsent);
        Assert.Equal(["a/blob"], Files().Where(file => !file.StartsWith(".locks", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task ADeletedBlobTakesItsEmptyFoldersAlong()
    {
        await WriteAsync("runs/a/1", "x", WriteCondition.Any);
        await WriteAsync("runs/b/c/1", "x", WriteCondition.Any);
        await Store.DeleteAsync("runs/b/c/1", Cancel);
        Assert.False(Directory.Exists(Path.Combine(_folder.Path, "runs", "b")));
        Assert.True(await Store.ExistsAsync("runs/a/1", Cancel));
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
        await Open().TryWriteAsync("other", "y"u8.ToArray(), WriteCondition.Any, Cancel);

        Assert.False(File.Exists(old));
        Assert.True(File.Exists(young));
        Assert.True(File.Exists(live));
    }

    private protected override FileBlobStore Open() => new(_folder.Path);

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

using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>
/// Blobs as files under one folder, shared by any number of processes. A write is temp file -> fsync -> rename -> fsync of the folder, so after a
/// crash or power cut a name holds its old content or its new content, whole. Conditional writes are serialised by operating-system
/// locks under <c>.locks</c>, which die with their process. ETag = SHA-256 of the content. A full or read-only disk is a
/// <see cref="UserErrorException"/> that names the file and the remedy.
/// </summary>
/// <param name="root">The folder; created on the first write.</param>
public sealed class FileBlobStore(string root) : IBlobStore
{
    private const int LockFiles = 64;
    private const int BufferSize = 1 << 20;
    private static readonly TimeSpan LeftoverAge = TimeSpan.FromHours(1);

    private readonly string _root = Path.GetFullPath(root);
    private readonly Lock _preparing = new();
    private bool _prepared;

    private string LockFolder => Path.Combine(_root, ".locks");

    /// <inheritdoc/>
    public async Task<BlobContent?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        await using var stream = Open(PathOf(name), bufferSize: 1);
        if (stream is null)
        {
            return null;
        }

        var bytes = new byte[stream.Length];
        await stream.ReadExactlyAsync(bytes, cancellationToken);
        return new BlobContent(bytes, Sha256.Of(bytes), File.GetLastWriteTimeUtc(stream.SafeFileHandle));
    }

    /// <inheritdoc/>
    public Task<Stream?> OpenReadAsync(string name, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult<Stream?>(Open(PathOf(name), BufferSize));
    }

    /// <inheritdoc/>
    public async Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken)
    {
        var written = await WriteAsync(name, (stream, token) => stream.WriteAsync(content, token).AsTask(), bufferSize: 1, condition, cancellationToken);
        return written ? Sha256.Of(content.Span) : null;
    }

    /// <inheritdoc/>
    public Task<bool> TryWriteStreamAsync(
        string name, Func<Stream, CancellationToken, Task> write, WriteCondition condition, CancellationToken cancellationToken) =>
        WriteAsync(name, write, BufferSize, condition, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> ExistsAsync(string name, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(File.Exists(PathOf(name)));
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        var path = PathOf(name);
        if (!File.Exists(path))
        {
            return;
        }

        try
        {
            await DeleteFileAsync(name, path, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && WriteFault.ForPeople(e, _root, path) is { } error)
        {
            throw error;
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<BlobInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var (name, file) in Enumerate(BlobName.CheckPrefix(prefix)).OrderBy(found => found.Name, StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            BlobInfo info;
            try
            {
                info = new BlobInfo(name, file.Length, file.LastWriteTimeUtc);
            }
            catch (FileNotFoundException)
            {
                continue; // deleted since
            }

            yield return info;
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ListFoldersAsync(string folder, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var parent = new DirectoryInfo(Path.Combine(_root, BlobName.CheckFolder(folder)));
        return Task.FromResult<IReadOnlyList<string>>(!parent.Exists ? [] :
        [
            // One whose last blob is being deleted, or whose first is not whole yet, is there without holding any.
            .. parent.EnumerateDirectories().Select(found => found.Name).Where(name => BlobName.IsSegment(name) && Enumerate($"{folder}{name}/").Any()).Order(StringComparer.Ordinal),
        ]);
    }

    /// <inheritdoc/>
    public Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(ReadClock());
    }

    /// <summary>Files that crashed writers left: an hour old by the store's clock, and locked by nobody. The first write of a process deletes them too.</summary>
    /// <returns>Each as a path relative to the folder, with its length; none where there is no such folder.</returns>
    public IReadOnlyList<BlobInfo> FindLeftovers() => !Directory.Exists(_root) ? [] :
    [
        .. TemporaryFile.Find(_root, ReadClock(), LeftoverAge)
            .Select(file => new BlobInfo(Path.GetRelativePath(_root, file.FullName).Replace(Path.DirectorySeparatorChar, '/'), file.Length, file.LastWriteTimeUtc)),
    ];

    /// <summary>Deletes what <see cref="FindLeftovers"/> finds.</summary>
    public void RemoveLeftovers()
    {
        if (Directory.Exists(_root))
        {
            TemporaryFile.Sweep(_root, ReadClock(), LeftoverAge);
        }
    }

    private async Task<bool> WriteAsync(
        string name, Func<Stream, CancellationToken, Task> write, int bufferSize, WriteCondition condition, CancellationToken cancellationToken)
    {
        try
        {
            return await WriteFileAsync(name, write, bufferSize, condition, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && WriteFault.ForPeople(e, _root, PathOf(name)) is { } error)
        {
            throw error;
        }
    }

    private async Task<bool> WriteFileAsync(
        string name, Func<Stream, CancellationToken, Task> write, int bufferSize, WriteCondition condition, CancellationToken cancellationToken)
    {
        var path = PathOf(name);
        cancellationToken.ThrowIfCancellationRequested();
        if (condition.RequiresAbsent && File.Exists(path))
        {
            return false;
        }

        Prepare();
        using var temporary = TemporaryFile.Create(path, bufferSize);
        await write(new EarlyWriteback(temporary.Stream), cancellationToken);
        await temporary.SealAsync(cancellationToken);

        // Unconditional writes take the lock too: one must not slip between another's comparison and its swap.
        await using var held = await FileLock.AcquireAsync(LockPathOf(name), cancellationToken);
        if (!condition.HoldsFor(await CurrentETagAsync(path, condition, cancellationToken)))
        {
            return false;
        }

        temporary.Publish(path);
        return true;
    }

    private async Task DeleteFileAsync(string name, string path, CancellationToken cancellationToken)
    {
        Prepare();
        await using var held = await FileLock.AcquireAsync(LockPathOf(name), cancellationToken);
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            return;
        }

        RemoveEmptyFolders(Path.GetDirectoryName(path)!);
    }

    private static async Task<string?> CurrentETagAsync(string path, WriteCondition condition, CancellationToken cancellationToken)
    {
        if (condition.MatchETag is null)
        {
            return File.Exists(path) ? "present" : null;
        }

        await using var stream = Open(path, bufferSize: 1);
        return stream is null ? null : ETagOf(await SHA256.HashDataAsync(stream, cancellationToken));
    }

    private IEnumerable<(string Name, FileInfo File)> Enumerate(string prefix)
    {
        var folder = new DirectoryInfo(Path.Combine(_root, prefix[..(prefix.LastIndexOf('/') + 1)]));
        IEnumerable<FileInfo> files;
        try
        {
            files = folder.EnumerateFiles("*", SearchOption.AllDirectories);
        }
        catch (DirectoryNotFoundException)
        {
            yield break; // also one that goes with its last blob just now
        }

        foreach (var file in files)
        {
            var name = Path.GetRelativePath(_root, file.FullName).Replace(Path.DirectorySeparatorChar, '/');
            if (name.StartsWith(prefix, StringComparison.Ordinal) && BlobName.IsValid(name))
            {
                yield return (name, file);
            }
        }
    }

    private static FileStream? Open(string path, int bufferSize)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private void Prepare()
    {
        lock (_preparing)
        {
            if (_prepared)
            {
                return;
            }

            DurableFolder.Create(LockFolder);
            FileLock.EnsureSupported(LockFolder);
            TemporaryFile.Sweep(_root, ReadClock(), LeftoverAge);
            _prepared = true;
        }
    }

    private DateTimeOffset ReadClock()
    {
        // A write stamps the file with the file system's time, which on a network mount is not this machine's.
        DurableFolder.Create(LockFolder);
        var path = Path.Combine(LockFolder, "clock");
        using (var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite, bufferSize: 1))
        {
            stream.WriteByte((byte)'.');
        }

        return File.GetLastWriteTimeUtc(path);
    }

    private void RemoveEmptyFolders(string folder)
    {
        try
        {
            for (; folder.Length > _root.Length && !Directory.EnumerateFileSystemEntries(folder).Any(); folder = Path.GetDirectoryName(folder)!)
            {
                Directory.Delete(folder, recursive: false);
            }
        }
        catch (IOException)
        {
            // somebody is writing there again
        }
    }

    private string PathOf(string name) => Path.Combine(_root, BlobName.Check(name).Replace('/', Path.DirectorySeparatorChar));

    private string LockPathOf(string name)
    {
        var bucket = SHA256.HashData(Encoding.UTF8.GetBytes(name))[0] % LockFiles;
        return Path.Combine(LockFolder, string.Create(CultureInfo.InvariantCulture, $"blob-{bucket:x2}.lock"));
    }

    private static string ETagOf(ReadOnlySpan<byte> sha256) => Convert.ToHexStringLower(sha256);
}

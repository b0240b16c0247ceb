using System.Globalization;

namespace Ddm.Storage;

/// <summary>
/// A file on its way to become a blob, beside the blob's own place so that one rename publishes it. Its name holds a character no blob name
/// may have, so it is never taken for a blob; its writer's lock dies with the writer, which is how leftovers are told from work in progress.
/// </summary>
internal sealed class TemporaryFile : IDisposable
{
    private const char Mark = '~';
    private static long s_counter;

    private bool _published;

    private TemporaryFile(string path, FileStream stream)
    {
        Path = path;
        Stream = stream;
    }

    public string Path { get; }

    public FileStream Stream { get; }

    /// <summary>Creates the file, and its folder where that is missing.</summary>
    public static TemporaryFile Create(string target, int bufferSize)
    {
        var folder = System.IO.Path.GetDirectoryName(target)!;
        for (var attempt = 0; ; attempt++)
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{target}{Mark}{Environment.ProcessId}-{Interlocked.Increment(ref s_counter)}");
            try
            {
                DurableFolder.Create(folder);
                return new TemporaryFile(path, new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize));
            }
            catch (IOException e) when (attempt < 100 && (e is DirectoryNotFoundException or FileNotFoundException || File.Exists(path) || !Directory.Exists(folder)))
            {
                // the name was left by a dead process of our number, or a delete took the emptied folder away under us: next name, new folder
            }
        }
    }

    /// <summary>Writes the content through to the disk: only then may the name point to it.</summary>
    public async Task SealAsync(CancellationToken cancellationToken)
    {
        await Stream.FlushAsync(cancellationToken);
        RandomAccess.FlushToDisk(Stream.SafeFileHandle);
        await Stream.DisposeAsync();
    }

    /// <summary>As <see cref="SealAsync"/>, on this thread.</summary>
    public void Seal()
    {
        Stream.Flush(flushToDisk: true);
        Stream.Dispose();
    }

    /// <summary>Gives the sealed file its final name, in one step, replacing what was there, on disk when this returns.</summary>
    public void Publish(string target)
    {
        File.Move(Path, target, overwrite: true);
        _published = true;
        DurableFolder.Flush(System.IO.Path.GetDirectoryName(target)!);
    }

    public void Dispose()
    {
        try
        {
            // may have to write a buffer to a full disk: what is given up need not be whole
            Stream.Dispose();
        }
        catch (IOException)
        {
        }

        if (!_published)
        {
            TryDelete(Path);
        }
    }

    /// <summary>Deletes what crashed writers left anywhere under <paramref name="root"/>: see <see cref="Find"/>.</summary>
    public static void Sweep(string root, DateTimeOffset now, TimeSpan minimumAge)
    {
        foreach (var file in Find(root, now, minimumAge))
        {
            TryDelete(file.FullName);
        }
    }

    /// <summary>What crashed writers left: older than <paramref name="minimumAge"/> and locked by nobody.</summary>
    public static IEnumerable<FileInfo> Find(string root, DateTimeOffset now, TimeSpan minimumAge)
    {
        foreach (var file in new DirectoryInfo(root).EnumerateFiles($"*{Mark}*", SearchOption.AllDirectories))
        {
            if (IsLeft(file, now, minimumAge))
            {
                yield return file;
            }
        }
    }

    private static bool IsLeft(FileInfo file, DateTimeOffset now, TimeSpan minimumAge)
    {
        if (now - file.LastWriteTimeUtc < minimumAge)
        {
            return false;
        }

        try
        {
            using var unused = FileLock.TryAcquire(file.FullName, FileMode.Open);
            return unused is not null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // published or swept by another meanwhile, or not ours to touch: a leftover costs space, never truth
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // the next sweep finds it
        }
    }
}

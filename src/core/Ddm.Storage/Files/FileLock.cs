namespace Ddm.Storage;

/// <summary>
/// A lock that the operating system keeps on a file: exclusive among processes and inside one, and gone with the process that held it,
/// however it died. The file itself stays.
/// </summary>
internal static class FileLock
{
    private const int LongestWaitMilliseconds = 16;

    /// <summary>Waits until the lock is free and takes it; disposing the stream gives it back.</summary>
    public static async Task<FileStream> AcquireAsync(string path, CancellationToken cancellationToken)
    {
        for (var wait = 1; ; wait = Math.Min(wait * 2, LongestWaitMilliseconds))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (TryAcquire(path) is { } held)
            {
                return held;
            }

            await Task.Delay(wait, cancellationToken);
        }
    }

    /// <summary>Takes the lock, or returns null at once where another holds it.</summary>
    public static FileStream? TryAcquire(string path, FileMode mode = FileMode.OpenOrCreate)
    {
        try
        {
            return new FileStream(path, mode, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
        }
        catch (IOException e) when (IsHeldElsewhere(e))
        {
            return null;
        }
    }

    /// <summary>
    /// Proves that locks exclude each other in <paramref name="folder"/>: some network file systems, and .NET with file locking switched off, ignore
    /// them.
    /// </summary>
    /// <exception cref="IOException">They do not.</exception>
    public static void EnsureSupported(string folder)
    {
        // Whoever else holds the probe right now proves the same thing.
        using var first = TryAcquire(Path.Combine(folder, "probe.lock"));
        using var second = first is null ? null : TryAcquire(Path.Combine(folder, "probe.lock"));
        if (second is not null)
        {
            throw new IOException(
                $"File locks have no effect in '{folder}', so compare-and-swap cannot be kept there. Put the blobs on a file system with locks, "
                + "and unset DOTNET_SYSTEM_IO_DISABLEFILELOCKING.");
        }
    }

    private static bool IsHeldElsewhere(IOException e)
    {
        const int LinuxWouldBlock = 11;
        const int MacWouldBlock = 35;
        const int WindowsSharingViolation = unchecked((int)0x80070020);
        const int WindowsLockViolation = unchecked((int)0x80070021);
        return OperatingSystem.IsWindows() ? e.HResult is WindowsSharingViolation or WindowsLockViolation : e.HResult is LinuxWouldBlock or MacWouldBlock;
    }
}

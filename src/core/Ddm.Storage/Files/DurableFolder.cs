using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Ddm.Storage;

/// <summary>Folders whose entries survive a power cut: a rename is on disk only once its folder is (fsync(2)).</summary>
internal static partial class DurableFolder
{
    private const int ReadOnly = 0;
    private const int NoSuchFolder = 2; // ENOENT
    private const int NotSupported = 22; // EINVAL: a file system without anything to flush for a folder

    /// <summary>Creates a folder and those above it, each on disk before this returns.</summary>
    public static void Create(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }

        var parent = Path.GetDirectoryName(folder);
        if (!string.IsNullOrEmpty(parent))
        {
            Create(parent);
        }

        Directory.CreateDirectory(folder);
        if (!string.IsNullOrEmpty(parent))
        {
            Flush(parent);
        }
    }

    /// <summary>Writes the folder's entries through to the disk. Windows journals them itself.</summary>
    /// <exception cref="DirectoryNotFoundException">It is gone.</exception>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var descriptor = open(folder, ReadOnly);
        if (descriptor < 0)
        {
            throw Failed("open", folder);
        }

        try
        {
            if (fsync(descriptor) != 0 && Marshal.GetLastPInvokeError() != NotSupported)
            {
                throw Failed("fsync", folder);
            }
        }
        finally
        {
            _ = close(descriptor);
        }
    }

    private static IOException Failed(string call, string folder)
    {
        var error = Marshal.GetLastPInvokeError();
        var message = $"{call}('{folder}') failed: {new Win32Exception(error).Message}";
        return error == NoSuchFolder ? new DirectoryNotFoundException(message) : new IOException(message);
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int fsync(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int close(int descriptor);
}

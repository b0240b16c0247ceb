using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Ddm.Tensors;

/// <summary>Loads a native library from bytes, through an anonymous file of Linux (memfd): it has no name that anyone could guess or replace.</summary>
internal static partial class MemoryFile
{
    private const uint CloseOnExec = 1;

    /// <exception cref="Win32Exception">The system refuses anonymous files.</exception>
    /// <exception cref="DllNotFoundException">The library's own needs are not met.</exception>
    public static nint LoadLibrary(string label, ReadOnlySpan<byte> image)
    {
        var descriptor = memfd_create(label, CloseOnExec);
        if (descriptor < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"memfd_create({label}) failed");
        }

        // The mapping outlives the descriptor.
        using var file = new SafeFileHandle(descriptor, ownsHandle: true);
        RandomAccess.Write(file, image, fileOffset: 0);
        return NativeLibrary.Load(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{descriptor}"));
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int memfd_create(string name, uint flags);
}

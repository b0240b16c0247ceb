using System.Runtime.InteropServices;

namespace Ddm.Tensors;

/// <summary>The C allocator that libtorch's CPU tensors live in.</summary>
internal static unsafe class NativeHeap
{
    // glibc alone keeps freed memory per thread for good, and alone exports the remedy.
    private static readonly delegate* unmanaged<nuint, int> MallocTrim = Find();

    /// <summary>Returns free pages to the system where the allocator is glibc's; does nothing elsewhere.</summary>
    public static void Trim()
    {
        if (MallocTrim is not null)
        {
            MallocTrim(0);
        }
    }

    private static delegate* unmanaged<nuint, int> Find()
        => OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out var libc) && NativeLibrary.TryGetExport(libc, "malloc_trim", out var address)
            ? (delegate* unmanaged<nuint, int>)address
            : null;
}

using System.Runtime.InteropServices;

namespace Ddm.Tensors;

/// <summary>The C allocator that libtorch's CPU tensors live in.</summary>
internal static unsafe class NativeHeap
{
    // mallopt(3)
    private const int TrimThreshold = -1, TopPad = -2, MapThreshold = -3;

    // Of one operation's tensors hardly any is larger; those that are still come from the system one by one.
    private const int LargestKept = 256 << 20;

    private const int Padding = 64 << 20;

    // glibc alone keeps freed memory per thread for good, and alone exports the remedy.
    private static readonly delegate* unmanaged<nuint, int> MallocTrim = (delegate* unmanaged<nuint, int>)Find("malloc_trim");

    /// <summary>Returns free pages to the system where the allocator is glibc's; does nothing elsewhere.</summary>
    public static void Trim()
    {
        if (MallocTrim is not null)
        {
            MallocTrim(0);
        }
    }

    /// <summary>
    /// Lets the allocator keep what is freed for the next operation, unless the environment says how it should behave. By default every tensor of some
    /// megabytes is unmapped when it dies, and the next one's pages come zeroed from the system again: a step of training or drawing lost a sixth of its
    /// time so. <see cref="Trim"/> gives back what has gathered.
    /// </summary>
    public static void KeepFreed()
    {
        var asked = Environment.GetEnvironmentVariable("GLIBC_TUNABLES")?.Contains("malloc", StringComparison.Ordinal) is true
            || Environment.GetEnvironmentVariable("MALLOC_TRIM_THRESHOLD_") is not null || Environment.GetEnvironmentVariable("MALLOC_MMAP_THRESHOLD_") is not null;
        var mallopt = (delegate* unmanaged<int, int, int>)Find("mallopt");
        if (!asked && mallopt is not null)
        {
            // In this order: where the first is refused (older glibc have a bound), its default stays, and the others would do harm without it.
            if (mallopt(MapThreshold, LargestKept) == 1)
            {
                mallopt(TrimThreshold, int.MaxValue);
                mallopt(TopPad, Padding);
            }
        }
    }

    private static nint Find(string function)
        => OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out var libc) && NativeLibrary.TryGetExport(libc, function, out var address)
            ? address
            : 0;
}

using System.Runtime.InteropServices;

namespace Ddm.Tensors;

/// <summary>The one question that TorchSharp cannot answer about a GPU, put to NVIDIA's driver (CUDA driver API, <c>cuDeviceGetAttribute</c>).</summary>
internal static partial class CudaDriver
{
    private const int Major = 75, Minor = 76; // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_{MAJOR,MINOR}

    /// <summary>Compute capability as one number: 80 for 8.0.</summary>
    /// <exception cref="NotSupportedException">No driver, or no such device.</exception>
    public static int ComputeCapability(int device)
    {
        try
        {
            if (cuInit(0) == 0 && cuDeviceGetAttribute(out var major, Major, device) == 0 && cuDeviceGetAttribute(out var minor, Minor, device) == 0)
            {
                return (10 * major) + minor;
            }
        }
        catch (DllNotFoundException missing)
        {
            throw new NotSupportedException("No NVIDIA driver (libcuda) is installed: choose the CPU.", missing);
        }

        throw new NotSupportedException($"The NVIDIA driver knows no device {device}: choose another, or the CPU.");
    }

    [LibraryImport("libcuda.so.1")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int cuInit(uint flags);

    [LibraryImport("libcuda.so.1")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int cuDeviceGetAttribute(out int value, int attribute, int device);
}

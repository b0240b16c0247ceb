using System.Runtime.InteropServices;

namespace Ddm.Tensors;

/// <summary>How GNU's OpenMP, which libtorch's CPU operations are split by, waits between them.</summary>
internal static partial class OpenMpThreads
{
    private const string SpinCount = "GOMP_SPINCOUNT", WaitPolicy = "OMP_WAIT_POLICY";

    /// <summary>
    /// Lets idle OpenMP threads sleep, unless the environment says otherwise. By default they burn milliseconds of CPU before they do, and where
    /// processes share cores, as the trainers of one machine may, each step then waits for a spinning neighbour: a step of 0.2 s took minutes.
    /// Must come before libtorch is loaded, which reads the variables once.
    /// </summary>
    public static void LetSleep()
    {
        if (Environment.GetEnvironmentVariable(WaitPolicy) is null)
        {
            // .NET's own SetEnvironmentVariable does not reach native libraries.
            _ = setenv(SpinCount, "0", overwrite: 0);
        }
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int setenv(string name, string value, int overwrite);
}

using System.Runtime.InteropServices;

namespace Ddm.Tensors;

/// <summary>How GNU's OpenMP, which libtorch's CPU operations are split by, waits between them.</summary>
internal static partial class OpenMpThreads
{
    private const string SpinCount = "GOMP_SPINCOUNT", WaitPolicy = "OMP_WAIT_POLICY";

    // About 50 microseconds: longer than the gaps inside one operation, far shorter than a step. On two quiet cores a training step at hidden 128 ran
    // 1.4 x faster than without spinning, and as fast as with GNU's own default of milliseconds.
    private const string Spins = "10000";

    /// <summary>
    /// Lets OpenMP threads that find nothing to do sleep soon, unless the environment says otherwise. By default they burn milliseconds of CPU before they
    /// do, and where processes share cores, as the trainers of one machine may, each step then waits for a spinning neighbour: a step of 0.2 s took
    /// minutes. Must come before libtorch is loaded, which reads the variables once.
    /// </summary>
    public static void LetSleepSoon()
    {
        if (Environment.GetEnvironmentVariable(WaitPolicy) is null)
        {
            // .NET's own SetEnvironmentVariable does not reach native libraries.
            _ = setenv(SpinCount, Spins, overwrite: 0);
        }
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int setenv(string name, string value, int overwrite);
}

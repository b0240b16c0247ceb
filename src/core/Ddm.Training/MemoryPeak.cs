using System.Diagnostics;
using System.Globalization;

namespace Ddm.Training;

/// <summary>The highest resident memory of this process since it was last asked to forget.</summary>
public static class MemoryPeak
{
    private const string Status = "/proc/self/status", Forget = "/proc/self/clear_refs";

    /// <summary>Forgets the highest mark where the system can (Linux).</summary>
    /// <returns>Resident bytes now.</returns>
    public static long Restart()
    {
        try
        {
            File.WriteAllText(Forget, "5");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // elsewhere the mark is that of the whole process
        }

        return Environment.WorkingSet;
    }

    /// <summary>The highest mark, bytes.</summary>
    public static long Read()
    {
        if (File.Exists(Status) && File.ReadLines(Status).FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)) is { } line)
        {
            return 1024 * long.Parse(line.AsSpan("VmHWM:".Length, line.Length - "VmHWM:".Length - " kB".Length).Trim(), NumberStyles.None, CultureInfo.InvariantCulture);
        }

        using var self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64;
    }
}

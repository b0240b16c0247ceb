using System.Globalization;

namespace Ddm.Bench;

/// <summary>Resident memory of this process, bytes, from /proc (Linux).</summary>
internal static class ProcessMemory
{
    /// <summary>Now.</summary>
    public static long Resident() => Read("VmRSS:");

    /// <summary>The most since the process began or <see cref="ResetPeak"/> was called.</summary>
    public static long Peak() => Read("VmHWM:");

    /// <summary>Lets <see cref="Peak"/> count anew.</summary>
    public static void ResetPeak() => File.WriteAllText("/proc/self/clear_refs", "5");

    private static long Read(string key)
    {
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith(key, StringComparison.Ordinal));
        return 1024 * long.Parse(line[key.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
    }
}

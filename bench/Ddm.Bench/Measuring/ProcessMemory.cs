using System.Globalization;

namespace Ddm.Bench;

/// <summary>Resident memory of a process, bytes, from /proc (Linux).</summary>
internal static class ProcessMemory
{
    /// <summary>Now.</summary>
    public static long Resident(int? process = null) => Read("VmRSS:", process);

    /// <summary>What is now of files: programs and libraries, which processes of one machine share.</summary>
    public static long Mapped(int? process = null) => Read("RssFile:", process);

    /// <summary>The most since the process began or, of this one, <see cref="ResetPeak"/> was called.</summary>
    public static long Peak(int? process = null) => Read("VmHWM:", process);

    /// <summary>Lets <see cref="Peak"/> count anew.</summary>
    public static void ResetPeak() => File.WriteAllText("/proc/self/clear_refs", "5");

    private static long Read(string key, int? process)
    {
        var line = File.ReadLines($"/proc/{process?.ToString(CultureInfo.InvariantCulture) ?? "self"}/status").First(line => line.StartsWith(key, StringComparison.Ordinal));
        return 1024 * long.Parse(line[key.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
    }
}

using System.Globalization;
using System.Runtime.InteropServices;
using Ddm.Tensors;

namespace Ddm.Bench;

/// <summary>Where and with what a figure was measured.</summary>
internal static class MachineFacts
{
    public static string Describe()
    {
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30);
        var now = TimeProvider.System.GetUtcNow();
        return string.Create(CultureInfo.InvariantCulture,
            $"{Environment.ProcessorCount} cores of {Processor()} ({TorchRuntime.CpuCapability}), {memory:F0} GiB, {System()}, " +
            $".NET {Environment.Version}, {TorchRuntime.LibraryVersions}, {now:yyyy-MM-dd}.");
    }

    private static string Processor()
    {
        const string Key = "model name";
        var line = File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    private static string System()
    {
        const string Key = "PRETTY_NAME=";
        var line = File.Exists("/etc/os-release") ? File.ReadLines("/etc/os-release").FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal)) : null;
        return line?[Key.Length..].Trim('"') ?? RuntimeInformation.OSDescription;
    }
}

namespace Ddm.Storage.Tests;

/// <summary>A folder of the test's own that goes with it; in memory where the system has such a place, for tests that flush thousands of files.</summary>
internal sealed class TestFolder(bool inMemory = false) : IDisposable
{
    private const string Memory = "/dev/shm";

    public string Path { get; } = inMemory && Directory.Exists(Memory)
        ? Directory.CreateDirectory(System.IO.Path.Combine(Memory, $"ddm-storage-{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}")).FullName
        : Directory.CreateTempSubdirectory("ddm-storage-").FullName;

    private static int s_count;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

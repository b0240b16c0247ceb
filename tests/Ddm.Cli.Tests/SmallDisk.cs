using System.Diagnostics;

namespace Ddm.Cli.Tests;

/// <summary>A file system of a few megabytes in memory, to be filled and made read-only. Needs Linux and root; a test without them is skipped and says so.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string ballast;

    private SmallDisk(string path)
    {
        Path = path;
        ballast = System.IO.Path.Combine(path, "ballast~");
    }

    public string Path { get; }

    public static SmallDisk Mount(int kilobytes)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "a file system can be mounted by root on Linux only");
        var folder = Directory.CreateTempSubdirectory("ddm-disk-").FullName;
        var (code, errors) = Run("mount", "-t", "tmpfs", "-o", $"size={kilobytes}k", "tmpfs", folder);
        if (code != 0)
        {
            Directory.Delete(folder);
            Assert.Skip($"mount -t tmpfs is not permitted here: {errors}");
        }

        return new SmallDisk(folder);
    }

    /// <summary>Leaves this many kilobytes free.</summary>
    public void FillUpTo(int kilobytes)
    {
        var free = new DriveInfo(Path).AvailableFreeSpace - (1024L * kilobytes);
        File.WriteAllBytes(ballast, new byte[Math.Max(0, free)]);
    }

    public void Free() => File.Delete(ballast);

    public void Remount(string mode) => Assert.Equal(0, Run("mount", "-o", "remount," + mode, Path).Code);

    public void Dispose()
    {
        Run("umount", Path);
        Directory.Delete(Path);
    }

    private static (int Code, string Errors) Run(string file, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, errors.Trim());
    }
}

using System.Text.Json;
using Ddm.Tests;

namespace Ddm.Cli.Tests;

/// <summary>Full and read-only disks: a message that names file and remedy, no leftovers, nothing lost, and the same command goes on afterwards.</summary>
public class DiskTests
{
    [Fact]
    public async Task ADiskFullDuringTrainingLosesNothingAndTheSameCommandGoesOn()
    {
        using var undisturbed = new TinyFolder();
        Assert.Equal(0, (await DdmProcess.RunAsync("run", undisturbed.SpecFile, "--home", undisturbed.Home)).Code);
        using var tiny = new TinyFolder();
        using var disk = SmallDisk.Mount(kilobytes: 8192);
        using (var first = DdmProcess.Start("run", tiny.SpecFile, "--home", disk.Path, "--json"))
        {
            Assert.True(await first.ReadUntilAsync("\"training\"", 4));
            await first.KillAsync();
        }

        var killed = Leftovers(disk.Path); // a kill cannot tidy up: what is an hour old is swept by the next process
        foreach (var left in new[] { 0, 60, 200 })
        {
            disk.FillUpTo(left);
            var before = Checkpoints(disk.Path);
            var (code, output, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", disk.Path);
            Assert.True(code == 2, $"{left} KB left, exit code {code}: {errors}");
            Assert.Matches("cannot write '[^']+': the disk is full \\([0-9.]+ MB free at [^)]+\\)\\. Nothing that was there is changed, and what was begun is removed\\. "
                + "Free some space or choose a larger disk with --home DIR, then run the same command again: it goes on from the last commit\\.", errors);
            Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
            Assert.Subset(Checkpoints(disk.Path), before);
            disk.Free();
            Assert.Equal(killed, Leftovers(disk.Path));
        }

        var last = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", disk.Path);
        Assert.True(last.Code == 0, last.Errors);
        Assert.Equal(await WeightsAsync(undisturbed.Home), await WeightsAsync(disk.Path));
    }

    [Fact]
    public async Task ADiskFullFromTheStartIsSaidAndARunGoesOnOnceThereIsSpace()
    {
        using var tiny = new TinyFolder();
        using var disk = SmallDisk.Mount(kilobytes: 8192);
        disk.FillUpTo(40);
        var (code, output, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", disk.Path);
        Assert.True(code == 2, errors);
        Assert.Contains("the disk is full", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
        disk.Free();
        Assert.Empty(Leftovers(disk.Path));
        var last = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", disk.Path);
        Assert.True(last.Code == 0, last.Errors);
    }

    [Fact]
    public async Task AReadOnlyHomeIsSaidAndCanStillBeLookedAt()
    {
        using var tiny = new TinyFolder();
        using var disk = SmallDisk.Mount(kilobytes: 8192);
        Assert.Equal(0, (await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", disk.Path)).Code);
        disk.Remount("ro");

        var (code, output, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", disk.Path);

        Assert.True(code == 2, errors);
        Assert.Contains("the file system is read-only", errors, StringComparison.Ordinal);
        Assert.Contains("Remount it for writing or choose another folder with --home DIR", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
        Assert.Equal(0, (await DdmProcess.RunAsync("status", "tiny", "--home", disk.Path)).Code);
        disk.Remount("rw");
    }

    private static string[] Leftovers(string home) => Directory.GetFiles(home, "*~*", SearchOption.AllDirectories);

    private static HashSet<string> Checkpoints(string home) => [.. Directory.GetFiles(home, "*", SearchOption.AllDirectories)
        .Where(file => file.Contains("/checkpoints/", StringComparison.Ordinal) && !file.Contains('~'))];

    private static async Task<string[]> WeightsAsync(string home)
    {
        var (code, output, errors) = await DdmProcess.RunAsync("inspect", TinyFolder.RunName, "--json", "--home", home);
        Assert.True(code == 0, errors);
        return [.. JsonDocument.Parse(output).RootElement.GetProperty("roles").EnumerateArray()
            .Select(role => $"{role.GetProperty("role")} {role.GetProperty("step")} {role.GetProperty("sha256")}")];
    }
}

using System.Text.Json;
using Ddm.Tests;

namespace Ddm.Cli.Tests;

/// <summary>A run from its drafted spec to its removal, by commands alone.</summary>
public class RunLifeTests
{
    [Fact]
    public async Task CurvesAndEventsOutliveKillsAndARemovalLeavesTheModel()
    {
        using var tiny = new TinyFolder();
        string[] home = ["--home", tiny.Home];
        foreach (var times in new[] { 2, 4 })
        {
            using var killed = DdmProcess.Start(["run", tiny.SpecFile, "--json", .. home]);
            Assert.True(await killed.ReadUntilAsync("\"training\"", times));
            await killed.KillAsync();
        }

        var board = Path.Combine(tiny.Folder, "board");
        var (code, _, errors) = await DdmProcess.RunAsync(["run", tiny.SpecFile, "--tensorboard", board, .. home]);
        Assert.True(code == 0, errors);
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(board, "tiny", "experts", "0"), "events.out.tfevents.*"));

        var events = JsonDocument.Parse((await DdmProcess.RunAsync(["logs", "tiny", "--json", .. home])).Output).RootElement;
        Assert.Equal(2, events.EnumerateArray().Count(e => e.GetProperty("kind").GetString() == "resumed"));
        Assert.Equal(0, (await DdmProcess.RunAsync(["gc", .. home])).Code);
        var csv = (await DdmProcess.RunAsync(["metrics", "tiny", "--csv", .. home])).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(1 + 12 + 12 + 8, csv.Length);
        Assert.Equal(csv.Length, csv.Select(line => string.Join(',', line.Split(',').Take(2))).Distinct().Count());

        (code, _, errors) = await DdmProcess.RunAsync(["rm", "tiny", .. home]);
        Assert.Equal((2, "ddm: there is no terminal to ask on: give --yes to remove without being asked.\n"), (code, errors));
        (code, var output, errors) = await DdmProcess.RunAsync(["rm", "tiny", "--yes", .. home]);
        Assert.True(code == 0, errors);
        Assert.StartsWith("Run 'tiny' is removed: ", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(tiny.Home, "runs")));
        (code, _, errors) = await DdmProcess.RunAsync(["sample", "tiny", "--n", "1", "--out", Path.Combine(tiny.Folder, "a.png"), .. home]);
        Assert.True(code == 0, errors);
    }

    [Fact]
    public async Task ARunInWorkIsNotRemovedAndADryRunRemovesNothing()
    {
        using var tiny = new TinyFolder(TinyFolder.DefaultSpec.Replace("steps: 12", "steps: 100000", StringComparison.Ordinal));
        using var running = DdmProcess.Start("run", tiny.SpecFile, "--home", tiny.Home, "--json");
        Assert.True(await running.ReadUntilAsync("\"training\"", 8));

        var (code, _, errors) = await DdmProcess.RunAsync("rm", "tiny", "--yes", "--home", tiny.Home);
        Assert.Equal(2, code);
        Assert.Contains($"process {running.Id}", errors, StringComparison.Ordinal);
        Assert.Equal(0, (await DdmProcess.RunAsync("gc", "--home", tiny.Home)).Code); // beside the running process
        await running.KillAsync();

        var leftover = Path.Combine(tiny.Home, "runs", "tiny", "x~1.tmp");
        await File.WriteAllTextAsync(leftover, "half", TestContext.Current.CancellationToken);
        File.SetLastWriteTimeUtc(leftover, DateTime.UtcNow.AddHours(-3));
        var (_, output, _) = await DdmProcess.RunAsync("gc", "--dry-run", "--home", tiny.Home);
        Assert.Contains("runs/tiny/x~1.tmp", output, StringComparison.Ordinal);
        Assert.EndsWith("would be removed; without --dry-run they are.\n", output, StringComparison.Ordinal);
        Assert.True(File.Exists(leftover));
        Assert.Equal(0, (await DdmProcess.RunAsync("gc", "--home", tiny.Home)).Code);
        Assert.False(File.Exists(leftover));
    }

    [Fact]
    public async Task InitValidateAndPlanWorkTogether()
    {
        using var tiny = new TinyFolder();
        var spec = Path.Combine(tiny.Folder, "drafted.yaml");
        var (code, output, errors) = await DdmProcess.RunAsync("init", Path.Combine(tiny.Folder, "pictures"), "--out", spec);
        Assert.True(code == 0, errors);
        Assert.Contains($"ddm plan {spec}", output, StringComparison.Ordinal);
        (code, _, errors) = await DdmProcess.RunAsync("init", Path.Combine(tiny.Folder, "pictures"), "--out", spec);
        Assert.Equal((2, $"ddm: '{spec}' exists. Give another file with --out FILE, or --force to replace it.\n"), (code, errors));

        (code, output, errors) = await DdmProcess.RunAsync("validate", spec, "--json", "--home", tiny.Home);
        Assert.True(code == 0, errors);
        var found = JsonDocument.Parse(output).RootElement;
        Assert.True(found.GetProperty("valid").GetBoolean());
        Assert.Equal(240, found.GetProperty("data").GetProperty("rows").GetInt32());

        (code, output, errors) = await DdmProcess.RunAsync("plan", tiny.SpecFile, "--json", "--home", tiny.Home);
        Assert.True(code == 0, errors);
        Assert.Equal(9, JsonDocument.Parse(output).RootElement.GetProperty("stages").GetArrayLength());
        Assert.False(Directory.Exists(tiny.Home));

        await File.WriteAllTextAsync(spec, "name: x\nsteps: 1\n", TestContext.Current.CancellationToken);
        (code, output, _) = await DdmProcess.RunAsync("validate", spec, "--json", "--home", tiny.Home);
        Assert.Equal(2, code);
        var first = JsonDocument.Parse(output).RootElement.GetProperty("errors")[0];
        Assert.Equal((1, 1, "data"), (first.GetProperty("line").GetInt32(), first.GetProperty("column").GetInt32(), first.GetProperty("path").GetString()));
    }
}

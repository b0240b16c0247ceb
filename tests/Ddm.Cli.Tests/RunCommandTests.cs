using System.Text.Json;
using Ddm.Tests;

namespace Ddm.Cli.Tests;

public class RunCommandTests
{
    [Fact]
    public async Task KilledAgainAndAgainARunEndsWithTheWeightsOfAnUndisturbedOne()
    {
        using var undisturbed = new TinyFolder();
        Assert.Equal(0, (await DdmProcess.RunAsync("run", undisturbed.SpecFile, "--home", undisturbed.Home)).Code);

        using var tiny = new TinyFolder();
        var kills = 0;
        foreach (var (text, times) in new[] { ("FitPartition", 1), ("\"training\"", 2), ("\"training\"", 5), ("\"training\"", 3), ("Publish", 1) })
        {
            using var ddm = DdmProcess.Start("run", tiny.SpecFile, "--home", tiny.Home, "--json");
            if (await ddm.ReadUntilAsync(text, times))
            {
                await ddm.KillAsync();
                kills++;
            }
        }

        var (code, _, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);

        Assert.True(kills >= 4, $"only {kills} kills hit a running process");
        Assert.True(code == 0, errors);
        Assert.Equal(await WeightsAsync(undisturbed), await WeightsAsync(tiny));
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task ASignalCommitsAndSaysHowToGoOn(string signal)
    {
        using var tiny = new TinyFolder(TinyFolder.DefaultSpec.Replace("steps: 12", "steps: 100000", StringComparison.Ordinal));
        using var ddm = DdmProcess.Start("run", tiny.SpecFile, "--home", tiny.Home);
        Assert.True(await ddm.ReadUntilAsync("experts/0: step"));

        await ddm.SignalAsync(signal);
        var (code, output, _) = await ddm.EndAsync();

        Assert.Equal(130, code);
        Assert.Contains($"go on    ddm run {tiny.SpecFile}", output, StringComparison.Ordinal);
        Assert.Contains(await FactsAsync(tiny), role => role.GetProperty("step").GetInt64() > 0);
    }

    [Theory]
    [InlineData("INT", "FitFeatures")]
    [InlineData("TERM", "FitPartition")]
    [InlineData("TERM", "FreezeClusters")]
    public async Task ASignalBeforeTrainingEndsTheProcessAndTheSameCommandGoesOn(string signal, string stage)
    {
        using var tiny = new TinyFolder(TinyFolder.DefaultSpec.Replace("steps: 12", "steps: 100000", StringComparison.Ordinal));
        using (var ddm = DdmProcess.Start("run", tiny.SpecFile, "--home", tiny.Home, "--json"))
        {
            Assert.True(await ddm.ReadUntilAsync(stage));
            await ddm.SignalAsync(signal);
            var (code, output, errors) = await ddm.EndAsync();
            Assert.True(code == 130, $"exit code {code}: {errors}");
            Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
        }

        using var again = DdmProcess.Start("run", tiny.SpecFile, "--home", tiny.Home, "--json");
        Assert.True(await again.ReadUntilAsync("\"training\""));
    }

    [Fact]
    public async Task ASecondRunOfTheSameNameNamesTheFirst()
    {
        using var tiny = new TinyFolder(TinyFolder.DefaultSpec.Replace("steps: 12", "steps: 100000", StringComparison.Ordinal));
        using var first = DdmProcess.Start("run", tiny.SpecFile, "--home", tiny.Home, "--json");
        Assert.True(await first.ReadUntilAsync("\"training\""));

        var (code, _, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);

        Assert.Equal(2, code);
        Assert.Contains(first.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("seed: 7", "sed: 7", "tiny.yaml:2:1: sed: unknown key; did you mean 'seed'?")]
    [InlineData("steps: 12", "steps: many", "many")]
    [InlineData("source: pictures", "source: nowhere", "nowhere")]
    public async Task AWrongSpecIsOneMessageAndExitCodeTwo(string right, string wrong, string message)
    {
        using var tiny = new TinyFolder(TinyFolder.DefaultSpec.Replace(right, wrong, StringComparison.Ordinal));

        var (code, output, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);

        Assert.Equal(2, code);
        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(tiny.Home, "runs")));
    }

    [Fact]
    public async Task DataThatCannotBeClusteredIsOneMessageAndNoStackTrace()
    {
        using var tiny = new TinyFolder(TinyFolder.DefaultSpec.Replace("{ experts: 2, fine: 4 }", "{ experts: 250 }", StringComparison.Ordinal));

        var (code, output, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);

        Assert.Equal(2, code);
        Assert.Contains("images cannot be cut into partition.experts: 250 clusters. Give more images or ask for fewer experts.", output + errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
    }

    private static async Task<string[]> WeightsAsync(TinyFolder folder)
        => [.. (await FactsAsync(folder)).Select(role => $"{role.GetProperty("role")} {role.GetProperty("step")} {role.GetProperty("sha256")}")];

    private static async Task<JsonElement[]> FactsAsync(TinyFolder folder)
    {
        var (code, output, errors) = await DdmProcess.RunAsync("inspect", TinyFolder.RunName, "--json", "--home", folder.Home);
        Assert.True(code == 0, errors);
        return [.. JsonDocument.Parse(output).RootElement.GetProperty("roles").EnumerateArray()];
    }
}

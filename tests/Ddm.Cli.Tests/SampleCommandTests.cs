using System.Text.Json;
using Ddm.Tests;

namespace Ddm.Cli.Tests;

public class SampleCommandTests
{
    [Fact]
    public async Task AFinishedRunIsDrawnFromWithItsRoutingBeside()
    {
        using var tiny = new TinyFolder();
        Assert.Equal(0, (await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home)).Code);
        var png = Path.Combine(tiny.Folder, "out", "grid.png");

        var (code, output, errors) = await DdmProcess.RunAsync(
            "sample", "tiny", "--home", tiny.Home, "--n", "3", "--seed", "5", "--class", "1", "--strategy", "full", "--steps", "4", "--out", png);

        Assert.True(code == 0, errors);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(png)[..4]);
        var record = JsonDocument.Parse(await File.ReadAllTextAsync(Path.ChangeExtension(png, ".json"), TestContext.Current.CancellationToken)).RootElement;
        Assert.False(record.GetProperty("partial").GetBoolean());
        var pictures = record.GetProperty("pictures").EnumerateArray().ToArray();
        Assert.Equal([5L, 6L, 7L], pictures.Select(p => p.GetProperty("seed").GetInt64()));
        Assert.All(pictures, p => Assert.Equal(4, p.GetProperty("weights").GetArrayLength()));
        Assert.All(pictures, p => Assert.All(p.GetProperty("weights").EnumerateArray(), w => Assert.Equal(1, w.EnumerateArray().Sum(x => x.GetDouble()), 5)));

        Assert.Equal([12L, 12L], record.GetProperty("expertRows").EnumerateArray().Select(rows => rows.GetInt64())); // full: 3 pictures, 4 steps, both experts
        Assert.Equal(12, record.GetProperty("routerRows").GetInt64());
        Assert.Equal(0, record.GetProperty("nearTies").GetInt32());
        Assert.Contains("24 rows of experts (12, 12), 12 of the router", output, StringComparison.Ordinal);
        Assert.Contains("near-tied 0 of 12 choices", output, StringComparison.Ordinal);

        var (same, _, _) = await DdmProcess.RunAsync(
            "sample", "tiny", "--home", tiny.Home, "--n", "1", "--seed", "6", "--class", "1", "--strategy", "full", "--steps", "4", "--out", png);
        Assert.Equal(0, same);
        var alone = JsonDocument.Parse(await File.ReadAllTextAsync(Path.ChangeExtension(png, ".json"), TestContext.Current.CancellationToken)).RootElement;
        Assert.Equal(pictures[1].GetRawText(), alone.GetProperty("pictures")[0].GetRawText()); // every weight of every step, though two pictures fewer were drawn

        var wrong = await DdmProcess.RunAsync("sample", "tiny", "--home", tiny.Home, "--strategy", "best");
        Assert.Equal(2, wrong.Code);
        Assert.Contains("ancestral", wrong.Errors, StringComparison.Ordinal);
        wrong = await DdmProcess.RunAsync("sample", "tiny", "--home", tiny.Home, "--class", "boat");
        Assert.Equal(2, wrong.Code);
        Assert.Contains("no such class", wrong.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnUnfinishedRunIsDrawnFromAndMarkedPartial()
    {
        using var tiny = new TinyFolder(TinyFolder.DefaultSpec.Replace("steps: 12", "steps: 100000", StringComparison.Ordinal));
        using var ddm = DdmProcess.Start("run", tiny.SpecFile, "--home", tiny.Home, "--json");

        // After two rounds of slices every role has committed.
        Assert.True(await ddm.ReadUntilAsync("\"role\":\"experts/0\",\"step\"", 6));
        await ddm.KillAsync();
        var png = Path.Combine(tiny.Folder, "partial.png");

        var (code, output, errors) = await DdmProcess.RunAsync("sample", "tiny", "--home", tiny.Home, "--n", "2", "--out", png);

        Assert.True(code == 0, errors);
        Assert.Contains("(partial)", output, StringComparison.Ordinal);
        Assert.Contains("of 100000 steps", errors, StringComparison.Ordinal);
        Assert.Contains("\"partial\": true", await File.ReadAllTextAsync(Path.ChangeExtension(png, ".json"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nothing", "does not exist")]
    [InlineData("../etc", "'../etc'")]
    public async Task AnUnknownRunIsNamedWithTheRemedy(string run, string message)
    {
        using var tiny = new TinyFolder();

        var (code, _, errors) = await DdmProcess.RunAsync("sample", run, "--home", tiny.Home);

        Assert.Equal(2, code);
        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheDoctorFindsThisMachineFit()
    {
        using var tiny = new TinyFolder();

        var (code, output, errors) = await DdmProcess.RunAsync("doctor", "--home", tiny.Home);

        Assert.True(code == 0, output + errors);
        Assert.Contains("libtorch 2.10.0", output, StringComparison.Ordinal);
    }
}

using System.Text.Json;
using Ddm.Tests;

namespace Ddm.Cli.Tests;

public sealed class VerifyCommandTests
{
    [Fact]
    public async Task AGoodRunVerifiesAChangedOneDoesNotAndWrongWordsAreRefused()
    {
        using var tiny = new TinyFolder();
        Assert.Equal(0, (await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home)).Code);

        var (code, output, errors) = await DdmProcess.RunAsync("verify", "tiny", "--home", tiny.Home, "--slices", "2", "--seed", "5");
        Assert.True(code == 0, output + errors);
        Assert.Contains("(--seed 5 draws the same)", output, StringComparison.Ordinal);
        Assert.Contains("the same bits", output, StringComparison.Ordinal);
        Assert.Contains("tiny is good", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\r', output);

        var json = await DdmProcess.RunAsync("verify", "tiny", "--home", tiny.Home, "--slices", "2", "--seed", "5", "--json");
        var report = JsonDocument.Parse(json.Output).RootElement;
        Assert.True(report.GetProperty("good").GetBoolean());
        Assert.Equal(2, report.GetProperty("slices").GetArrayLength());
        Assert.Equal(3, report.GetProperty("roles").GetArrayLength());

        var weights = Directory.GetFiles(Path.Combine(tiny.Home, "runs", "tiny", "experts", "0"), "weights.safetensors", SearchOption.AllDirectories)[0];
        var bytes = await File.ReadAllBytesAsync(weights, TestContext.Current.CancellationToken);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(weights, bytes, TestContext.Current.CancellationToken);
        var broken = await DdmProcess.RunAsync("verify", "tiny", "--home", tiny.Home, "--slices", "0");
        Assert.Equal(1, broken.Code);
        Assert.Contains("BROKEN", broken.Output, StringComparison.Ordinal);
        Assert.Contains("weights.safetensors has sha256", broken.Output, StringComparison.Ordinal);
        Assert.Contains("tiny is NOT what its chains say", broken.Output, StringComparison.Ordinal);

        foreach (var (arguments, says) in new[]
        {
            (new[] { "verify", "dogs", "--home", tiny.Home }, "run 'dogs' does not exist"),
            (["verify", "tiny", "--home", tiny.Home, "--slices", "few"], "--slices few: give a number from 0, or 'all'"),
            (["verify", "tiny", "--home", tiny.Home, "--slices", "-1"], "--slices -1"),
        })
        {
            var wrong = await DdmProcess.RunAsync(arguments);
            Assert.Equal(2, wrong.Code);
            Assert.Contains(says, wrong.Errors, StringComparison.Ordinal);
        }
    }
}

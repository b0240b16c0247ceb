using System.Text.Json;
using Ddm.Tests;

namespace Ddm.Pages.Tests;

/// <summary>The pages as people have them, in a browser.</summary>
public class BrowserTests
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(150);

    private static readonly string Spec = TinyFolder.DefaultSpec
        .Replace("steps: 12, batch: 16, learning_rate: 1e-3", "steps: 120, batch: 16, learning_rate: 3e-3", StringComparison.Ordinal)
        .Replace("steps: 8, batch", "steps: 60, batch", StringComparison.Ordinal)
        .Replace("sampling: { steps: 2 }", "sampling: { steps: 6 }", StringComparison.Ordinal)
        .Replace("slice_seconds: 0.01", "slice_seconds: 0.05, commit_seconds: 0.05", StringComparison.Ordinal);

    [Fact]
    public async Task ARunIsSubmittedWatchedToItsEndAndDrawnFrom()
    {
        using var files = new TinyFolder(Spec);
        await using var hosts = await PageHosts.StartAsync(files);

        var told = await PlayAsync("journey", hosts, Spec);

        Assert.Contains("no key of this server", told.GetProperty("wrongKey").GetString(), StringComparison.Ordinal);
        Assert.True(told.GetProperty("quickstart").GetBoolean());
        Assert.Contains("expert", told.GetProperty("mistake").GetString(), StringComparison.Ordinal);
        Assert.Equal((2, 3, 9), (Number(told, "sheets"), Number(told, "curves"), Number(told, "stage")));
        Assert.True(Number(told, "grids") >= 2, told.ToString());
        Assert.Contains("percent of the way", told.GetProperty("firstGrid").GetString(), StringComparison.Ordinal);
        Assert.True(Number(told, "events") > 5, told.ToString());
        Assert.Equal("1000 1200 20 0.25 12340 0.00012 0", told.GetProperty("figures").GetString());
        Assert.Equal((4, 4, 3), (Number(told, "pictures"), Number(told, "bars"), Number(told, "experts")));
        Assert.Equal(4 * 6 * 2, Number(told, "parts")); // pictures, steps, experts
        Assert.Contains(Environment.MachineName, told.GetProperty("servedBy").GetString(), StringComparison.Ordinal);
        Assert.Contains("\"class_label\":0,\"guidance_scale\":1,\"routing\":{\"strategy\":\"full\"}", told.GetProperty("curl").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain(PageHosts.Key, told.GetProperty("curl").GetString(), StringComparison.Ordinal);
        Assert.Equal(["true Strict", "true Strict"], told.GetProperty("cookies").EnumerateArray().Select(cookie => cookie.GetString()));
        Assert.Equal("", told.GetProperty("script").GetString());
        Assert.True(told.GetProperty("takenBack").GetBoolean());
        Assert.Equal([], told.GetProperty("misfits").EnumerateArray().Select(text => text.GetString()));
        await hosts.AtRestAsync();
    }

    [Fact]
    public async Task ByTheKeyboardAloneARunIsHeldAndEndedAndWhatIsOldIsMarked()
    {
        var spec = Spec.Replace("steps: 120", "steps: 1000000", StringComparison.Ordinal);
        using var files = new TinyFolder(spec);
        await using var hosts = await PageHosts.StartAsync(files);

        var told = await PlayAsync("cancel", hosts, spec);

        Assert.True(told.GetProperty("stale").GetBoolean());
        Assert.Equal("rgb(20, 22, 26)", told.GetProperty("dark").GetString());
        Assert.Contains("retry", told.GetProperty("after").EnumerateArray().Select(text => text.GetString()));
        Assert.DoesNotContain("cancel", told.GetProperty("after").EnumerateArray().Select(text => text.GetString()));
        Assert.Equal(0, Number(told, "signedOut"));
    }

    private static int Number(JsonElement told, string name) => told.GetProperty(name).GetInt32();

    private static Task<JsonElement> PlayAsync(string scenario, PageHosts hosts, string spec) => Chromium.PlayAsync(
        scenario, Longest, new Dictionary<string, object?> { ["runs"] = hosts.Control.Address.AbsoluteUri, ["key"] = PageHosts.Key, ["spec"] = spec, ["most"] = PageHosts.MostSteps });
}

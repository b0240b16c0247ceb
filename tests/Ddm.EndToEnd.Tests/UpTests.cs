using System.Globalization;
using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

/// <summary><c>ddm up</c> as a user without containers has it: a run is submitted and watched to its end, and Ctrl+C leaves nothing behind.</summary>
public sealed class UpTests
{
    [Fact]
    public async Task ARunGoesThroughAndCtrlCLeavesNothingBehind()
    {
        using var files = new TinyFolder();
        await using var up = UpProcess.Start(files, "--pool", "local", "--pool", "t4:1");
        await up.ReadyAsync();
        var (code, said) = await UpProcess.RunAsync(files, "up", "--home", files.Home);
        Assert.True(code == 2 && said.Contains("another 'ddm up' works in", StringComparison.Ordinal), said);
        (code, said) = await UpProcess.RunAsync(files, ["submit", files.SpecFile, .. up.There]);
        Assert.True(code == 0, said);
        (code, said) = await UpProcess.RunAsync(files, ["watch", "tiny", "--json", .. up.There]);
        Assert.True(code == 0, said + up.Said);
        Assert.Contains("\"Succeeded\"", said, StringComparison.Ordinal);
        (code, said) = await UpProcess.RunAsync(files, ["status", "tiny", .. up.There]);
        Assert.Contains("pool t4: 1 worker", said, StringComparison.Ordinal);
        await PagesAnswerAsync(up);

        Assert.True(await up.StopAsync() == 0, up.Said);

        Assert.DoesNotContain("did not stop in time", up.Said, StringComparison.Ordinal);
        Assert.Empty(UpProcess.Left(files.Home));
    }

    // At the addresses that it said.
    private static async Task PagesAnswerAsync(UpProcess up)
    {
        using var client = new HttpClient();
        foreach (var (port, page) in new[] { (up.Port, "runs.js"), (up.Port + 6, "playground.js") })
        {
            var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
            Assert.Contains(address.AbsoluteUri.TrimEnd('/'), up.Said, StringComparison.Ordinal);
            Assert.Contains(page, await client.GetStringAsync(address, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
    }
}

using System.Diagnostics;
using System.Text.Json;

namespace Ddm.Pages.Tests;

/// <summary>Debian's Chromium, driven by playwright-core: <c>tests/tools/drive_pages.mjs</c>.</summary>
internal static class Chromium
{
    private const string Library = "playwright-core-1.65.1"; // tests/install.sh brings this version
    private const string Program = "/usr/bin/chromium";
    private const string Shots = "DDM_PAGE_SHOTS";

    /// <summary>Plays a scenario, and gives what it saw. With the variable DDM_PAGE_SHOTS it leaves pictures of the pages in that folder.</summary>
    /// <param name="scenario">Its name.</param>
    /// <param name="limit">Longest it may take.</param>
    /// <param name="given">What it is told.</param>
    public static async Task<JsonElement> PlayAsync(string scenario, TimeSpan limit, Dictionary<string, object?> given)
    {
        var tools = Environment.GetEnvironmentVariable("DDM_TEST_TOOLS")
            ?? Path.Combine(Environment.GetEnvironmentVariable("XDG_CACHE_HOME") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "ddm-tests");
        var modules = Path.Combine(tools, Library, "node_modules");
        if (!Directory.Exists(modules) || !File.Exists(Program))
        {
            throw new FileNotFoundException($"No {modules}, or no {Program}: run tests/install.sh.");
        }

        given["shots"] = Environment.GetEnvironmentVariable(Shots);
        var start = new ProcessStartInfo("node", [Path.Combine(AppContext.BaseDirectory, "drive_pages.mjs"), modules, Program, scenario, JsonSerializer.Serialize(given)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var node = Process.Start(start)!;
        var (said, complained) = (node.StandardOutput.ReadToEndAsync(), node.StandardError.ReadToEndAsync());
        try
        {
            await node.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(limit, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException e)
        {
            node.Kill(entireProcessTree: true);
            throw new TimeoutException($"The scenario '{scenario}' did not end within {limit.TotalSeconds:F0} s. {await complained}", e);
        }

        Assert.True(node.ExitCode == 0, await complained);
        return JsonDocument.Parse(await said).RootElement.Clone();
    }
}

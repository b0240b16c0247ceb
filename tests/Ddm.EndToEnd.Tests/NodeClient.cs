using System.Diagnostics;
using System.Text.Json;

namespace Ddm.EndToEnd.Tests;

/// <summary>Node's AMQP client, for what other languages see of the services.</summary>
internal static class NodeClient
{
    private const string Library = "amqplib-2.3.1"; // tests/install.sh brings this version

    /// <summary>Submits a spec as a bare message.</summary>
    /// <param name="broker">The broker's connection string.</param>
    /// <param name="specFile">The spec.</param>
    /// <param name="root">Where its paths start.</param>
    public static async Task<JsonElement> SubmitAsync(string broker, string specFile, string root)
        => JsonDocument.Parse(await RunAsync("submit_run.js", broker, specFile, root)).RootElement;

    /// <summary>What became of a submission.</summary>
    public static string? Outcome(JsonElement answer) => answer.GetProperty("outcome").GetString();

    /// <summary>Sends any text to an exchange.</summary>
    public static Task SendAsync(string broker, string exchange, string text) => RunAsync("send_text.js", broker, exchange, text);

    private static async Task<string> RunAsync(string script, params string[] arguments)
    {
        var tools = Environment.GetEnvironmentVariable("DDM_TEST_TOOLS")
            ?? Path.Combine(Environment.GetEnvironmentVariable("XDG_CACHE_HOME") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "ddm-tests");
        var modules = Path.Combine(tools, Library, "node_modules");
        if (!Directory.Exists(modules))
        {
            throw new DirectoryNotFoundException($"No {modules}: run tests/install.sh.");
        }

        var start = new ProcessStartInfo("node", [Path.Combine(AppContext.BaseDirectory, script), modules, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var node = Process.Start(start)!;
        var (said, complained) = (node.StandardOutput.ReadToEndAsync(), node.StandardError.ReadToEndAsync());
        await node.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.True(node.ExitCode == 0, await complained);
        return await said;
    }
}

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
        => JsonDocument.Parse(await RunAsync("submit_run.js", "", broker, specFile, root)).RootElement;

    /// <summary>What became of a submission.</summary>
    public static string? Outcome(JsonElement answer) => answer.GetProperty("outcome").GetString();

    /// <summary>Sends any text to an exchange.</summary>
    public static Task SendAsync(string broker, string exchange, string text) => SendAsync(broker, [new { exchange, text }]);

    /// <summary>Sends texts to exchanges, each an object of <c>exchange</c>, <c>text</c>, and where it is not bare JSON <c>type</c>.</summary>
    public static Task SendAsync(string broker, IEnumerable<object> messages) => RunAsync("send_text.js", string.Join('\n', messages.Select(message => JsonSerializer.Serialize(message))), broker);

    /// <summary>Sends bodies to the exchange <c>submit</c> as they are.</summary>
    /// <returns>The answers, in this order.</returns>
    public static async Task<JsonElement[]> AskAsync(string broker, IEnumerable<string> bodies)
    {
        var said = await RunAsync("send_text.js", string.Join('\n', bodies.Select(text => JsonSerializer.Serialize(new { exchange = "submit", text, ask = true }))), broker);
        return [.. said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }

    private static async Task<string> RunAsync(string script, string input, params string[] arguments)
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
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var node = Process.Start(start)!;
        var (said, complained) = (node.StandardOutput.ReadToEndAsync(), node.StandardError.ReadToEndAsync());
        await node.StandardInput.WriteAsync(input);
        node.StandardInput.Close();
        await node.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.True(node.ExitCode == 0, await complained);
        return await said;
    }
}

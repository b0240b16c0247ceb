using System.Diagnostics;
using System.Text.Json;

namespace Ddm.Gateway.Tests;

/// <summary>OpenAI's own client for Node.js, unmodified, over HTTP.</summary>
public class OpenAiClientTests(TinyModel model)
{
    private const string Library = "openai-6.30.1"; // tests/install.sh brings this version

    [Fact]
    public async Task TheOfficialClientListsDrawsStreamsAndReadsErrors()
    {
        await using var gateway = await GatewayServer.StartAsync(model);

        var told = await RunAsync(gateway.Host.Address + "v1", GatewayServer.Key);

        Assert.Equal(["tiny"], told.GetProperty("models").EnumerateArray().Select(id => id.GetString()));
        Assert.Equal(3, told.GetProperty("pictures").GetInt32());
        Assert.True(told.GetProperty("png").GetBoolean());
        Assert.True(told.GetProperty("webp").GetBoolean());
        Assert.Equal("image/jpeg", told.GetProperty("linked").GetString());
        Assert.Equal(
            ["image_generation.partial_image", "image_generation.partial_image", "image_generation.completed"],
            told.GetProperty("events").EnumerateArray().Select(type => type.GetString()));
        Assert.True(told.GetProperty("streamedIsTheSame").GetBoolean());
        Assert.Equal("400 invalid_request_error unknown_parameter num_step", told.GetProperty("unknownField").GetString());
        Assert.Equal("404 model_not_found model", told.GetProperty("unknownModel").GetString());
        Assert.Equal("AuthenticationError 401", told.GetProperty("wrongKey").GetString());
    }

    private static async Task<JsonElement> RunAsync(params string[] arguments)
    {
        var tools = Environment.GetEnvironmentVariable("DDM_TEST_TOOLS")
            ?? Path.Combine(Environment.GetEnvironmentVariable("XDG_CACHE_HOME") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "ddm-tests");
        var modules = Path.Combine(tools, Library, "node_modules");
        if (!Directory.Exists(modules))
        {
            throw new DirectoryNotFoundException($"No {modules}: run tests/install.sh.");
        }

        var start = new ProcessStartInfo("node", [Path.Combine(AppContext.BaseDirectory, "openai_client.mjs"), modules, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var node = Process.Start(start)!;
        var (said, complained) = (node.StandardOutput.ReadToEndAsync(), node.StandardError.ReadToEndAsync());
        await node.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.True(node.ExitCode == 0, await complained);
        return JsonDocument.Parse(await said).RootElement;
    }
}

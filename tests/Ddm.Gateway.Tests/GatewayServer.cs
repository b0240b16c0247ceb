using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Ddm.Serving;
using Ddm.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ddm.Gateway.Tests;

/// <summary>The gateway on a port of its own, over a copy of the tiny model's home.</summary>
internal sealed class GatewayServer : IAsyncDisposable
{
    public const string Key = "a-key-of-the-gateway-tests-0123";
    public const string OtherKey = "another-key-of-the-gateway-tests";
    private readonly bool ownsHome;

    private GatewayServer(ServingHost host, string home, bool ownsHome, RecordedLog log)
    {
        (Host, Home, this.ownsHome, Log) = (host, home, ownsHome, log);
        Client = ClientOf(Key);
    }

    public ServingHost Host { get; }

    public string Home { get; }

    public RecordedLog Log { get; }

    public FileBlobStore Blobs => new(Home);

    /// <summary>A client with the key.</summary>
    public HttpClient Client { get; }

    internal DrawingEngine Engine => Host.Services.GetRequiredService<DrawingEngine>();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<GatewayServer> StartAsync(TinyModel model, params (string Setting, string Value)[] settings)
        => await StartAsync(model.CopyHome(), ownsHome: true, settings);

    public static Task<GatewayServer> StartAsync(string home, bool ownsHome, params (string Setting, string Value)[] settings)
        => StartAsync(new FileBlobStore(home), home, ownsHome, settings);

    public static async Task<GatewayServer> StartAsync(IBlobStore blobs, string home, bool ownsHome, params (string Setting, string Value)[] settings)
    {
        var configuration = new Dictionary<string, string?>
        {
            ["Ddm:ApiKeys:0"] = Key,
            ["Ddm:ApiKeys:1"] = "images:" + OtherKey,
            ["Ddm:ApiKeys:2"] = "runs:a-key-for-runs-and-nothing-else",
            ["Ddm:Gateway:PollEvery"] = "00:00:00.1",
            ["Ddm:Gateway:MaxSteps"] = "1000",
        };
        foreach (var (setting, value) in settings)
        {
            configuration[setting] = value;
        }

        var log = new RecordedLog();
        var host = await ServingHost.StartAsync(
            blobs, "http://127.0.0.1:0", configuration, logging => logging.SetMinimumLevel(LogLevel.Information).AddProvider(log), Token);
        return new GatewayServer(host, home, ownsHome, log);
    }

    public HttpClient ClientOf(string? key)
    {
        var client = new HttpClient { BaseAddress = Host.Address, Timeout = TimeSpan.FromMinutes(1) };
        if (key is not null)
        {
            client.DefaultRequestHeaders.Authorization = new("Bearer", key);
        }

        return client;
    }

    /// <summary>Sends a request for pictures.</summary>
    public Task<HttpResponseMessage> SendAsync(object body, CancellationToken? cancellation = null)
        => Client.PostAsJsonAsync("/v1/images/generations", body, cancellation ?? Token);

    /// <summary>Sends a body as it is.</summary>
    public Task<HttpResponseMessage> SendTextAsync(string body, string path = "/v1/images/generations")
        => Client.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"), Token);

    /// <summary>Draws, and gives the answer.</summary>
    public async Task<JsonElement> DrawAsync(object body)
    {
        using var response = await SendAsync(body);
        return await JsonAsync(response, HttpStatusCode.OK);
    }

    public static async Task<JsonElement> JsonAsync(HttpResponseMessage response, HttpStatusCode status)
    {
        var text = await response.Content.ReadAsStringAsync(Token);
        Assert.True(response.StatusCode == status, $"{(int)response.StatusCode}: {text}");
        return JsonDocument.Parse(text).RootElement.Clone();
    }

    /// <summary>Asserts that the answer is an error in OpenAI's form, and gives it.</summary>
    public static async Task<(string Message, string? Param, string? Code)> ErrorAsync(HttpResponseMessage response, HttpStatusCode status)
    {
        var error = (await JsonAsync(response, status)).GetProperty("error");
        Assert.Equal(["message", "type", "param", "code"], error.EnumerateObject().Select(property => property.Name));
        Assert.DoesNotContain("   at ", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        return (error.GetProperty("message").GetString()!, error.GetProperty("param").GetString(), error.GetProperty("code").GetString());
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Host.DisposeAsync();
        if (ownsHome)
        {
            Directory.Delete(Home, recursive: true);
        }
    }
}

using System.Net;
using System.Text.Json;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Gateway.Tests;

/// <summary>Versions change under load: no request fails, each is of one version, and a bad version changes nothing.</summary>
public class ModelSwapTests(TinyModel model)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ANewVersionTakesOverWithoutAFailedRequest()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        var (first, second) = (await CurrentAsync(gateway), "");
        var pictures = new Dictionary<string, HashSet<string>>();
        using var enough = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 6).Select(async _ =>
        {
            var seen = new List<JsonElement>();
            while (!enough.IsCancellationRequested)
            {
                seen.Add(await gateway.DrawAsync(new { prompt = "1", seed = 4, num_inference_steps = 12 }));
            }

            return seen;
        }).ToArray();
        await Waiting.ForAsync("some load", TimeSpan.FromSeconds(20), _ => Task.FromResult(gateway.Engine.Active > 2));

        // The same weights under another default strategy draw other pictures.
        await PublishAsync(gateway.Blobs, manifest => manifest with { Version = "second", Routing = "full" });
        await Waiting.ForAsync("the second version", TimeSpan.FromSeconds(20), async _ => (second = await ServedAsync(gateway)) != first);
        await gateway.DrawAsync(new { prompt = "1" });
        await enough.CancelAsync();

        var answers = (await Task.WhenAll(clients)).SelectMany(seen => seen).ToArray();
        foreach (var answer in answers)
        {
            var version = answer.GetProperty("model_sha256").GetString()!;
            pictures.TryAdd(version, []);
            pictures[version].Add(answer.GetProperty("data")[0].GetProperty("b64_json").GetString()! + answer.GetProperty("strategy"));
        }

        Assert.Equal([first, second], pictures.Keys.OrderBy(version => version != first));
        Assert.All(pictures.Values, one => Assert.Single(one)); // of one version: one picture
    }

    [Fact]
    public async Task ABadVersionLeavesTheOldOneLiveAndAGoodOneFollows()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        var first = await ServedAsync(gateway);
        var whole = (await TinyModel.Catalog(gateway.Blobs).FindPublishedAsync(TinyModel.Name, Token))!;

        await PublishAsync(gateway.Blobs, manifest => manifest with
        {
            Version = "bad",
            Experts = [.. manifest.Experts.Select(expert => expert with { Weights = "weights/" + new string('0', 64) + ".safetensors" })],
        });
        await Waiting.ForAsync("a look at the bad one", TimeSpan.FromSeconds(20), _ => Task.FromResult(gateway.Log.Lines.Any(line => line.Contains("cannot be served", StringComparison.Ordinal))));

        Assert.Equal(first, await ServedAsync(gateway));
        await gateway.DrawAsync(new { prompt = "1" });
        await PublishAsync(gateway.Blobs, _ => whole with { Version = "good" });
        await Waiting.ForAsync("the good one", TimeSpan.FromSeconds(20), async _ => await ServedAsync(gateway) != first);
    }

    [Fact]
    public async Task SeveralModelsAreServedByName()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        var manifest = (await TinyModel.Catalog(gateway.Blobs).FindPublishedAsync(TinyModel.Name, Token))!;
        await new Publication(gateway.Blobs, TinyModel.Catalog(gateway.Blobs)).PublishAsync(manifest with { Name = "other" }, Token);
        await Waiting.ForAsync("two models", TimeSpan.FromSeconds(20), async _ => (await ModelsAsync(gateway)).GetArrayLength() == 2);

        Assert.Equal("other", (await gateway.DrawAsync(new { prompt = "1", model = "other" })).GetProperty("model").GetString());
        using var unnamed = await gateway.SendAsync(new { prompt = "1" });
        var error = await GatewayServer.ErrorAsync(unnamed, HttpStatusCode.BadRequest);
        Assert.Equal("model", error.Param);
        Assert.Contains("other, tiny", error.Message, StringComparison.Ordinal);
    }

    /// <summary>An expert whose weights are not there: the picture is drawn by the others, and says so.</summary>
    [Fact]
    public async Task AModelThatLacksAnExpertIsDegraded()
    {
        var home = model.CopyHome();
        await PublishAsync(new FileBlobStore(home), manifest => manifest with { Version = "lacking", Experts = [manifest.Experts[0], manifest.Experts[1] with { Weights = null, Sha256 = null }] });
        await using var gateway = await GatewayServer.StartAsync(home, ownsHome: true);
        using var response = await gateway.SendAsync(new { class_label = -1, seed = 2 });

        if (response.StatusCode == HttpStatusCode.ServiceUnavailable)
        {
            Assert.Equal("model_degraded", (await GatewayServer.ErrorAsync(response, HttpStatusCode.ServiceUnavailable)).Code);
            return;
        }

        var answer = await GatewayServer.JsonAsync(response, HttpStatusCode.OK);
        Assert.True(answer.GetProperty("degraded").GetBoolean());
        Assert.InRange(answer.GetProperty("data")[0].GetProperty("live_mass").GetDouble(), 0.2, 0.999);
    }

    private static async Task PublishAsync(FileBlobStore blobs, Func<ModelManifest, ModelManifest> change)
    {
        var catalog = TinyModel.Catalog(blobs);
        await new Publication(blobs, catalog).PublishAsync(change((await catalog.FindPublishedAsync(TinyModel.Name, Token))!), Token);
    }

    private static async Task<string> CurrentAsync(GatewayServer gateway) => (await TinyModel.Catalog(gateway.Blobs).FindCurrentAsync(TinyModel.Name, Token))!.ManifestSha256;

    private static async Task<string> ServedAsync(GatewayServer gateway) => (await ModelsAsync(gateway))[0].GetProperty("sha256").GetString()!;

    private static async Task<JsonElement> ModelsAsync(GatewayServer gateway)
    {
        using var response = await gateway.Client.GetAsync("/v1/models", Token);
        return (await GatewayServer.JsonAsync(response, HttpStatusCode.OK)).GetProperty("data");
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Serving;
using Ddm.Storage;
using Ddm.Tensors;
using Microsoft.Extensions.Logging;

namespace Ddm.Bench;

/// <summary>Pictures over HTTP by concurrent clients beside the same pictures drawn offline in batches; and one picture of K experts beside one of a single model.</summary>
internal sealed class ServingBenchmark : Benchmark
{
    private const int Experts = 8, Side = 32, Classes = 10, Steps = 8, Clients = 16, Each = 3, Alone = 5;
    private const string Key = "a-key-of-the-serving-benchmark", Many = "many", One = "one";

    private static readonly NetworkSpec Expert = NetworkPresets.Resolve(new NetworkSpec { Hidden = 192, Depth = 6, Heads = 6, Patch = 4 });
    private static readonly UntrainedModel Model = new(Expert, NetworkPresets.Resolve(new NetworkSpec { Hidden = 64, Depth = 3, Heads = 4, Patch = 4 }), Side, Classes);

    public override string Name => "serving";

    public override string Title => "Serving: 16 clients of a gateway beside drawing offline";

    public override async Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        TorchRuntime.SetThreads(Environment.ProcessorCount);
        var home = Directory.CreateTempSubdirectory("ddm-bench-serving-").FullName;
        try
        {
            var blobs = new FileBlobStore(home);
            await Model.PublishAsync(blobs, Many, Experts, cancellationToken);
            await Model.PublishAsync(blobs, One, 1, cancellationToken);
            var settings = new Dictionary<string, string?> { ["Ddm:ApiKeys:0"] = Key, ["Ddm:Gateway:RequestsPerMinute"] = "1000000" };
            await using var host = await ServingHost.StartAsync(blobs, "http://127.0.0.1:0", settings, logging => logging.SetMinimumLevel(LogLevel.Warning), cancellationToken);
            using var client = new HttpClient { BaseAddress = host.Address, Timeout = TimeSpan.FromMinutes(10) };
            client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
            return await CompareAsync(blobs, client, cancellationToken);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    private static async Task<Section> CompareAsync(FileBlobStore blobs, HttpClient client, CancellationToken cancellationToken)
    {
        using var device = new DeviceThread();
        var loader = new ModelLoader(blobs, UntrainedModel.Catalog(blobs), device);
        using var many = await loader.OpenAsync(Many, cancellationToken);
        using var one = await loader.OpenAsync(One, cancellationToken);
        await ServeAsync(client, [], cancellationToken); // both ways are warm before they are timed
        await OfflineAsync(device, many, Clients, "ancestral");
        var (offline, served, latencies, single, gateway) = (new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < 3; round++)
        {
            offline.Add(await OfflineAsync(device, many, Clients, "ancestral") / Clients);
            served.Add(await ServeAsync(client, latencies, cancellationToken) / (Clients * Each));
            for (var i = 0; i < Alone; i++)
            {
                single.Add(await OfflineAsync(device, one, 1, "top-1"));
                gateway.Add(await TimedAsync(client, Many, "top-1", i, cancellationToken));
            }
        }

        var throughput = Statistics.Median(offline) / Statistics.Median(served);
        var latency = Statistics.Median(gateway) / Statistics.Median(single);
        latencies.Sort();
        return new Section(
            string.Create(CultureInfo.InvariantCulture, $"K = {Experts} experts (hidden {Expert.Hidden}, depth {Expert.Depth}, patch {Expert.Patch}), pictures of {Side} x {Side} x 3, {Steps} Euler steps, PNG in base64 over HTTP on loopback, one process. Offline: the sampler's loop over batches of {Clients}, ancestral routing. ")
            + string.Create(CultureInfo.InvariantCulture, $"Served: {Clients} clients, each asking for one picture after another, {Each} each a round, three rounds that took turns. One picture: top-1 of {Experts} with its router through the gateway, beside one expert alone without any of it."),
            ["", "median", "ratio"],
            [
                ["offline, batches of 16, a picture", Cells.Seconds(Statistics.Median(offline)), Cells.Ratio(1)],
                ["served, 16 clients, a picture", Cells.Seconds(Statistics.Median(served)), Cells.Ratio(Statistics.Median(served) / Statistics.Median(offline))],
                ["one picture, one model, no gateway", Cells.Seconds(Statistics.Median(single)), Cells.Ratio(1)],
                ["one picture, top-1 of 8, gateway", Cells.Seconds(Statistics.Median(gateway)), Cells.Ratio(latency)],
                ["16 clients: latency p50", Cells.Seconds(latencies[latencies.Count / 2]), ""],
                ["16 clients: latency p99", Cells.Seconds(latencies[latencies.Count * 99 / 100]), ""],
            ],
            [
                new Target("throughput with 16 clients at least 0.85 x offline batches of 16", Cells.Ratio(throughput), throughput >= 0.85),
                new Target("one picture by top-1 at most 1.15 x one model without gateway", Cells.Ratio(latency), latency <= 1.15),
            ]);
    }

    private static Task<double> OfflineAsync(DeviceThread device, LoadedModel model, int pictures, string strategy) => device.RunAsync(() =>
    {
        var began = Stopwatch.GetTimestamp();
        using var result = model.Sampler().Sample(new SampleRequest
        {
            Seeds = [.. Enumerable.Range(0, pictures)],
            Labels = [.. Enumerable.Range(0, pictures).Select(i => (long)(i % Classes))],
            Steps = Steps,
            Strategy = RoutingStrategy.Parse(strategy),
        });
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    });

    private static async Task<double> ServeAsync(HttpClient client, List<double> latencies, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        var all = await Task.WhenAll(Enumerable.Range(0, Clients).Select(async i =>
        {
            var own = new List<double>();
            for (var j = 0; j < Each; j++)
            {
                own.Add(await TimedAsync(client, Many, "ancestral", i, cancellationToken));
            }

            return own;
        }));
        latencies.AddRange(all.SelectMany(own => own));
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static async Task<double> TimedAsync(HttpClient client, string model, string strategy, int i, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        using var response = await client.PostAsJsonAsync(
            "/v1/images/generations", new { model, class_label = i % Classes, seed = i, num_inference_steps = Steps, routing = new { strategy } }, cancellationToken);
        response.EnsureSuccessStatusCode();
        await response.Content.ReadAsByteArrayAsync(cancellationToken);
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }
}

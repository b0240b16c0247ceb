using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using Ddm.Runs;
using Ddm.Serving;
using Ddm.Storage;
using Ddm.Tensors;
using Microsoft.Extensions.Logging;

namespace Ddm.Bench;

/// <summary>Eight large experts in one expert host beside two each in four: the memory of each process, and what clients of a gateway get from them.</summary>
internal sealed class ExpertHostsBenchmark : Benchmark
{
    private const int Experts = 8, Hosts = 4, Side = 16, Classes = 10, Steps = 4, Clients = 16, Each = 2, Rounds = 3;
    private const double MostShare = 0.35;
    private const string Model = "large", Key = "a-key-of-the-hosts-benchmark";

    // Fewer to try it out.
    private static readonly int Depth = int.Parse(Environment.GetEnvironmentVariable("DDM_BENCH_EXPERT_DEPTH") ?? "5", CultureInfo.InvariantCulture);
    private static readonly NetworkSpec Expert = NetworkPresets.Resolve(new NetworkSpec { Hidden = 1024, Depth = Depth, Heads = 16, Patch = 4 });
    private static readonly NetworkSpec Router = NetworkPresets.Resolve(new NetworkSpec { Hidden = 64, Depth = 3, Heads = 4, Patch = 4 });
    private static readonly string[] Shares = [.. Enumerable.Range(1, Hosts).Select(part => FormattableString.Invariant($"{part}/{Hosts}"))];

    public override string Name => "expert-hosts";

    public override string Title => "Expert hosts: two of eight experts a process beside all in one";

    public override async Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        TorchRuntime.SetThreads(Environment.ProcessorCount);
        var home = Directory.CreateTempSubdirectory("ddm-bench-hosts-").FullName;
        try
        {
            var blobs = new FileBlobStore(home);
            await new UntrainedModel(Expert, Router, Side, Classes).PublishAsync(blobs, Model, Experts, cancellationToken);
            TorchRuntime.Collect();
            var each = Directory.EnumerateFiles(home, "*.safetensors", SearchOption.AllDirectories).Max(file => new FileInfo(file).Length);
            var all = await MeasureAsync(blobs, home, ["1/1"], "fp32", cancellationToken);
            var two = await MeasureAsync(blobs, home, Shares, "fp32", cancellationToken);
            var half = await MeasureAsync(blobs, home, Shares, "bf16", cancellationToken);
            return Report(each, all, two, half);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    private static Section Report(long each, Found all, Found two, Found half)
    {
        var share = two.Peak / (double)all.Peak;
        return new Section(
            string.Create(CultureInfo.InvariantCulture, $"K = {Experts} experts of {Cells.Megabytes(each)} (hidden {Expert.Hidden}, depth {Expert.Depth}), each `ddm host` a process, all on this machine; a gateway in one more, without experts. ")
                + string.Create(CultureInfo.InvariantCulture, $"{Clients} clients, {Each} pictures of {Side} x {Side} x 3 each a round, {Steps} Euler steps, ancestral routing, median of {Rounds} rounds. Of several processes the largest is shown. ")
                + "Peak: the most that was ever resident (VmHWM), loading included. Libraries: what is resident of files, which processes of a machine share. Beyond experts: resident less the experts' weights. "
                + "The processes share this machine's cores: what more machines would add is not in these figures.",
            ["", "loaded", "drawn", "peak", "of it libraries", "beyond experts", "a picture"],
            [
                Row("8 experts in one", all, Experts * each),
                Row("2 experts in each of 4", two, Experts / Hosts * each),
                Row("2 experts as bf16 in each of 4", half, Experts / Hosts * each / 2),
            ],
            [
                new Target("experts of at least 300 MB", Cells.Megabytes(each), each >= 300_000_000),
                new Target(string.Create(CultureInfo.InvariantCulture, $"peak of a process of two at most {MostShare} x that of all in one"), Cells.Ratio(share), share <= MostShare),
                new Target("peak as bf16 below that as fp32", Cells.Ratio(half.Peak / (double)two.Peak), half.Peak < two.Peak),
            ]);
    }

    private static string[] Row(string what, Found found, long weights) =>
    [
        what, Cells.Megabytes(found.Loaded), Cells.Megabytes(found.Drawn), Cells.Megabytes(found.Peak), Cells.Megabytes(found.Libraries), Cells.Megabytes(found.Drawn - weights),
        Cells.Seconds(found.Picture),
    ];

    private static async Task<Found> MeasureAsync(FileBlobStore blobs, string home, string[] shares, string weights, CancellationToken cancellationToken)
    {
        var hosts = await HostProgram.StartAsync(home, Model, shares, weights, Key, cancellationToken);
        try
        {
            var loaded = hosts.Max(host => ProcessMemory.Resident(host.Id));
            var settings = new Dictionary<string, string?>
            {
                ["Ddm:ApiKeys:0"] = Key,
                ["Ddm:Gateway:RequestsPerMinute"] = "1000000",
                ["Ddm:Gateway:ExpertWeights"] = weights,
                ["Ddm:ExpertHosts:Addresses"] = string.Join(';', hosts.Select(host => host.Address.AbsoluteUri)),
                ["Ddm:ExpertHosts:Key"] = Key,
                ["Ddm:ExpertHosts:Deadline"] = "00:05:00", // a machine that does other things beside is slow, not dead
            };
            await using var gateway = await ServingHost.StartAsync(blobs, "http://127.0.0.1:0", settings, logging => logging.SetMinimumLevel(LogLevel.Warning).AddSimpleConsole(), cancellationToken);
            using var client = new HttpClient { BaseAddress = gateway.Address, Timeout = TimeSpan.FromMinutes(10) };
            client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
            await DrawAsync(client, 0, "full", cancellationToken); // every expert has been asked before anything is timed
            List<double> rounds = [];
            for (var round = 0; round < Rounds; round++)
            {
                rounds.Add(await RoundAsync(client, cancellationToken));
            }

            var found = new Found(
                loaded, hosts.Max(host => ProcessMemory.Resident(host.Id)), hosts.Max(host => ProcessMemory.Peak(host.Id)), hosts.Max(host => ProcessMemory.Mapped(host.Id)), Statistics.Median(rounds));
            Console.Error.WriteLine($"   {shares.Length} x {weights}: peak {Cells.Megabytes(found.Peak)}, {Cells.Seconds(found.Picture)} a picture");
            return found;
        }
        finally
        {
            foreach (var host in hosts)
            {
                await host.DisposeAsync();
            }
        }
    }

    // Seconds a picture.
    private static async Task<double> RoundAsync(HttpClient client, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async i =>
        {
            for (var j = 0; j < Each; j++)
            {
                await DrawAsync(client, (Each * i) + j, "ancestral", cancellationToken);
            }
        }));
        return Stopwatch.GetElapsedTime(began).TotalSeconds / (Clients * Each);
    }

    private static async Task DrawAsync(HttpClient client, int seed, string strategy, CancellationToken cancellationToken)
    {
        using var response = await client.PostAsJsonAsync(
            "/v1/images/generations", new { class_label = seed % Classes, seed, num_inference_steps = Steps, routing = new { strategy } }, cancellationToken);
        var answer = await response.Content.ReadAsStringAsync(cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw new IOException($"The gateway answers {(int)response.StatusCode}: {answer}");
        }
    }

    /// <summary>What was found of the largest process, bytes, and seconds a picture.</summary>
    private sealed record Found(long Loaded, long Drawn, long Peak, long Libraries, double Picture);
}

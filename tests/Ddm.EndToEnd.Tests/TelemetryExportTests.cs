using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

/// <summary>What a collector and Prometheus get from the services of a run, each a process.</summary>
public sealed class TelemetryExportTests(SharedServers servers)
{
    private const string Key = "a-key-of-the-tests-that-is-long-enough-0123456789";
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736", Caller = "00f067aa0ba902b7";
    private static readonly TimeSpan LongestDrawing = TimeSpan.FromMinutes(1);
    private static readonly string[] Services = ["ControlPlane", "FeatureExtractor", "Clusterer", "RouterTrainer", "ExpertTrainer"];
    private static readonly string[] Servers = ["ExpertHost", "InferenceGateway"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TracesJoinSubmissionSlicesAndCommitsAcrossProcessesAndEveryDocumentedMetricArrives()
    {
        var spec = TinyFolder.DefaultSpec
            .Replace("experts: { steps: 12", "experts: { steps: 300", StringComparison.Ordinal)
            .Replace("slice_seconds: 0.01", "slice_seconds: 0.5", StringComparison.Ordinal);
        using var files = new TinyFolder(spec);
        var (rabbit, store) = (await servers.NewBrokerAsync(), servers.NewStore());
        var blobs = BlobStores.Open(store);
        await using var collector = await OtlpReceiver.StartAsync(Cancel);
        var ports = LoopbackPort.Free(Services.Length);
        var processes = Services.Zip(ports, (name, port) => ServiceProcess.Start(name, Settings(name, port, rabbit, store, collector, files))).ToArray();
        string Output() => string.Join(Environment.NewLine, processes.Select(process => process.Output));
        try
        {
            foreach (var process in processes)
            {
                await process.ReadyAsync();
            }

            await SubmitAsync(processes[0], files);
            using var over = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            var scraping = ScrapeAsync(ports, over.Token);
            var document = await RunOutcome.EndAsync(blobs, Output);
            Assert.True(document.Status == RunStatus.Succeeded, document.Failure + Output());
            await over.CancelAsync();
            var scraped = (await scraping).ToHashSet();

            // where the API is there are no metrics
            Assert.Equal(HttpStatusCode.NotFound, await processes[0].StatusAsync("/metrics", Cancel, Key));
            foreach (var process in processes)
            {
                Assert.Equal(0, await process.StopAsync()); // and sends what it has not sent yet
            }

            scraped.UnionWith(await DrawAsync(store, collector));
            AssertTraces([.. collector.Spans]);
            AssertDrawing([.. collector.Spans]);
            var sent = collector.Metrics.Keys.Select(key => key.Metric).ToHashSet();
            Assert.Empty(Metrics.Documented.Where(metric => metric.IsAlways).Select(metric => metric.Name).Except(sent));
            Assert.Empty(Metrics.Documented.Where(metric => metric.IsAlways).Select(metric => metric.Prometheus).Except(scraped));
            Assert.Empty(scraped.Where(name => name.StartsWith("ddm_", StringComparison.Ordinal)).Except(Metrics.Documented.Select(metric => metric.Prometheus)));
            Assert.Equal(Services.Concat(Servers).Order(), collector.Logging.Keys.Order());
        }
        finally
        {
            foreach (var process in processes)
            {
                await process.DisposeAsync();
            }
        }
    }

    private static void AssertTraces(ReceivedSpan[] spans)
    {
        var submission = Assert.Single(spans, span => span.Name.StartsWith("POST /runs", StringComparison.Ordinal));
        Assert.Equal("ControlPlane", submission.Service);
        var slices = spans.Where(span => span.Name == "TrainSlice").ToArray();
        Assert.Contains(slices, slice => slice.Service == "ExpertTrainer" && slice.Attributes["ddm.role"] == "experts/0");
        Assert.Contains(slices, slice => slice.Service == "RouterTrainer" && slice.Attributes["ddm.role"] == "router");
        Assert.All(slices, slice => Assert.Equal("", slice.Parent));
        Assert.All(slices, slice => Assert.Equal([submission.Trace], slice.LinkedTraces));

        var commits = spans.Where(span => span.Name == "Commit").ToArray();
        Assert.True(commits.Length >= 3, "each role commits");
        Assert.All(commits, commit =>
        {
            var slice = Assert.Single(slices, slice => slice.Id == commit.Parent);
            Assert.Equal((slice.Service, slice.Trace, slice.Attributes["ddm.role"]), (commit.Service, commit.Trace, commit.Attributes["ddm.role"]));
        });
        Assert.DoesNotContain(spans, span => span.Name.Contains("health", StringComparison.Ordinal) || span.Name.Contains("metrics", StringComparison.Ordinal));
    }

    // What was published, by a gateway that has no expert itself. The names that Prometheus finds there.
    private static async Task<IReadOnlySet<string>> DrawAsync(string store, OtlpReceiver collector)
    {
        var ports = LoopbackPort.Free(3);
        var listens = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ports[2]}");
        Dictionary<string, string> hosts = new() { ["Ddm:ExpertHost:Model"] = TinyFolder.RunName, ["Ddm:ExpertHost:Listen"] = listens };
        Dictionary<string, string> asked = new() { ["Ddm:ExpertHosts:Addresses"] = listens, ["Ddm:ExpertHosts:Key"] = Key };
        await using var host = ServiceProcess.Start(Servers[0], new[] { Settings(Servers[0], ports[0], store, collector), hosts }.SelectMany(pair => pair).ToDictionary());
        await host.ReadyAsync(); // a gateway that finds it without experts answers 503 until it looks again
        await using var gateway = ServiceProcess.Start(Servers[1], new[] { Settings(Servers[1], ports[1], store, collector), asked }.SelectMany(pair => pair).ToDictionary());
        await gateway.ReadyAsync();

        using var client = new HttpClient { Timeout = LongestDrawing };
        using var request = new HttpRequestMessage(HttpMethod.Post, gateway.Address + "/v1/images/generations") { Content = new StringContent("""{"prompt": "1", "n": 2, "seed": 1}""", Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        request.Headers.Add("traceparent", $"00-{Trace}-{Caller}-01");
        using var response = await client.SendAsync(request, Cancel);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Cancel) + gateway.Output);

        var page = await client.GetStringAsync(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ports[1]}/metrics"), Cancel);
        AssertSays(page, @"ddm_gateway_pictures_total\{[^}]*ddm_degraded=""false""[^}]*\} 2\s");
        AssertSays(page, @"ddm_gateway_pictures_total\{[^}]*ddm_degraded=""true""[^}]*\} 0\s"); // from the start: an alert sees the first
        AssertSays(page, @"ddm_gateway_requests_total\{[^}]*status=""429""[^}]*\} 0\s");
        AssertSays(page, @"ddm_gateway_expert_host_up\{[^}]*\} 1\s");
        Assert.Equal(0, await gateway.StopAsync()); // and sends what it has not sent yet
        Assert.Equal(0, await host.StopAsync());
        return Names(page).ToHashSet();
    }

    private static void AssertDrawing(ReceivedSpan[] spans)
    {
        var request = Assert.Single(spans, span => span.Name == "POST /v1/images/generations");
        Assert.Equal(("InferenceGateway", Trace, Caller), (request.Service, request.Trace, request.Parent)); // the client's own
        var drawing = Assert.Single(spans, span => span.Name == "Draw");
        Assert.Equal(("InferenceGateway", Trace, request.Id, TinyFolder.RunName), (drawing.Service, drawing.Trace, drawing.Parent, drawing.Attributes["ddm.model"]));
        Assert.DoesNotContain(spans, span => span.Name.Contains("ExpertHost", StringComparison.Ordinal) || span.Attributes.Values.Any(value => value.Contains("ddm.ExpertHost", StringComparison.Ordinal)));
    }

    private static Dictionary<string, string> Settings(string name, int metricsPort, VirtualHost rabbit, string store, OtlpReceiver collector, TinyFolder files) => new(Settings(name, metricsPort, store, collector))
    {
        ["ConnectionStrings:messaging"] = rabbit.ConnectionString,
        ["Ddm:SourceRoots:0"] = files.Folder,
        ["Ddm:ReconcileEvery"] = "00:00:01",
    };

    private static Dictionary<string, string> Settings(string name, int metricsPort, string store, OtlpReceiver collector) => new()
    {
        ["ConnectionStrings:blobs"] = store,
        ["Ddm:ApiKeys:0"] = Key,
        ["Ddm:MetricsPort"] = metricsPort.ToString(CultureInfo.InvariantCulture),
        ["OTEL_SERVICE_NAME"] = name,
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address,
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
        ["DOTNET_gcServer"] = "0",
    };

    private static async Task SubmitAsync(ServiceProcess controlPlane, TinyFolder files)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, controlPlane.Address + "/runs")
        {
            Content = new StringContent(await File.ReadAllTextAsync(files.SpecFile, Cancel), Encoding.UTF8, "application/yaml"),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        using var response = await client.SendAsync(request, Cancel);
        Assert.True(response.StatusCode == HttpStatusCode.Created, await response.Content.ReadAsStringAsync(Cancel));
    }

    // As Prometheus does, again and again: ages of roles are there only while they train.
    private static async Task<IReadOnlySet<string>> ScrapeAsync(int[] ports, CancellationToken cancellationToken)
    {
        var names = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
        using var client = new HttpClient();
        try
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
            do
            {
                foreach (var port in ports)
                {
                    var text = await client.GetStringAsync(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/metrics"), cancellationToken);
                    foreach (var name in Names(text))
                    {
                        names[name] = true;
                    }
                }
            }
            while (await timer.WaitForNextTickAsync(cancellationToken));
        }
        catch (OperationCanceledException)
        {
            // the run is over
        }

        return names.Keys.ToHashSet();
    }

    private static void AssertSays(string page, string sample) => Assert.True(Regex.IsMatch(page, sample), sample + Environment.NewLine + page);

    private static IEnumerable<string> Names(string page) => page.Split('\n').Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]);
}

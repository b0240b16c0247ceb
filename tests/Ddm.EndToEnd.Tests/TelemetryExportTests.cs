using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

/// <summary>What a collector and Prometheus get from the services of a run, each a process.</summary>
public sealed class TelemetryExportTests(SharedServers servers)
{
    private const string Key = "a-key-of-the-tests-that-is-long-enough-0123456789";
    private static readonly string[] Services = ["ControlPlane", "FeatureExtractor", "Clusterer", "RouterTrainer", "ExpertTrainer"];

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
            var scraped = await scraping;

            // where the API is there are no metrics
            Assert.Equal(HttpStatusCode.NotFound, await processes[0].StatusAsync("/metrics", Cancel, Key));
            foreach (var process in processes)
            {
                Assert.Equal(0, await process.StopAsync()); // and sends what it has not sent yet
            }

            AssertTraces([.. collector.Spans]);
            var sent = collector.Metrics.Keys.Select(key => key.Metric).ToHashSet();
            Assert.Empty(Metrics.Documented.Where(metric => metric.IsAlways).Select(metric => metric.Name).Except(sent));
            Assert.Empty(Metrics.Documented.Where(metric => metric.IsAlways).Select(metric => metric.Prometheus).Except(scraped));
            Assert.Empty(scraped.Where(name => name.StartsWith("ddm_", StringComparison.Ordinal)).Except(Metrics.Documented.Select(metric => metric.Prometheus)));
            Assert.Equal(Services.Order(), collector.Logging.Keys.Order());
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

    private static Dictionary<string, string> Settings(string name, int metricsPort, VirtualHost rabbit, string store, OtlpReceiver collector, TinyFolder files) => new()
    {
        ["ConnectionStrings:messaging"] = rabbit.ConnectionString,
        ["ConnectionStrings:blobs"] = store,
        ["Ddm:SourceRoots:0"] = files.Folder,
        ["Ddm:ApiKeys:0"] = Key,
        ["Ddm:ReconcileEvery"] = "00:00:01",
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
                    foreach (var line in text.Split('\n').Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)))
                    {
                        names[line.Split(' ')[2]] = true;
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
}

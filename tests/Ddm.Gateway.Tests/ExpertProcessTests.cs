using System.Net;
using System.Net.Http.Json;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Gateway.Tests;

/// <summary>Eight experts on four processes, one of which is killed under load.</summary>
[Trait("Category", "Long")]
public sealed class ExpertProcessTests : IDisposable
{
    private const int Experts = 8, Clients = 8;
    private static readonly NetworkSpec Small = new() { Hidden = 64, Depth = 2, Heads = 2, Patch = 4 };
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly string home = Directory.CreateTempSubdirectory("ddm-expert-hosts-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(home, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AKilledHostLosesNoRequest(bool replicated)
    {
        await RandomModel.PublishAsync(new FileBlobStore(home), Experts, Small, Token);
        var hosts = await ExpertHostProcess.StartAsync(home, replicated ? ["0,1,2,3", "4,5,6,7", "0,1,2,3", "4,5,6,7"] : ["1/4", "2/4", "3/4", "4/4"]);
        try
        {
            await using var here = await GatewayServer.StartAsync(home, ownsHome: false, ("Ddm:Gateway:RequestsPerMinute", "1000000"));
            await using var gateway = await GatewayServer.StartAsync(
                home, ownsHome: false, [.. ExpertHostProcess.Over(hosts), ("Ddm:Gateway:RequestsPerMinute", "1000000"), ("Ddm:Gateway:LiveMassFloor", "0.01")]);
            var expected = new Dictionary<int, string>();
            for (var i = 0; i < 12; i++)
            {
                expected[i] = (await here.DrawAsync(Body(i))).GetProperty("data").ToString();
            }

            var (next, whole, degraded) = (0, 0, 0);
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(Token);
            var clients = Enumerable.Range(0, Clients).Select(_ => Task.Run(async () =>
            {
                while (!enough.IsCancellationRequested)
                {
                    var i = Interlocked.Increment(ref next) % expected.Count;
                    var answer = await gateway.DrawAsync(Body(i));
                    if (answer.GetProperty("degraded").GetBoolean())
                    {
                        Assert.InRange(answer.GetProperty("data")[0].GetProperty("live_mass").GetDouble(), 0.01, 0.9999);
                        Interlocked.Increment(ref degraded);
                    }
                    else
                    {
                        Assert.Equal(expected[i], answer.GetProperty("data").ToString());
                        Interlocked.Increment(ref whole);
                    }
                }
            })).ToArray();
            await ReachAsync("whole pictures at first", () => whole >= 2 * Clients, clients);
            Assert.Equal(0, degraded);

            await hosts[1].KillAsync();
            var mark = next;
            await ReachAsync(
                replicated ? "pictures go on" : "degraded pictures", () => replicated ? next >= mark + (4 * Clients) : degraded >= 2 * Clients, clients);
            await hosts[1].ReturnAsync();
            await Waiting.ForAsync("whole pictures again", Patience, async _ => !(await gateway.DrawAsync(Body(0))).GetProperty("degraded").GetBoolean());
            mark = whole;
            await ReachAsync("whole pictures after it is back", () => whole >= mark + (2 * Clients), clients);
            await enough.CancelAsync();
            await Task.WhenAll(clients).WaitAsync(Patience, Token);

            TestContext.Current.TestOutputHelper?.WriteLine($"{whole} whole and as in one process, {degraded} degraded, none lost");
            Assert.True(!replicated || degraded == 0, $"{degraded} degraded though each expert is on two hosts");
            await Waiting.ForAsync("nothing left", TimeSpan.FromSeconds(5), _ => Task.FromResult(gateway.Engine is { Active: 0, Waiting: 0 }));
        }
        finally
        {
            await Task.WhenAll(hosts.Select(host => host.DisposeAsync().AsTask()));
        }
    }

    [Fact]
    public async Task AHostThatIsStoppedIsGivenUpAndTakenBack()
    {
        await RandomModel.PublishAsync(new FileBlobStore(home), 2, Small, Token);
        var hosts = await ExpertHostProcess.StartAsync(home, "0", "1");
        try
        {
            await using var gateway = await GatewayServer.StartAsync(home, ownsHome: false, [.. ExpertHostProcess.Over(hosts), ("Ddm:ExpertHosts:Deadline", "00:00:02")]);
            hosts[1].Process.Signal(Signals.Stop);

            Assert.True((await gateway.DrawAsync(Body(0)).WaitAsync(Patience, Token)).GetProperty("degraded").GetBoolean());
            hosts[1].Process.Signal(Signals.Continue);
            await Waiting.ForAsync("whole pictures again", Patience, async _ => !(await gateway.DrawAsync(Body(0))).GetProperty("degraded").GetBoolean());
        }
        finally
        {
            await Task.WhenAll(hosts.Select(host => host.DisposeAsync().AsTask()));
        }
    }

    /// <summary>Experts of 0.3 GB and more: a process that holds two of eight takes a third of the memory of one that holds all.</summary>
    [Fact]
    public async Task AHostOfTwoExpertsTakesAThirdOfTheMemoryOfAll()
    {
        await RandomModel.PublishAsync(new FileBlobStore(home), Experts, new NetworkSpec { Hidden = 1024, Depth = 5, Heads = 8, Patch = 4 }, Token);
        var each = Directory.EnumerateFiles(Path.Combine(home, "weights")).Max(file => new FileInfo(file).Length);
        Assert.True(each >= 300_000_000, $"an expert of {each} bytes");
        var body = new { class_label = 1, n = 2, seed = 3, num_inference_steps = 2, routing = new { strategy = "full" } };

        long whole;
        string expected;
        var all = await ExpertHostProcess.StartAsync(home, "");
        try
        {
            expected = await DrawOverAsync(all, body);
            whole = all[0].PeakBytes();
        }
        finally
        {
            await Task.WhenAll(all.Select(host => host.DisposeAsync().AsTask()));
        }

        var hosts = await ExpertHostProcess.StartAsync(home, "1/4", "2/4", "3/4", "4/4");
        try
        {
            Assert.Equal(expected, await DrawOverAsync(hosts, body));
            long[] peaks = [.. hosts.Select(host => host.PeakBytes())];
            TestContext.Current.TestOutputHelper?.WriteLine($"experts of {each >> 20} MiB; all in one process: peak {whole >> 20} MiB; two a process: {string.Join(", ", peaks.Select(peak => $"{peak >> 20} MiB ({peak / (double)whole:F3})"))}");
            Assert.All(peaks, peak => Assert.InRange(peak / (double)whole, 0, 0.35));
        }
        finally
        {
            await Task.WhenAll(hosts.Select(host => host.DisposeAsync().AsTask()));
        }
    }

    private static object Body(int i) => new
    {
        class_label = i % 4, n = 1 + (i % 2), seed = 10 * i, num_inference_steps = 6, guidance_scale = 1 + (i % 2),
        routing = new { strategy = i % 3 == 0 ? "full" : i % 3 == 1 ? "ancestral" : "sample" },
    };

    private async Task<string> DrawOverAsync(ExpertHostProcess[] hosts, object body)
    {
        await using var gateway = await GatewayServer.StartAsync(home, ownsHome: false, [.. ExpertHostProcess.Over(hosts)]);
        gateway.Client.Timeout = Patience;
        using var response = await gateway.Client.PostAsJsonAsync("/v1/images/generations", body, Token);
        var answer = await GatewayServer.JsonAsync(response, HttpStatusCode.OK);
        Assert.False(answer.GetProperty("degraded").GetBoolean());
        return answer.GetProperty("data").ToString();
    }

    // A client that fails ends the wait at once.
    private static async Task ReachAsync(string what, Func<bool> reached, Task[] clients)
    {
        await Waiting.ForAsync(what, Patience, _ => Task.FromResult(reached() || clients.Any(client => client.IsFaulted)));
        await Task.WhenAll(clients.Where(client => client.IsFaulted));
    }
}

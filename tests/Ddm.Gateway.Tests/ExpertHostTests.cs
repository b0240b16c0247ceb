using System.Net;
using System.Text.Json;
using Ddm.Services;
using Ddm.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace Ddm.Gateway.Tests;

/// <summary>Experts in other processes: the same pictures, and what happens when one is slow, lost or refuses.</summary>
public class ExpertHostTests(TinyModel model)
{
    private static readonly TimeSpan Soon = TimeSpan.FromMinutes(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PicturesAreThoseOfOneProcess()
    {
        var home = model.CopyHome();
        await using var first = await ExpertHostServer.StartAsync(home, "0");
        await using var second = await ExpertHostServer.StartAsync(home, "2/2");
        await using var here = await GatewayServer.StartAsync(home, ownsHome: true);
        await using var there = await GatewayServer.StartAsync(home, ownsHome: false, ExpertHostServer.Over(first, second));
        await using var half = await GatewayServer.StartAsync(home, ownsHome: false, [.. ExpertHostServer.Over(second), ("Ddm:ExpertHosts:Local", "0")]);
        object[] asked =
        [
            .. new[] { "top-1", "top-2", "full", "sample", "nucleus", "threshold", "ancestral" }.Select((strategy, i) => (object)new
            {
                prompt = i % 2 == 0 ? "0" : "1", n = 1 + (i % 3), seed = 100 * i, num_inference_steps = 3 + i, guidance_scale = 1 + (i % 3), solver = i % 2 == 0 ? "heun" : "euler",
                routing = new { strategy, guidance = i % 2 == 0 ? "separate" : "shared" },
            }),
        ];

        var (one, two) = (new Uri(first.Address), new Uri(second.Address));
        foreach (var (gateway, hosts) in new[] { (there, $"{{\"0\":[\"{one}\"],\"1\":[\"{two}\"]}}"), (half, $"{{\"1\":[\"{two}\"]}}") })
        {
            var answers = await Task.WhenAll(asked.Select(gateway.DrawAsync)).WaitAsync(Soon, Token);
            for (var i = 0; i < asked.Length; i++)
            {
                Assert.Equal((await here.DrawAsync(asked[i])).GetProperty("data").ToString(), answers[i].GetProperty("data").ToString());
                Assert.False(answers[i].GetProperty("degraded").GetBoolean());
            }

            Assert.Equal(hosts, answers[2].GetProperty("hosts").ToString()); // all experts were asked

            Assert.Equal((0, 0), (gateway.Engine.Active, gateway.Engine.Waiting));
        }
    }

    [Fact]
    public async Task AnExpertLostOnTheWayIsSaidAndIsBackWhenItReturns()
    {
        var home = model.CopyHome();
        await using var stays = await ExpertHostServer.StartAsync(home, "0");
        var goes = await ExpertHostServer.StartAsync(home, "1");
        await using var gateway = await GatewayServer.StartAsync(home, ownsHome: true, ExpertHostServer.Over(stays, goes));
        await using var strict = await GatewayServer.StartAsync(home, ownsHome: false, [.. ExpertHostServer.Over(stays, goes), ("Ddm:Gateway:LiveMassFloor", "1")]);
        var slow = new { prompt = "1", n = 2, seed = 5, num_inference_steps = 300, routing = new { strategy = "full" } };

        var (drawn, refused) = (gateway.DrawAsync(slow), strict.SendAsync(slow));
        await Waiting.ForAsync("the host that goes has answered both", Soon, _ => Task.FromResult(new[] { gateway, strict }.All(one => Fleet(one).Links[1].Expected(1) > 0)));
        await goes.DisposeAsync();

        var answer = await drawn.WaitAsync(Soon, Token);
        Assert.True(answer.GetProperty("degraded").GetBoolean());
        var picture = answer.GetProperty("data")[0];
        Assert.InRange(picture.GetProperty("live_mass").GetDouble(), 0.2, 0.999);
        Assert.Equal([1.0, 0.0], picture.GetProperty("weights")[299].EnumerateArray().Select(weight => weight.GetDouble()));
        Assert.True(picture.GetProperty("weights")[0][1].GetDouble() > 0, "it was asked before it went");
        using (var response = await refused.WaitAsync(Soon, Token))
        {
            Assert.Equal("model_degraded", (await GatewayServer.ErrorAsync(response, HttpStatusCode.ServiceUnavailable)).Code);
            Assert.True(response.Headers.RetryAfter is not null);
        }

        await using var back = await ExpertHostServer.StartAsync(home, "1", goes.Port);
        await Waiting.ForAsync("the expert is asked again", Soon, async _ => !(await gateway.DrawAsync(new { prompt = "1", seed = 5 })).GetProperty("degraded").GetBoolean());
        Assert.Equal((0, 0), (gateway.Engine.Active, strict.Engine.Active));
    }

    [Fact]
    public async Task AReplicaAnswersForAHostThatGoes()
    {
        var home = model.CopyHome();
        await using var stays = await ExpertHostServer.StartAsync(home, "");
        var goes = await ExpertHostServer.StartAsync(home, "0,1");
        await using var here = await GatewayServer.StartAsync(home, ownsHome: true);
        await using var gateway = await GatewayServer.StartAsync(home, ownsHome: false, ExpertHostServer.Over(stays, goes));
        var slow = new { prompt = "1", n = 2, seed = 5, num_inference_steps = 300, routing = new { strategy = "full" } };

        var drawn = gateway.DrawAsync(slow);
        await Waiting.ForAsync("it draws", Soon, _ => Task.FromResult(gateway.Engine.Active == 2));
        await goes.DisposeAsync();

        var answer = await drawn.WaitAsync(Soon, Token);
        Assert.False(answer.GetProperty("degraded").GetBoolean());
        Assert.All(["0", "1"], expert => Assert.Contains(new Uri(stays.Address).ToString(), answer.GetProperty("hosts").GetProperty(expert).EnumerateArray().Select(host => host.GetString())));
        var alone = await here.DrawAsync(slow);
        Assert.Equal(alone.GetProperty("data").ToString(), answer.GetProperty("data").ToString());
        Assert.Empty(alone.GetProperty("hosts").EnumerateObject());
    }

    [Fact]
    public async Task ASlowHostHoldsUpItsOwnRowsAndNoOthers()
    {
        var home = model.CopyHome();
        await using var slow = await ExpertHostServer.StartAsync(home, "0");
        await using var fast = await ExpertHostServer.StartAsync(home, "1");
        await using var here = await GatewayServer.StartAsync(home, ownsHome: true);
        await using var gateway = await GatewayServer.StartAsync(home, ownsHome: false, [.. ExpertHostServer.Over(slow, fast), ("Ddm:Gateway:MaxBatch", "4")]);
        var (first, second) = (new List<object>(), new List<object>());
        var expected = new Dictionary<object, JsonElement>();
        for (var seed = 0; first.Count < 6 || second.Count < 6; seed++)
        {
            Assert.True(seed < 200, "every expert is chosen now and then");
            var body = new { class_label = seed % 2, seed, num_inference_steps = 5, solver = seed % 3 == 0 ? "heun" : "euler", routing = new { strategy = "ancestral" } };
            expected[body] = await here.DrawAsync(body);
            (expected[body].GetProperty("data")[0].GetProperty("experts")[0].GetInt32() == 0 ? first : second).Add(body);
        }

        Task<JsonElement>[] held;
        using (slow.Block())
        {
            held = [.. first.Select(gateway.DrawAsync)];
            await Waiting.ForAsync("the slow host's rows wait", Soon, _ => Task.FromResult(gateway.Engine.Active == first.Count));
            for (var round = 0; round < 3; round++)
            {
                var others = await Task.WhenAll(second.Select(gateway.DrawAsync)).WaitAsync(Soon, Token);
                Assert.All(second.Zip(others), pair => Assert.Equal(expected[pair.First].GetProperty("data").ToString(), pair.Second.GetProperty("data").ToString()));
            }

            Assert.DoesNotContain(held, task => task.IsCompleted);
        }

        var late = await Task.WhenAll(held).WaitAsync(Soon, Token);
        Assert.All(first.Zip(late), pair => Assert.Equal(expected[pair.First].GetProperty("data").ToString(), pair.Second.GetProperty("data").ToString()));
    }

    /// <summary>Time is counted in the fast host's answers: the slow one lets ten of them pass before each of its own.</summary>
    [Fact]
    public async Task ATenTimesSlowerHostDelaysOnlyTheRowsRoutedToIt()
    {
        const int steps = 5, slower = 10;
        var (home, answered) = (model.CopyHome(), 0);
        await using var slow = await ExpertHostServer.StartAsync(home, "0", async (context, answer) =>
        {
            var due = Volatile.Read(ref answered) + slower;
            await Waiting.ForAsync("ten answers of the fast host beside one of the slow one", Soon, _ => Task.FromResult(Volatile.Read(ref answered) >= due));
            await answer(context);
        });
        await using var fast = await ExpertHostServer.StartAsync(home, "1", async (context, answer) =>
        {
            await answer(context);
            Interlocked.Increment(ref answered);
        });
        await using var here = await GatewayServer.StartAsync(home, ownsHome: true);
        await using var gateway = await GatewayServer.StartAsync(home, ownsHome: false, [.. ExpertHostServer.Over(slow, fast), ("Ddm:ExpertHosts:Deadline", "00:02:00")]);
        var routed = new List<(object Body, string Picture)>[] { [], [] }; // to the slow one, to the fast one
        for (var seed = 0; routed.Any(bodies => bodies.Count < 4); seed++)
        {
            Assert.True(seed < 200, "every expert is chosen now and then");
            var body = new { class_label = seed % 2, seed, num_inference_steps = steps, solver = "euler", routing = new { strategy = "ancestral" } };
            var drawn = await here.DrawAsync(body);
            routed[drawn.GetProperty("data")[0].GetProperty("experts")[0].GetInt32()].Add((body, drawn.GetProperty("data").ToString()));
        }

        var waiting = routed[0].Select(one => gateway.DrawAsync(one.Body)).ToArray();
        var before = 0; // pictures of the fast host that were there before any of the slow one's
        for (var i = 0; !waiting.All(task => task.IsCompleted); i++)
        {
            var (body, picture) = routed[1][i % routed[1].Count];
            Assert.Equal(picture, (await gateway.DrawAsync(body).WaitAsync(Soon, Token)).GetProperty("data").ToString());
            before += waiting.Any(task => task.IsCompleted) ? 0 : 1;
        }

        Assert.Equal(routed[0].Select(one => one.Picture), (await Task.WhenAll(waiting).WaitAsync(Soon, Token)).Select(answer => answer.GetProperty("data").ToString()));
        Assert.True(before >= slower - 2, $"only {before} pictures came from the fast host while the slow one drew its first of {steps} steps"); // each has as many steps; the first and the last may overlap it
    }

    [Fact]
    public async Task WhoIsHungUpOnWhileAHostHangsIsLetGoOf()
    {
        var home = model.CopyHome();
        await using var host = await ExpertHostServer.StartAsync(home, "");
        await using var gateway = await GatewayServer.StartAsync(home, ownsHome: true, ExpertHostServer.Over(host));
        using (host.Block())
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
            var asked = gateway.SendAsync(new { prompt = "1" }, patience.Token);
            await Waiting.ForAsync("it waits", Soon, _ => Task.FromResult(gateway.Engine.Active == 1));
            await patience.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
            await Waiting.ForAsync("nothing is left", TimeSpan.FromSeconds(5), _ => Task.FromResult(gateway.Engine is { Active: 0, Waiting: 0 }));
        }
    }

    [Fact]
    public async Task AHostThatDoesNotAnswerInTimeIsLost()
    {
        var home = model.CopyHome();
        await using var hangs = await ExpertHostServer.StartAsync(home, "0");
        await using var stays = await ExpertHostServer.StartAsync(home, "1");
        await using var gateway = await GatewayServer.StartAsync(home, ownsHome: true, [.. ExpertHostServer.Over(hangs, stays), ("Ddm:ExpertHosts:Deadline", "00:00:00.5")]);
        using (hangs.Block())
        {
            Assert.True((await gateway.DrawAsync(new { prompt = "1", routing = new { strategy = "full" } }).WaitAsync(Soon, Token)).GetProperty("degraded").GetBoolean());
        }
    }

    [Fact]
    public async Task ANewVersionWaitsForTheHostsAndNoRequestIsDropped()
    {
        var home = model.CopyHome();
        await using var host = await ExpertHostServer.StartAsync(home, "");
        await using var gateway = await GatewayServer.StartAsync(home, ownsHome: true, ExpertHostServer.Over(host));
        var before = await gateway.DrawAsync(new { prompt = "1", seed = 3 });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        stop.CancelAfter(TimeSpan.FromMinutes(1));
        var shas = new HashSet<string>();
        var load = Task.Run(
            async () =>
            {
                while (shas.Count < 2)
                {
                    stop.Token.ThrowIfCancellationRequested();
                    var answer = await gateway.DrawAsync(new { prompt = "1", seed = 3, num_inference_steps = 20 });
                    Assert.False(answer.GetProperty("degraded").GetBoolean());
                    shas.Add(answer.GetProperty("model_sha256").GetString()!);
                }
            },
            Token);

        var catalog = TinyModel.Catalog(gateway.Blobs);
        var (manifest, publication) = ((await catalog.FindPublishedAsync(TinyModel.Name, Token))!, new Publication(gateway.Blobs, catalog));
        var other = await RandomModel.ExpertAsync(publication, 1, ModelLoader.Shape(manifest, manifest.Experts[1], manifest.Expert), Token);
        await publication.PublishAsync(manifest with { Version = "second", Experts = [manifest.Experts[0], other] }, Token);

        await load.WaitAsync(TimeSpan.FromMinutes(1), Token);
        Assert.Contains(before.GetProperty("model_sha256").GetString()!, shas);
    }

    [Fact]
    public async Task AWrongKeyIsRefusedAndTheLogSaysWhatToDo()
    {
        var home = model.CopyHome();
        await using var host = await ExpertHostServer.StartAsync(home, "");
        await using var gateway = await GatewayServer.StartAsync(home, ownsHome: true, [.. ExpertHostServer.Over(host), ("Ddm:ExpertHosts:Key", GatewayServer.Key)]); // opens pictures, not experts

        using var response = await gateway.SendAsync(new { prompt = "1" });

        Assert.Equal("model_degraded", (await GatewayServer.ErrorAsync(response, HttpStatusCode.ServiceUnavailable)).Code);
        Assert.Contains(gateway.Log.Lines, line => line.Contains("it refuses the key: set Ddm:ExpertHosts:Key", StringComparison.Ordinal));
        Assert.Null(Fleet(gateway).Links[0].Seen);
    }

    private static Serving.ExpertFleet Fleet(GatewayServer gateway) => gateway.Host.Services.GetRequiredService<Serving.ExpertFleet>();
}

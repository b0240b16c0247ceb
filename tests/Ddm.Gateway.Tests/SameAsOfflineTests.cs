using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Gateway.Tests;

/// <summary>What is served is what <c>ddm sample</c> draws, whatever is drawn beside it.</summary>
public class SameAsOfflineTests(TinyModel model)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PicturesOfConcurrentRequestsAreThoseOfTheSampler()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        var asked = new List<(Dictionary<string, object> Body, SampleRequest Request)>();
        foreach (var strategy in new[] { "top-1", "top-2", "full", "sample", "nucleus", "threshold", "ancestral" })
        {
            foreach (var (guidance, solver) in new[] { (1.0, Solver.Euler), (2.0, Solver.Heun), (3.0, Solver.Euler) })
            {
                var i = asked.Count;
                var (n, steps, shift) = (1 + (i % 3), 2 + (i % 5), 1.0 + (i % 2));
                asked.Add((
                    new()
                    {
                        ["prompt"] = i % 2 == 0 ? "0" : "1", ["n"] = n, ["seed"] = 1000 * i, ["num_inference_steps"] = steps, ["guidance_scale"] = guidance, ["shift"] = shift,
                        ["solver"] = solver.ToString().ToLowerInvariant(), ["routing"] = new Dictionary<string, object> { ["strategy"] = strategy, ["guidance"] = i % 2 == 0 ? "shared" : "separate" },
                    },
                    new SampleRequest
                    {
                        Seeds = [.. Enumerable.Range(0, n).Select(j => (1000L * i) + j)], Labels = [.. Enumerable.Repeat((long)(i % 2), n)], Steps = steps, Guidance = guidance, Solver = solver, Shift = shift,
                        Strategy = RoutingStrategy.Parse(strategy), GuidanceRouting = i % 2 == 0 ? GuidanceRouting.Shared : GuidanceRouting.Separate,
                    }));
            }
        }

        // Every second one arrives while others are being drawn.
        var answers = await Task.WhenAll(asked.Select(async (one, i) =>
        {
            await Task.Delay(i % 2 * 20, Token);
            return await gateway.DrawAsync(one.Body);
        }));

        var blobs = new FileBlobStore(gateway.Home);
        using var device = new DeviceThread();
        using var loaded = await new ModelLoader(blobs, TinyModel.Catalog(blobs), device).OpenAsync(TinyModel.Name, Token);
        for (var i = 0; i < asked.Count; i++)
        {
            var request = asked[i].Request;
            var offline = await device.RunAsync(() =>
            {
                using var result = loaded.Sampler().Sample(request, null, Token);
                return Drawings.ToBytes(result.Images);
            });
            var served = answers[i].GetProperty("data").EnumerateArray().Select(picture => ImageCodec.DecodePng(picture.GetProperty("b64_json").GetBytesFromBase64()).Pixels).ToArray();
            Assert.Equal(offline, served); // grey: planes and pixels are the same bytes
            Assert.Equal(request.Seeds, answers[i].GetProperty("data").EnumerateArray().Select(picture => picture.GetProperty("seed").GetInt64()));
        }

        Assert.Equal(0, gateway.Engine.Active);
    }

    [Fact]
    public async Task WhatARequestLeavesOutComesFromTheModel()
    {
        await using var gateway = await GatewayServer.StartAsync(model);

        var answer = await gateway.DrawAsync(new { prompt = "1", seed = 3 });

        Assert.Equal("ancestral", answer.GetProperty("strategy").GetString());
        Assert.Equal(4, answer.GetProperty("steps").GetInt32());
        Assert.Equal(4, answer.GetProperty("data")[0].GetProperty("experts").GetArrayLength());
        Assert.False(answer.GetProperty("degraded").GetBoolean());
        var again = await gateway.DrawAsync(new { class_label = 1, seed = 3 });
        Assert.Equal(answer.GetProperty("data")[0].GetProperty("b64_json").GetString(), again.GetProperty("data")[0].GetProperty("b64_json").GetString());
    }
}

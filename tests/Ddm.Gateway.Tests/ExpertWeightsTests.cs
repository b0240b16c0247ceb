using System.Text.Json;
using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Services;
using Microsoft.Extensions.DependencyInjection;

namespace Ddm.Gateway.Tests;

/// <summary>Experts kept as bf16: half the memory, pictures close to those of fp32, and as independent of their batch.</summary>
public class ExpertWeightsTests(TinyModel model)
{
    private static readonly (string, string) Bf16 = ("Ddm:Gateway:ExpertWeights", "bf16");

    private static readonly object[] Bodies =
    [
        .. new[] { "top-1", "full", "sample", "ancestral" }.Select((strategy, i) => (object)new
        {
            prompt = i % 2 == 0 ? "0" : "1", n = 3, seed = 50 * i, num_inference_steps = 4 + i, guidance_scale = 1 + (i % 2), routing = new { strategy },
        }),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PicturesAreCloseToThoseOfFp32AndTheirOwn()
    {
        await using var usual = await GatewayServer.StartAsync(model);
        await using var small = await GatewayServer.StartAsync(model, Bf16);
        var (expected, together) = (await DrawAllAsync(usual), await DrawAllAsync(small));

        var (deviations, alone) = (new List<int>(), new List<JsonElement>());
        for (var i = 0; i < Bodies.Length; i++)
        {
            alone.Add(await small.DrawAsync(Bodies[i]));
            Assert.Equal(alone[i].GetProperty("data").ToString(), together[i].GetProperty("data").ToString());
            deviations.AddRange(Pixels(expected[i]).Zip(Pixels(together[i]), (one, other) => Math.Abs(one - other)));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"of {deviations.Count} values of 0 to 255: {deviations.Average():F4} off on average, {deviations.Max()} at most");
        Assert.Contains(deviations, off => off > 0); // else nothing was rounded
        Assert.InRange(deviations.Average(), 0, 0.25); // found: 0.074
        Assert.InRange(deviations.Max(), 0, 3); // found: 1
    }

    [Fact]
    public async Task HalfTheMemoryHoldsAllOfThem()
    {
        await using var usual = await GatewayServer.StartAsync(model);
        using var lease = usual.Host.Services.GetRequiredService<Serving.ModelShelf>().Lease(TinyModel.Name)!;
        var manifest = lease.Model.Manifest;
        var shape = ModelLoader.Shape(manifest, manifest.Experts[0], manifest.Expert);
        var (whole, half) = (DiT.Bytes(shape, WeightType.Float32), DiT.Bytes(shape, WeightType.BFloat16));
        Assert.InRange(half / (double)whole, 0.5, 0.75); // of so small a network the tables and biases are a good part
        var room = ("Ddm:Gateway:ExpertBytes", $"{2 * half}");
        await using var paged = await GatewayServer.StartAsync(model, room);
        await using var small = await GatewayServer.StartAsync(model, room, Bf16);
        await using var smallest = await GatewayServer.StartAsync(model, ("Ddm:Gateway:ExpertBytes", $"{half}"), Bf16);

        Assert.NotNull(Paged(paged));
        Assert.Null(Paged(small));
        foreach (var body in Bodies)
        {
            // Read when it is asked: rounded as when it is loaded.
            Assert.Equal((await small.DrawAsync(body)).GetProperty("data").ToString(), (await smallest.DrawAsync(body)).GetProperty("data").ToString());
        }

        Assert.Equal(1, Paged(smallest)!.Resident);
    }

    [Fact]
    public async Task HostsKeepThemSoTooAndSayWhereTheyDiffer()
    {
        var home = model.CopyHome();
        await using var host = await ExpertHostServer.StartAsync(home, "", null, ("Ddm:ExpertHost:ExpertWeights", "bf16"));
        await using var here = await GatewayServer.StartAsync(home, ownsHome: true, Bf16);
        await using var like = await GatewayServer.StartAsync(home, ownsHome: false, [.. ExpertHostServer.Over(host), Bf16]);
        await using var unlike = await GatewayServer.StartAsync(home, ownsHome: false, ExpertHostServer.Over(host));

        foreach (var body in Bodies)
        {
            Assert.Equal((await here.DrawAsync(body)).GetProperty("data").ToString(), (await like.DrawAsync(body)).GetProperty("data").ToString());
        }

        Assert.DoesNotContain(like.Log.Lines, line => line.Contains("pictures may differ", StringComparison.Ordinal));
        Assert.Contains(unlike.Log.Lines, line => line.Contains("weights as bf16", StringComparison.Ordinal) && line.Contains("pictures may differ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("fp16")]
    [InlineData("BF16")]
    [InlineData("int8")]
    public async Task WhatIsUnknownIsRefused(string weights)
    {
        var gateway = await Assert.ThrowsAsync<UserErrorException>(() => GatewayServer.StartAsync(model, ("Ddm:Gateway:ExpertWeights", weights)));
        Assert.Contains($"Ddm:Gateway:ExpertWeights: '{weights}' is nothing that experts are kept as. Use fp32, or bf16", gateway.Message, StringComparison.Ordinal);
        var host = await Assert.ThrowsAsync<UserErrorException>(() => ExpertHostServer.StartAsync(Path.GetTempPath(), "", null, ("Ddm:ExpertHost:ExpertWeights", weights)));
        Assert.Contains($"Ddm:ExpertHost:ExpertWeights: '{weights}'", host.Message, StringComparison.Ordinal);
    }

    private static Task<JsonElement[]> DrawAllAsync(GatewayServer gateway) => Task.WhenAll(Bodies.Select(gateway.DrawAsync)).WaitAsync(TimeSpan.FromMinutes(1), Token);

    private static PagedExperts? Paged(GatewayServer gateway)
    {
        using var lease = gateway.Host.Services.GetRequiredService<Serving.ModelShelf>().Lease(TinyModel.Name)!;
        return lease.Model.Loaded.Paged;
    }

    private static IEnumerable<int> Pixels(JsonElement answer)
        => answer.GetProperty("data").EnumerateArray().SelectMany(picture => ImageCodec.DecodePng(picture.GetProperty("b64_json").GetBytesFromBase64()).Pixels.Select(value => (int)value));
}

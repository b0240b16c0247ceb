using System.Net;
using Ddm.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Ddm.Gateway.Tests;

/// <summary>Experts that do not fit in memory are read when they are asked; the picture is the same.</summary>
public class ExpertMemoryTests(TinyModel model)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithRoomForOneExpertThePicturesAreTheSame()
    {
        await using var roomy = await GatewayServer.StartAsync(model);
        var manifest = (await TinyModel.Catalog(roomy.Blobs).FindPublishedAsync(TinyModel.Name, Token))!;
        var bytes = new FileInfo(Path.Combine(roomy.Home, manifest.Experts[0].Weights!)).Length;
        await using var narrow = await GatewayServer.StartAsync(model, ("Ddm:Gateway:ExpertBytes", $"{bytes * 3 / 2}"));
        foreach (var strategy in new[] { "full", "top-1", "sample", "ancestral" })
        {
            var body = new { prompt = "1", n = 5, seed = 3, num_inference_steps = 6, guidance_scale = 2, routing = new { strategy } };
            var (all, some) = (await roomy.DrawAsync(body), await narrow.DrawAsync(body));
            Assert.Equal(all.GetProperty("data").ToString(), some.GetProperty("data").ToString());
        }

        using var lease = narrow.Host.Services.GetRequiredService<Serving.ModelShelf>().Lease(TinyModel.Name)!;
        var paged = lease.Model.Loaded.Paged!;
        Assert.Equal(1, paged.Resident);
        Assert.True(paged.Loads >= 12, $"{paged.Loads} loads"); // full asks both at every step
    }

    [Fact]
    public async Task OneThatIsDamagedLaterIsFoundWhenItIsRead()
    {
        await using var roomy = await GatewayServer.StartAsync(model);
        var manifest = (await TinyModel.Catalog(roomy.Blobs).FindPublishedAsync(TinyModel.Name, Token))!;
        await using var narrow = await GatewayServer.StartAsync(model, ("Ddm:Gateway:ExpertBytes", $"{new FileInfo(Path.Combine(roomy.Home, manifest.Experts[0].Weights!)).Length}"));
        var body = new { prompt = "1", seed = 3, routing = new { strategy = "full" } };
        var expected = (await narrow.DrawAsync(body)).GetProperty("data").ToString();
        var file = Path.Combine(narrow.Home, manifest.Experts[1].Weights!);
        var (whole, damaged) = (await File.ReadAllBytesAsync(file, Token), await File.ReadAllBytesAsync(file, Token));
        damaged[^1] ^= 1; // the last bits of a number: another picture, and nothing that would be noticed by itself
        await File.WriteAllBytesAsync(file, damaged, Token);

        for (var i = 0; i < 2; i++)
        {
            using var response = await narrow.SendAsync(body with { seed = 4 + i }); // what was read ahead may still be good for one
            Assert.True(i == 0 || response.StatusCode == HttpStatusCode.InternalServerError, $"{response.StatusCode}");
        }

        Assert.Contains(narrow.Log.Lines, line => line.Contains("is damaged", StringComparison.Ordinal));
        await File.WriteAllBytesAsync(file, whole, Token);
        Assert.Equal(expected, (await narrow.DrawAsync(body)).GetProperty("data").ToString());
    }

    [Fact]
    public async Task WhereNotOneFitsTheModelIsNotServed()
    {
        await using var gateway = await GatewayServer.StartAsync(model, ("Ddm:Gateway:ExpertBytes", "1000"));

        Assert.Contains("raise the limit", Assert.Single(gateway.Host.Describe().Refused), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADamagedExpertIsNoVersionAlsoWhereItIsNotReadAtOnce()
    {
        var home = model.CopyHome();
        var blobs = new FileBlobStore(home);
        var manifest = (await TinyModel.Catalog(blobs).FindPublishedAsync(TinyModel.Name, Token))!;
        var file = Path.Combine(home, manifest.Experts[1].Weights!);
        var bytes = await File.ReadAllBytesAsync(file, Token);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(file, bytes, Token);

        await using var gateway = await GatewayServer.StartAsync(home, ownsHome: true, ("Ddm:Gateway:ExpertBytes", $"{bytes.Length}"));

        Assert.Contains("damaged", Assert.Single(gateway.Host.Describe().Refused), StringComparison.Ordinal);
    }
}

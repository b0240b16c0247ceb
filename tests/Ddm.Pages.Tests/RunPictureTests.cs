using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Ddm.Data;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace Ddm.Pages.Tests;

/// <summary>What pages ask of a run besides how it stands: losses and pictures.</summary>
public class RunPictureTests
{
    private const string Run = TinyFolder.RunName;
    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task LossesSheetsAndGridsAreThereWhenTheRunHasThem()
    {
        using var files = new TinyFolder();
        await using var hosts = await PageHosts.StartControlAsync(files);
        var client = hosts.Control.Client;
        using var submitted = await client.PostAsJsonAsync("/runs", new { spec = files.SpecText }, Token);
        Assert.Equal(HttpStatusCode.Created, submitted.StatusCode);
        await Waiting.ForAsync(
            "the run succeeds", LongestRun, async token => (await client.GetFromJsonAsync<JsonElement>($"/runs/{Run}", token)).GetProperty("status").GetString() == "succeeded");

        var curve = await client.GetFromJsonAsync<JsonElement>($"/runs/{Run}/curve?role=experts/0&points=5", Token);
        var metrics = (await client.GetFromJsonAsync<JsonElement>($"/runs/{Run}/metrics?role=experts/0", Token))[0].GetProperty("steps").EnumerateArray().ToArray();
        Assert.Equal([3, 6, 9, 12], curve.GetProperty("loss").EnumerateArray().Select(point => point[0].GetInt32()));
        Assert.Equal(metrics.Take(3).Average(step => step.GetProperty("loss").GetDouble()), curve.GetProperty("loss")[0][1].GetDouble(), 1e-12);
        Assert.NotEmpty(curve.GetProperty("heldOut").EnumerateArray());

        var pictures = await client.GetFromJsonAsync<JsonElement>($"/runs/{Run}/pictures", Token);
        Assert.Equal(2, pictures.GetProperty("clusters").GetArrayLength());
        Assert.All(pictures.GetProperty("clusters").EnumerateArray(), cluster => Assert.True(cluster.GetProperty("rows").GetInt64() > 0));
        var last = pictures.GetProperty("grids").EnumerateArray().Last();
        Assert.Equal(100, last.GetProperty("percent").GetInt32());
        foreach (var path in pictures.GetProperty("clusters").EnumerateArray().Select(cluster => cluster.GetProperty("sheet")).Append(last.GetProperty("url")))
        {
            Assert.True(ImageCodec.DecodePng(await client.GetByteArrayAsync(path.GetString(), Token)).Width > TinyFolder.Side);
        }

        await FirstRowsAreTheSameAsync(hosts, ImageCodec.DecodePng(await client.GetByteArrayAsync(last.GetProperty("url").GetString(), Token)));
    }

    [Fact]
    public async Task WhatIsNotThereIsSaidAndNothingToWhoBringsNoKey()
    {
        using var files = new TinyFolder();
        await using var hosts = await PageHosts.StartControlAsync(files);
        var (document, _) = await hosts.Control.Services.GetRequiredService<RunSubmission>().SubmitAsync(files.SpecText, files.SpecFile, Token);
        Assert.Equal(RunStatus.Running, document.Status);
        using var browser = hosts.Browser();

        foreach (var (path, expected) in new[]
        {
            ("curve", HttpStatusCode.NotFound),
            ("curve?role=experts/7", HttpStatusCode.NotFound),
            ("curve?role=router&points=1", HttpStatusCode.BadRequest),
            ("curve?role=router&points=many", HttpStatusCode.BadRequest),
            ("clusters/0/contact-sheet.png", HttpStatusCode.NotFound),
            ("grids/50.png", HttpStatusCode.NotFound),
            ("pictures", HttpStatusCode.OK),
        })
        {
            using var answer = await hosts.Control.Client.GetAsync($"/runs/{Run}/{path}", Token);
            Assert.True(expected == answer.StatusCode, $"{path}: {answer.StatusCode}");
            Assert.DoesNotContain(".png\"", await answer.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
            using var keyless = await browser.GetAsync($"/runs/{Run}/{path}", Token);
            Assert.True(HttpStatusCode.Unauthorized == keyless.StatusCode, $"{path} without a key: {keyless.StatusCode}");
        }
    }

    // What is drawn on the way compares with what the evaluation draws: the same seeds, labels and columns.
    private static async Task FirstRowsAreTheSameAsync(PageHosts hosts, PixelImage whole)
    {
        var services = hosts.Control.Services;
        using var model = await services.GetRequiredService<ModelLoader>().OpenAsync(Run, Token);
        var first = ImageCodec.DecodePng(await services.GetRequiredService<DeviceThread>().RunAsync(() => SampleGrids.DrawFirstRows(model, [], Token).Png.ToArray()));

        Assert.Equal((whole.Width, whole.Channels), (first.Width, first.Channels));
        Assert.True(first.Height < whole.Height);
        Assert.Equal(first.Pixels, whole.Pixels.Take(first.Pixels.Length));
    }
}

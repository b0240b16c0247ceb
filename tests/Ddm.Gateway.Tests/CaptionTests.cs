using System.Globalization;
using System.Net;
using System.Text.Json;
using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Gateway.Tests;

/// <summary>A model of captions: prompts and what guidance leads away from.</summary>
public sealed class CaptionTests : IDisposable
{
    private readonly TinyFolder files = new(TinyModel.Spec.Replace("source: pictures", "source: captioned", StringComparison.Ordinal) + "\ntext: { encoder: learned, tokens: 5, width: 32 }\n");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => files.Dispose();

    [Fact]
    public async Task PromptsOfManyAtOnceDrawWhatTheSamplerDrawsForEach()
    {
        await TrainAsync();
        await using var gateway = await GatewayServer.StartAsync(files.Home, ownsHome: false);
        (string Prompt, string? Negative, double Guidance)[] asked =
        [
            ("bright on the left", null, 1), ("lit at the top", null, 2), ("bright on the left", "lit at the top", 2), ("bright on the left", null, 2), ("words <b>it</b> never\nheard \u202Eof", null, 3),
        ];

        var answers = await Task.WhenAll(asked.Select((one, i) => gateway.DrawAsync(Body(one, i))));

        var blobs = new FileBlobStore(files.Home);
        using var device = new DeviceThread();
        using var loaded = await new ModelLoader(blobs, TinyModel.Catalog(blobs), device).OpenAsync(TinyModel.Name, Token);
        var served = answers.Select(answer => ImageCodec.DecodePng(answer.GetProperty("data")[0].GetProperty("b64_json").GetBytesFromBase64()).Pixels).ToArray();
        for (var i = 0; i < asked.Length; i++)
        {
            var (prompt, negative, guidance) = asked[i];
            var offline = await device.RunAsync(() =>
            {
                using var text = loaded.Captions!.Encode([prompt]);
                using var away = negative is null ? null : loaded.Captions.Encode([negative]);
                using var result = loaded.Sampler().Sample(new SampleRequest { Seeds = [7], Text = text, NegativeText = away, Guidance = guidance, Steps = 6, Strategy = RoutingStrategy.Parse("full") }, null, Token);
                return Drawings.ToBytes(result.Images)[0];
            });
            Assert.Equal(offline, served[i]);
        }

        Assert.NotEqual(served[2], served[3]); // what it leads away from tells
        Assert.DoesNotContain(gateway.Log.Lines, line => line.Contains("bright", StringComparison.Ordinal) || line.Contains("heard", StringComparison.Ordinal));
        using var models = await gateway.Client.GetAsync("/v1/models", Token);
        Assert.Equal("caption", (await GatewayServer.JsonAsync(models, HttpStatusCode.OK)).GetProperty("data")[0].GetProperty("condition").GetString());
        foreach (var (body, param, part) in new[]
        {
            ("""{"prompt": " "}""", "prompt", "say what the picture shows"), ("{}", "prompt", "missing"), ("""{"prompt": "x", "class_label": 1}""", "class_label", "no classes"),
            ("""{"prompt": "x", "guidance_scale": 1, "negative_prompt": "y"}""", "negative_prompt", "without guidance"),
            ($$"""{"prompt": "x", "guidance_scale": 2, "negative_prompt": "{{new string('\u0301', 4001)}}"}""", "negative_prompt", "at most 4000"),
        })
        {
            using var response = await gateway.SendTextAsync(body);
            var error = await GatewayServer.ErrorAsync(response, HttpStatusCode.BadRequest);
            Assert.True(error.Param == param && error.Message.Contains(part, StringComparison.Ordinal), $"{param} -> {error}");
        }
    }

    private static Dictionary<string, object?> Body((string Prompt, string? Negative, double Guidance) asked, int i) => new()
    {
        ["prompt"] = asked.Prompt, ["negative_prompt"] = asked.Negative, ["guidance_scale"] = asked.Guidance, ["seed"] = 7, ["num_inference_steps"] = 6, ["user"] = $"{i}",
        ["routing"] = new { strategy = "full" },
    };

    private async Task TrainAsync()
    {
        var folder = Directory.CreateDirectory(Path.Combine(files.Folder, "captioned")).FullName;
        await using (var lines = new StreamWriter(Path.Combine(folder, "metadata.jsonl")))
        {
            for (var row = 0; row < TinyFolder.Rows; row++)
            {
                var name = string.Create(CultureInfo.InvariantCulture, $"{row}.png");
                await File.WriteAllBytesAsync(Path.Combine(folder, name), ImageCodec.EncodePng(TinyFolder.Picture(row), 1, TinyFolder.Side, TinyFolder.Side), Token);
                await lines.WriteLineAsync(JsonSerializer.Serialize(new { file_name = name, text = row % 2 == 0 ? "bright on the left" : "lit at the top" }));
            }
        }

        using var stop = new StopSignal();
        await using var host = await EmbeddedHost.StartAsync(new FileBlobStore(files.Home), new TinyModel.Silent(), stop, Token);
        Assert.Equal(RunStatus.Succeeded, (await host.RunAsync(files.SpecText, files.SpecFile, Token)).Status);
    }
}

using System.IO.Compression;
using System.Net;
using System.Text;
using Ddm.Tests;

namespace Ddm.Gateway.Tests;

/// <summary>Bad requests are answered by name of field, value and remedy; none gets far, and none is passed over.</summary>
public class BadInputTests(TinyModel model)
{
    private const string Path = "/v1/images/generations";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A body, the field that is to blame, the error's code and a part of its message.</summary>
    internal static (string Body, string? Param, string Code, string Part)[] Mistakes() =>
    [
        ("""{}""", "prompt", "missing_required_parameter", "Classes: 0, 1"),
        ("""{"prompt": ""}""", "prompt", "invalid_value", "is empty"),
        ("""{"prompt": " \t\n"}""", "prompt", "invalid_value", "is empty"),
        ("""{"prompt": "cat"}""", "prompt", "unknown_class", "Classes: 0, 1"),
        ("""{"prompt": 7}""", "prompt", "invalid_type", "expected a text"),
        ("""{"prompt": "a\u0000b"}""", "prompt", "invalid_value", "NUL"),
        ("""{"prompt": "\ud800"}""", "prompt", "invalid_value", "surrogate"),
        ($$"""{"prompt": "{{new string('x', 4001)}}"}""", "prompt", "string_above_max_length", "at most 4000"),
        ("""{"prompt": "1", "size": "99999x99999"}""", "size", "invalid_value", "8x8"),
        ("""{"prompt": "1", "size": "0x512"}""", "size", "invalid_value", "8x8"),
        ("""{"prompt": "1", "size": "-8x8"}""", "size", "invalid_value", "8x8"),
        ("""{"prompt": "1", "size": "8"}""", "size", "invalid_value", "8x8"),
        ("""{"prompt": "1", "size": "1e3x8"}""", "size", "invalid_value", "8x8"),
        ("""{"prompt": "1", "n": 0}""", "n", "invalid_type", "from 1 to 10"),
        ("""{"prompt": "1", "n": 11}""", "n", "invalid_type", "from 1 to 10"),
        ("""{"prompt": "1", "n": 1e9}""", "n", "invalid_type", "from 1 to 10"),
        ("""{"prompt": "1", "n": "2"}""", "n", "invalid_type", "from 1 to 10"),
        ("""{"prompt": "1", "n": 1.5}""", "n", "invalid_type", "from 1 to 10"),
        ("""{"prompt": "1", "n": true}""", "n", "invalid_type", "from 1 to 10"),
        ("""{"prompt": "1", "num_inference_steps": 0}""", "num_inference_steps", "invalid_type", "from 1 to 1000"),
        ("""{"prompt": "1", "num_inference_steps": -1}""", "num_inference_steps", "invalid_type", "from 1 to 1000"),
        ("""{"prompt": "1", "num_inference_steps": 1000000}""", "num_inference_steps", "invalid_type", "from 1 to 1000"),
        ("""{"prompt": "1", "guidance_scale": NaN}""", null, "invalid_json", "not the JSON"),
        ("""{"prompt": "1", "guidance_scale": 1e30}""", "guidance_scale", "invalid_type", "from 0 to 100"),
        ("""{"prompt": "1", "guidance_scale": 1e999}""", "guidance_scale", "invalid_type", "from 0 to 100"),
        ("""{"prompt": "1", "seed": -1}""", "seed", "invalid_type", "from 0 to 9223372036854775807"),
        ("""{"prompt": "1", "seed": 18446744073709551616}""", "seed", "invalid_type", "from 0 to"),
        ("""{"prompt": "1", "seed": 1.5}""", "seed", "invalid_type", "whole number"),
        ("""{"prompt": "1", "seed": "abc"}""", "seed", "invalid_type", "whole number"),
        ("""{"prompt": "1", "seed": 9223372036854775807}""", "seed", "invalid_value", "at most"),
        ("""{"prompt": "1", "num_step": 3}""", "num_step", "unknown_parameter", "Unknown field 'num_step'"),
        ("""{"prompt": "1", "negativ_prompt": "x"}""", "negativ_prompt", "unknown_parameter", "did you mean 'negative_prompt'?"),
        ("""{"prompt": "1", "routing": {"strategi": "full"}}""", "routing.strategi", "unknown_parameter", "did you mean 'strategy'?"),
        ("""{"prompt": "1", "routing": {"strategy": "best"}}""", "routing.strategy", "invalid_value", "nucleus"),
        ("""{"prompt": "1", "routing": {"strategy": "top-k", "top_k": 3}}""", "routing.top_k", "invalid_value", "2 experts"),
        ("""{"prompt": "1", "routing": {"strategy": "top-k"}}""", "routing.top_k", "invalid_value", "needs"),
        ("""{"prompt": "1", "routing": {"strategy": "full", "p": 0.5}}""", "routing.p", "invalid_value", "'nucleus' alone"),
        ("""{"prompt": "1", "routing": {"strategy": "nucleus", "p": 0}}""", "routing.p", "invalid_value", "above 0"),
        ("""{"prompt": "1", "routing": []}""", "routing", "invalid_type", "an object"),
        ("""{"class_label": 2}""", "class_label", "invalid_value", "0 to 1"),
        ("""{"class_label": -2}""", "class_label", "invalid_value", "0 to 1"),
        ("""{"prompt": "1", "class_label": 1}""", "class_label", "invalid_value", "give one of them"),
        ("""{"prompt": "1", "negative_prompt": "0"}""", "negative_prompt", "invalid_value", "no captions"),
        ("""{"prompt": "1", "style": "vivid"}""", "style", "invalid_value", "no effect"),
        ("""{"prompt": "1", "background": "transparent"}""", "background", "invalid_value", "opaque"),
        ("""{"prompt": "1", "output_format": "gif"}""", "output_format", "invalid_value", "webp"),
        ("""{"prompt": "1", "output_compression": 50}""", "output_compression", "invalid_value", "jpeg"),
        ("""{"prompt": "1", "partial_images": 2}""", "partial_images", "invalid_value", "stream"),
        ("""{"prompt": "1", "stream": true, "partial_images": 4}""", "partial_images", "invalid_type", "0 to 3"),
        ("""{"prompt": "1", "stream": true, "response_format": "url"}""", "response_format", "invalid_value", "base64"),
        ("""{"prompt": "http://169.254.169.254/latest"}""", "prompt", "unknown_class", "Classes"),
        ("""{"prompt": "1", "prompt": "0"}""", null, "invalid_json", "not the JSON"),
        ("""{"prompt": "1" """, null, "invalid_json", "not the JSON"),
        ("""[1]""", null, "invalid_json", "no JSON object"),
        (new string('[', 10_000), null, "invalid_json", "not the JSON"),
        ("""{"routing": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}}}}}}}}}}}}}""", null, "invalid_json", "not the JSON"),
    ];

    [Fact]
    public async Task EachMistakeIsNamed()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        foreach (var (body, param, code, part) in Mistakes())
        {
            using var response = await gateway.SendTextAsync(body);
            var error = await GatewayServer.ErrorAsync(response, HttpStatusCode.BadRequest);
            var shown = body.Length > 100 ? body[..100] : body;
            Assert.True(error.Param == param && error.Code == code && error.Message.Contains(part, StringComparison.Ordinal), $"{shown} -> {error}");
        }
    }

    [Fact]
    public async Task NullIsAsIfLeftOut()
    {
        await using var gateway = await GatewayServer.StartAsync(model);

        var answer = await gateway.DrawAsync(new { prompt = "1", n = (int?)null, seed = (long?)null, size = (string?)null, partial_images = (int?)null, routing = (object?)null });

        Assert.Equal(1, answer.GetProperty("data").GetArrayLength());
        Assert.True(answer.GetProperty("data")[0].GetProperty("seed").GetInt64() >= 0);
    }

    [Fact]
    public async Task AnUnknownModelIsNotFoundAndTheOthersAreListed()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        foreach (var name in new[] { "nope", "../tiny", "TINY", "latest", "<b>", new string('x', 300) })
        {
            using var response = await gateway.SendAsync(new { prompt = "1", model = name });
            var error = await GatewayServer.ErrorAsync(response, HttpStatusCode.NotFound);
            Assert.Equal(("model", "model_not_found"), (error.Param, error.Code));
            Assert.Contains("Models: tiny", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task WhatCostsTooMuchIsRefusedBeforeItIsDrawn()
    {
        await using var gateway = await GatewayServer.StartAsync(model, ("Ddm:Gateway:MaxPixelSteps", "6400"));

        await gateway.DrawAsync(new { prompt = "1", n = 10, num_inference_steps = 10 });
        using var response = await gateway.SendAsync(new { prompt = "1", n = 10, num_inference_steps = 10, guidance_scale = 2 });

        Assert.Equal("too_expensive", (await GatewayServer.ErrorAsync(response, HttpStatusCode.BadRequest)).Code);
    }

    [Fact]
    public async Task BodiesOfAnotherKindAreRefusedUnread()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        using var post = new HttpRequestMessage(HttpMethod.Post, Path) { Content = new StringContent(new string(' ', 10_000_000), Encoding.UTF8, "application/json") };
        post.Headers.ExpectContinue = true; // the answer comes before the body is sent
        using (var large = await gateway.Client.SendAsync(post, Token))
        {
            Assert.Equal("body_too_large", (await GatewayServer.ErrorAsync(large, HttpStatusCode.RequestEntityTooLarge)).Code);
        }

        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            gzip.Write(new byte[20_000_000]);
        }

        using var bomb = new ByteArrayContent(packed.ToArray()) { Headers = { { "Content-Type", "application/json" }, { "Content-Encoding", "gzip" } } };
        using (var response = await gateway.Client.PostAsync(Path, bomb, Token))
        {
            await GatewayServer.ErrorAsync(response, HttpStatusCode.UnsupportedMediaType);
        }

        using var form = new StringContent("prompt=1", Encoding.UTF8, "application/x-www-form-urlencoded");
        using (var response = await gateway.Client.PostAsync(Path, form, Token))
        {
            await GatewayServer.ErrorAsync(response, HttpStatusCode.UnsupportedMediaType);
        }

        using var broken = new ByteArrayContent([.. "{\"prompt\": \""u8, 0xC3, 0x28, .. "\"}"u8]) { Headers = { { "Content-Type", "application/json" } } };
        using (var response = await gateway.Client.PostAsync(Path, broken, Token))
        {
            Assert.Contains("UTF-8", (await GatewayServer.ErrorAsync(response, HttpStatusCode.BadRequest)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task OtherAddressesAndMethodsAnswerInTheSameForm()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        using (var nowhere = await gateway.Client.GetAsync("/v1/nowhere", Token))
        {
            await GatewayServer.ErrorAsync(nowhere, HttpStatusCode.NotFound);
        }

        using var method = await gateway.Client.GetAsync(Path, Token);
        await GatewayServer.ErrorAsync(method, HttpStatusCode.MethodNotAllowed);
    }

    [Fact]
    public async Task WhoHangsUpIsNotDrawnForAnyLonger()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var drawing = gateway.SendAsync(Slow, patience.Token);
        await Waiting.ForAsync("drawing", TimeSpan.FromSeconds(20), _ => Task.FromResult(gateway.Engine.Active > 0));

        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => drawing);
        await Waiting.ForAsync("nothing drawn", TimeSpan.FromSeconds(3), _ => Task.FromResult(gateway.Engine.Active == 0));
        await gateway.DrawAsync(new { prompt = "1" });
    }

    [Fact]
    public async Task ADeadlineEndsARequest()
    {
        await using var gateway = await GatewayServer.StartAsync(model);

        using var response = await gateway.SendAsync(new Dictionary<string, object>(Slow) { ["deadline_seconds"] = 0.2 });

        Assert.Equal("deadline_exceeded", (await GatewayServer.ErrorAsync(response, HttpStatusCode.GatewayTimeout)).Code);
        await Waiting.ForAsync("nothing drawn", TimeSpan.FromSeconds(3), _ => Task.FromResult(gateway.Engine.Active == 0));
    }

    [Fact]
    public async Task WhereTooManyWaitTheNextIsToldWhenToComeBack()
    {
        await using var gateway = await GatewayServer.StartAsync(model, ("Ddm:Gateway:MaxBatch", "10"), ("Ddm:Gateway:MaxWaiting", "2"));
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var first = gateway.SendAsync(Slow, end.Token);
        await Waiting.ForAsync("one is drawn", TimeSpan.FromSeconds(20), _ => Task.FromResult(gateway.Engine.Active == 10));
        var slow = new[] { first, gateway.SendAsync(Slow, end.Token), gateway.SendAsync(Slow, end.Token) };
        await Waiting.ForAsync("two wait", TimeSpan.FromSeconds(20), _ => Task.FromResult(gateway.Engine is { Active: 10, Waiting: 2 }));

        using var response = await gateway.SendAsync(new { prompt = "1" });

        Assert.Equal("queue_full", (await GatewayServer.ErrorAsync(response, HttpStatusCode.TooManyRequests)).Code);
        Assert.NotNull(response.Headers.RetryAfter);
        await end.CancelAsync();
        await Task.WhenAll(slow.Select(one => Assert.ThrowsAnyAsync<OperationCanceledException>(() => one)));
        await Waiting.ForAsync("nothing left", TimeSpan.FromSeconds(3), _ => Task.FromResult(gateway.Engine is { Active: 0, Waiting: 0 }));
    }

    /// <summary>Seconds of work.</summary>
    internal static Dictionary<string, object> Slow => new()
    {
        ["prompt"] = "1", ["n"] = 10, ["num_inference_steps"] = 1000, ["guidance_scale"] = 2, ["solver"] = "heun", ["routing"] = new { strategy = "full" },
    };
}

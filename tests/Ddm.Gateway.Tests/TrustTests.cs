using System.Net;
using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Serving;
using Microsoft.Extensions.Logging;

namespace Ddm.Gateway.Tests;

/// <summary>Keys, their scopes and limits; foreign pages; what is logged and counted.</summary>
public class TrustTests(TinyModel model)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OnlyAKeyForPicturesOpens()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        var answers = new List<string>();
        foreach (var (path, key) in new[] { ("/v1/models", null), ("/v1/models", "wrong"), ("/v1/images/jobs/0-0", "wrong"), ($"/v1/models?api_key={GatewayServer.Key}", null) })
        {
            using var client = gateway.ClientOf(key);
            using var response = await client.GetAsync(path, Token);
            answers.Add((await GatewayServer.ErrorAsync(response, HttpStatusCode.Unauthorized)).ToString());
        }

        Assert.Single(answers.Distinct());
        using var runs = gateway.ClientOf("a-key-for-runs-and-nothing-else");
        using (var response = await runs.GetAsync("/v1/models", Token))
        {
            Assert.Equal("insufficient_scope", (await GatewayServer.ErrorAsync(response, HttpStatusCode.Forbidden)).Code);
        }

        using var images = gateway.ClientOf(GatewayServer.OtherKey);
        using var good = await images.GetAsync("/v1/models", Token);
        Assert.Equal(HttpStatusCode.OK, good.StatusCode);
    }

    [Fact]
    public async Task WrongKeysAreLimited()
    {
        await using var gateway = await GatewayServer.StartAsync(model, ("Ddm:WrongKeysPerMinute", "3"));
        using var client = gateway.ClientOf("wrong");
        for (var i = 0; i < 5; i++)
        {
            using var response = await client.GetAsync("/v1/models", Token);
            await GatewayServer.ErrorAsync(response, i < 3 ? HttpStatusCode.Unauthorized : HttpStatusCode.TooManyRequests);
        }

        await gateway.DrawAsync(new { prompt = "1" });
    }

    [Fact]
    public async Task AKeyHasItsRateAndItsQuota()
    {
        await using var gateway = await GatewayServer.StartAsync(model, ("Ddm:Gateway:RequestsPerMinute", "6"), ("Ddm:Gateway:PicturesPerDay", "5"));
        await gateway.DrawAsync(new { prompt = "1", n = 4 });
        using (var many = await gateway.SendAsync(new { prompt = "1", n = 2 }))
        {
            Assert.Equal("quota_exceeded", (await GatewayServer.ErrorAsync(many, HttpStatusCode.TooManyRequests)).Code);
            Assert.NotNull(many.Headers.RetryAfter);
        }

        await gateway.DrawAsync(new { prompt = "1" });
        var codes = new List<string?>();
        for (var i = 0; i < 6; i++)
        {
            using var response = await gateway.SendAsync(new { prompt = "1" });
            codes.Add((await GatewayServer.ErrorAsync(response, HttpStatusCode.TooManyRequests)).Code);
        }

        Assert.Equal("rate_limit_exceeded", codes[^1]);
        using var other = gateway.ClientOf(GatewayServer.OtherKey);
        using var good = await other.GetAsync("/v1/models", Token);
        Assert.Equal(HttpStatusCode.OK, good.StatusCode);
    }

    /// <summary>A page whose name leads to this machine, and a page of another origin.</summary>
    [Fact]
    public async Task ForeignPagesAreNotHeard()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        foreach (var (header, value, code) in new[]
        {
            ("Host", "evil.example", "host_not_allowed"), ("Origin", "http://evil.example", "origin_not_allowed"), ("Origin", "null", "origin_not_allowed"),
        })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
            request.Headers.TryAddWithoutValidation(header, value);
            using var response = await gateway.Client.SendAsync(request, Token);
            Assert.Equal(code, (await GatewayServer.ErrorAsync(response, HttpStatusCode.Forbidden)).Code);
        }

        using var own = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        own.Headers.Add("Origin", gateway.Host.Address.GetLeftPart(UriPartial.Authority));
        using var good = await gateway.Client.SendAsync(own, Token);
        Assert.Equal(HttpStatusCode.OK, good.StatusCode);
        Assert.Equal("nosniff", good.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("no-store", good.Headers.CacheControl!.ToString());
    }

    [Fact]
    public async Task ALinkHoldsForItsFileAndItsTimeAlone()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        var answer = await gateway.DrawAsync(new { prompt = "1", n = 2, response_format = "url" });
        var link = new Uri(answer.GetProperty("data")[0].GetProperty("url").GetString()!);
        using var stranger = gateway.ClientOf(null);
        using (var file = await stranger.GetAsync(link, Token))
        {
            Assert.Equal("image/png", file.Content.Headers.ContentType!.MediaType);
            Assert.Equal((byte)'P', (await file.Content.ReadAsByteArrayAsync(Token))[1]);
        }

        foreach (var forged in new[]
        {
            link.AbsoluteUri.Replace("/0.png", "/1.png", StringComparison.Ordinal), link.AbsoluteUri.Replace("expires=", "expires=9", StringComparison.Ordinal), link.AbsoluteUri[..^1],
            link.GetLeftPart(UriPartial.Path),
        })
        {
            using var response = await stranger.GetAsync(forged, Token);
            await GatewayServer.ErrorAsync(response, HttpStatusCode.Forbidden);
        }
    }

    [Fact]
    public async Task TheAuditLogSaysWhoAskedAndNotInWhatWords()
    {
        await using var quiet = await GatewayServer.StartAsync(model);
        await quiet.DrawAsync(new { prompt = "1", n = 2 });
        var line = Assert.Single(quiet.Log.Lines, text => text.StartsWith("Ddm.Gateway.Audit: ", StringComparison.Ordinal));
        Assert.Contains("for 2 pictures of 4 steps: 200", line, StringComparison.Ordinal);
        Assert.DoesNotContain(GatewayServer.Key, string.Join('\n', quiet.Log.Lines), StringComparison.Ordinal);

        foreach (var words in new[] { false, true })
        {
            using var log = new RecordedLog();
            using var loggers = LoggerFactory.Create(logging => logging.AddProvider(log));
            var asked = new GenerationRequest(new PictureOrder(new SampleRequest { Seeds = [1] }, "a secret\ncat"), PictureEncoding.Png, 100, AsLinks: false, Stream: false, Deadline: null);
            new AuditLog(new ServingSettings { LogPrompts = words }, loggers).Write("somebody", asked, null, 200, TimeSpan.FromSeconds(1));
            line = Assert.Single(log.Lines);
            Assert.Equal(words, line.Contains("secret", StringComparison.Ordinal));
            Assert.DoesNotContain("\n", line, StringComparison.Ordinal); // nobody forges a line
        }
    }

    [Fact]
    public async Task MetricsAreCountedAndReturnToZero()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => gateway.DrawAsync(new { prompt = "1", n = 1 + (i % 3) })));
        using var bare = gateway.ClientOf(null);
        using var refused = await bare.GetAsync("/metrics", Token);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);

        var text = await gateway.Client.GetStringAsync("/metrics", Token);

        Assert.Equal("0", Assert.Single(Values(text, "ddm_gateway_active")));
        Assert.Equal("0", Assert.Single(Values(text, "ddm_gateway_waiting")));
        Assert.NotEmpty(Values(text, "ddm_gateway_pictures_total"));
    }

    private static string[] Values(string metrics, string name)
        => [.. metrics.Split('\n').Where(line => line.StartsWith(name, StringComparison.Ordinal)).Select(line => line.Split(' ')[1])];
}

using System.Net;
using Ddm.Tests;
using Microsoft.Extensions.Time.Testing;

namespace Ddm.Pages.Tests;

/// <summary>What a session of pages opens, and to whom.</summary>
public class SessionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AKeyIsTradedForACookieThatScriptsCannotReadAndOtherSitesCannotSend()
    {
        using var files = new TinyFolder();
        await using var hosts = await PageHosts.StartControlAsync(files);
        using var browser = hosts.Browser();

        var cookie = await hosts.SignInAsync(browser);

        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("path=/", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(PageHosts.Key, cookie, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(browser, hosts.Request(HttpMethod.Get, "/runs", Bare(cookie))));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(browser, hosts.Request(HttpMethod.Get, "/runs")));
    }

    [Fact]
    public async Task ACookieAloneOpensNothingToAPageOfAnotherOrigin()
    {
        using var files = new TinyFolder();
        await using var hosts = await PageHosts.StartControlAsync(files);
        using var browser = hosts.Browser();
        var cookie = Bare(await hosts.SignInAsync(browser));

        foreach (var (method, origin, site, expected) in new (string, string?, string?, HttpStatusCode)[]
        {
            ("POST", "own", "same-origin", HttpStatusCode.BadRequest), // it got in; its body is no spec
            ("POST", "own", null, HttpStatusCode.BadRequest),
            ("POST", "http://127.0.0.1:1", "same-site", HttpStatusCode.Forbidden), // another port of this machine: the browser sends the cookie along
            ("POST", "https://page.example", null, HttpStatusCode.Forbidden),
            ("POST", "null", null, HttpStatusCode.Forbidden),
            ("POST", null, null, HttpStatusCode.Forbidden),
            ("GET", null, null, HttpStatusCode.OK),
            ("GET", null, "none", HttpStatusCode.OK),
            ("GET", null, "same-site", HttpStatusCode.Forbidden),
            ("GET", null, "cross-site", HttpStatusCode.Forbidden),
        })
        {
            using var request = hosts.Request(new HttpMethod(method), "/runs", cookie, method == "POST" ? "{\"spec\": 1}" : null, origin, site);
            using var answer = await browser.SendAsync(request, Token);
            Assert.True(expected == answer.StatusCode, $"{method} {origin} {site}: {answer.StatusCode}");
            Assert.True(expected != HttpStatusCode.Forbidden || (await answer.Content.ReadAsStringAsync(Token)).Contains("page", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task WhatIsNoCookieOfOursOpensNothing()
    {
        using var files = new TinyFolder();
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var hosts = await PageHosts.StartControlAsync(files, time);
        using var browser = hosts.Browser();
        var cookie = Bare(await hosts.SignInAsync(browser));
        var (name, value) = (cookie.Split('=')[0], cookie.Split('=')[1].Split('.'));
        Assert.Equal(3, value.Length);

        foreach (var forged in new[]
        {
            $"{value[0]}.{long.Parse(value[1], System.Globalization.CultureInfo.InvariantCulture) + 1}.{value[2]}",
            $"{value[0]}.{value[1]}.{new string('0', 64)}",
            $"{value[0]}.{value[1]}.",
            $"000000000000.{value[1]}.{value[2]}",
            PageHosts.Key, "", "..", "a.b.c",
        })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(browser, hosts.Request(HttpMethod.Get, "/runs", $"{name}={forged}")));
        }

        time.Advance(Ddm.Services.PageSessions.Lasts - TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(browser, hosts.Request(HttpMethod.Get, "/runs", cookie)));
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(browser, hosts.Request(HttpMethod.Get, "/runs", cookie)));
    }

    [Fact]
    public async Task ASessionOutlivesARestartButNotItsKey()
    {
        using var files = new TinyFolder();
        string value;
        await using (var first = await PageHosts.StartControlAsync(files))
        {
            using var browser = first.Browser();
            value = Bare(await first.SignInAsync(browser)).Split('=')[1];
        }

        foreach (var (key, expected) in new[] { (PageHosts.Key, HttpStatusCode.OK), ("another-key-of-the-tests-0123", HttpStatusCode.Unauthorized) })
        {
            await using var next = await PageHosts.StartControlAsync(files, null, ("Ddm:ApiKeys:0", key));
            using var browser = next.Browser();
            Assert.Equal(expected, await StatusAsync(browser, next.Request(HttpMethod.Get, "/runs", $"ddm-session-{next.Control.Address.Port}={value}")));
        }
    }

    [Fact]
    public async Task WrongKeysAreLimitedAndAKeyForPicturesOpensNoRuns()
    {
        using var files = new TinyFolder();
        await using var hosts = await PageHosts.StartControlAsync(files, null, ("Ddm:WrongKeysPerMinute", "2"));
        using var browser = hosts.Browser();

        var statuses = new List<HttpStatusCode>();
        foreach (var key in new[] { "wrong", "wrong", "wrong", PageHosts.ImagesKey })
        {
            statuses.Add(await StatusAsync(browser, hosts.Request(HttpMethod.Post, "/pages/session", json: $"{{\"key\": \"{key}\"}}")));
        }

        Assert.Equal([HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests, HttpStatusCode.Forbidden], statuses);
        await hosts.SignInAsync(browser); // a good key is not held up
    }

    [Fact]
    public async Task OnlyOurOwnPageMaySignIn()
    {
        using var files = new TinyFolder();
        await using var hosts = await PageHosts.StartControlAsync(files);
        using var browser = hosts.Browser();
        var good = $"{{\"key\": \"{PageHosts.Key}\"}}";

        foreach (var (body, origin, expected) in new (string?, string?, HttpStatusCode)[]
        {
            (good, "https://page.example", HttpStatusCode.Forbidden),
            (good, null, HttpStatusCode.Forbidden),
            (good.Replace("key", "kye", StringComparison.Ordinal), "own", HttpStatusCode.BadRequest),
            ("[]", "own", HttpStatusCode.BadRequest),
            (null, "own", HttpStatusCode.UnsupportedMediaType),
        })
        {
            using var request = hosts.Request(HttpMethod.Post, "/pages/session", null, body, origin, site: null);
            using var answer = await browser.SendAsync(request, Token);
            Assert.True(expected == answer.StatusCode, $"{body} {origin}: {answer.StatusCode}");
            Assert.False(answer.Headers.Contains("Set-Cookie"));
        }
    }

    [Fact]
    public async Task SigningOutTakesTheCookieAwayAndBehindTlsItIsSecure()
    {
        using var files = new TinyFolder();
        await using var hosts = await PageHosts.StartControlAsync(files, null, ("Ddm:Pages:Hosts", "runs.example"));
        using var browser = hosts.Browser();

        using var end = await browser.SendAsync(hosts.Request(HttpMethod.Delete, "/pages/session", Bare(await hosts.SignInAsync(browser))), Token);
        Assert.Contains("max-age=0", end.Headers.GetValues("Set-Cookie").Single(), StringComparison.OrdinalIgnoreCase);

        using var request = hosts.Request(HttpMethod.Post, "/pages/session", json: $"{{\"key\": \"{PageHosts.Key}\"}}", origin: "https://runs.example");
        request.Headers.Host = "runs.example";
        using var answer = await browser.SendAsync(request, Token);
        var cookie = answer.Headers.GetValues("Set-Cookie").Single();
        Assert.StartsWith("ddm-session=", cookie, StringComparison.Ordinal);
        Assert.Contains("; secure", cookie, StringComparison.OrdinalIgnoreCase);
    }

    private static string Bare(string cookie) => cookie.Split(';')[0];

    private static async Task<HttpStatusCode> StatusAsync(HttpClient browser, HttpRequestMessage request)
    {
        using (request)
        {
            using var answer = await browser.SendAsync(request, Token);
            return answer.StatusCode;
        }
    }
}

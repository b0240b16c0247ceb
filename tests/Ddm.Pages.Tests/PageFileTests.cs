using System.Net;
using System.Text.RegularExpressions;
using Ddm.Tests;

namespace Ddm.Pages.Tests;

/// <summary>The pages as files: who gets them, and what they may load.</summary>
public partial class PageFileTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PagesNeedNoKeyAndMayLoadNothingFromElsewhere()
    {
        using var files = new TinyFolder();
        await using var hosts = await PageHosts.StartControlAsync(files);
        using var browser = hosts.Browser();

        foreach (var path in new[] { "/pages/runs", "/pages/run?name=x", "/pages/sign-in", "/pages/pages.css", "/pages/run.js", "/pages/quickstart.yaml" })
        {
            using var answer = await browser.GetAsync(path, Token);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            Assert.StartsWith("default-src 'none';", policy, StringComparison.Ordinal);
            Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
            using var again = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { IfNoneMatch = { answer.Headers.ETag! } } };
            using var same = await browser.SendAsync(again, Token);
            Assert.Equal(HttpStatusCode.NotModified, same.StatusCode);
        }

        using var bare = await browser.GetAsync("/", Token);
        Assert.Equal("/pages/runs", bare.Headers.Location?.OriginalString);
        using var other = await browser.GetAsync("/pages/playground", Token);
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode); // the gateway's
    }

    [Theory]
    [InlineData("rebound.example", HttpStatusCode.Forbidden)]
    [InlineData("proxy.example", HttpStatusCode.OK)]
    [InlineData("localhost", HttpStatusCode.OK)]
    public async Task ByANameThatIsNotOursNothingIsGiven(string host, HttpStatusCode expected)
    {
        using var files = new TinyFolder();
        await using var hosts = await PageHosts.StartControlAsync(files, null, ("Ddm:Pages:Hosts", "proxy.example"));
        using var browser = hosts.Browser();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/pages/runs") { Headers = { Host = host } };
        using var answer = await browser.SendAsync(request, Token);
        Assert.Equal(expected, answer.StatusCode);
    }

    [Fact]
    public void NoFileNamesAnotherHostOrAStyleOfItsOwn()
    {
        Assert.NotEmpty(PageFile.All);
        foreach (var (name, file) in PageFile.All.Where(pair => !pair.Key.EndsWith(".yaml", StringComparison.Ordinal)))
        {
            var text = System.Text.Encoding.UTF8.GetString(file.Content).Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal);
            Assert.False(Elsewhere().IsMatch(text), name);
        }
    }

    [GeneratedRegex(@"https?://[^$'""]|style=|innerHTML\s*=[^=]|\beval\(|onclick=""")]
    private static partial Regex Elsewhere();
}

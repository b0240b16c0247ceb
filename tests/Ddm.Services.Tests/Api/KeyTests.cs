using System.Net;
using System.Security.Cryptography;
using System.Text;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.Configuration;

namespace Ddm.Services.Tests.Api;

public class KeyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithoutAGoodKeyEveryAddressAnswersTheSame()
    {
        using var tiny = new TinyFolder();
        await using var server = await ApiServer.StartAsync(new FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);
        using var client = new HttpClient { BaseAddress = server.Address };

        var answers = new List<string>();
        foreach (var (path, header, value) in new (string, string?, string?)[]
        {
            ("/runs", null, null),
            ("/runs/tiny", "Authorization", "Bearer wrong"),
            ("/runs/no-such-run", "X-Api-Key", "wrong"),
            ("/runs/tiny/events", "Authorization", "Basic " + ApiServer.Key),
            ($"/runs?key={ApiServer.Key}&api_key={ApiServer.Key}", null, null),
        })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (header is not null)
            {
                request.Headers.TryAddWithoutValidation(header, value);
            }

            using var answer = await client.SendAsync(request, Token);
            answers.Add(await answer.ProblemAsync(HttpStatusCode.Unauthorized));
            Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
        }

        Assert.Single(answers.Distinct());
    }

    [Fact]
    public async Task AKeyOpensInEitherHeaderAndTheDescriptionNeedsNone()
    {
        using var tiny = new TinyFolder();
        await using var server = await ApiServer.StartAsync(new FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);
        using var client = new HttpClient { BaseAddress = server.Address };

        using var request = new HttpRequestMessage(HttpMethod.Get, "/runs") { Headers = { { "X-Api-Key", ApiServer.Key } } };
        using var answer = await client.SendAsync(request, Token);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("3.1.1", (await client.GetJsonAsync("/openapi/v1.json")).GetProperty("openapi").GetString());
    }

    [Fact]
    public async Task WrongKeysAreLimitedAndDoNotShutAGoodOneOut()
    {
        using var tiny = new TinyFolder();
        var settings = new Dictionary<string, string?> { ["Ddm:ApiKeys"] = ApiServer.Key, ["Ddm:WrongKeysPerMinute"] = "5" };
        await using var server = await ApiServer.StartAsync(new FileBlobStore(tiny.Home), tiny.Folder, settings: settings, cancellationToken: Token);
        using var client = new HttpClient { BaseAddress = server.Address };
        client.DefaultRequestHeaders.Add("X-Api-Key", "wrong");

        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 8; i++)
        {
            using var answer = await client.GetAsync("/runs", Token);
            statuses.Add(answer.StatusCode);
        }

        Assert.Equal([.. Enumerable.Repeat(HttpStatusCode.Unauthorized, 5), .. Enumerable.Repeat(HttpStatusCode.TooManyRequests, 3)], statuses);
        using var good = await server.Client.GetAsync("/runs", Token);
        Assert.Equal(HttpStatusCode.OK, good.StatusCode);
    }

    [Theory]
    [InlineData(null, null, HttpStatusCode.OK)]
    [InlineData("localhost:{port}", "http://localhost:{port}", HttpStatusCode.OK)]
    [InlineData("[::1]:{port}", null, HttpStatusCode.OK)]
    [InlineData("rebound.example:{port}", null, HttpStatusCode.Forbidden)]
    [InlineData("rebound.example:{port}", "http://rebound.example:{port}", HttpStatusCode.Forbidden)]
    [InlineData("localhost.example", null, HttpStatusCode.Forbidden)]
    [InlineData(null, "https://page.example", HttpStatusCode.Forbidden)]
    [InlineData(null, "http://localhost:1", HttpStatusCode.Forbidden)]
    [InlineData(null, "null", HttpStatusCode.Forbidden)]
    public async Task WithoutKeysNoWebPageOfAnotherOriginGetsIn(string? host, string? origin, HttpStatusCode expected)
    {
        using var tiny = new TinyFolder();
        var settings = new Dictionary<string, string?> { ["Ddm:RequireApiKey"] = "false" };
        await using var server = await ApiServer.StartAsync(new FileBlobStore(tiny.Home), tiny.Folder, settings: settings, cancellationToken: Token);
        using var client = new HttpClient { BaseAddress = server.Address };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/runs");
        var port = $"{server.Address.Port}";
        request.Headers.Host = host?.Replace("{port}", port, StringComparison.Ordinal);
        if (origin is not null)
        {
            request.Headers.TryAddWithoutValidation("Origin", origin.Replace("{port}", port, StringComparison.Ordinal));
        }

        using var answer = await client.SendAsync(request, Token);

        Assert.Equal(expected, answer.StatusCode);
        if (expected == HttpStatusCode.Forbidden)
        {
            Assert.Contains("Set keys", await answer.ProblemAsync(expected), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("Ddm:RequireApiKey", "no")]
    [InlineData("Ddm:WrongKeysPerMinute", "0")]
    [InlineData("Ddm:WrongKeysPerMinute", "-5")]
    [InlineData("Ddm:WrongKeysPerMinute", "many")]
    public void AWrongSettingIsNamed(string setting, string value)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Ddm:ApiKeys"] = ApiServer.Key, [setting] = value }).Build();
        var error = Assert.Throws<UserErrorException>(() => ApiSettings.From(configuration, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance));
        Assert.StartsWith($"{setting}: '{value}' is n", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AKeyIsMadeWhereNoneIsConfiguredForItsOwnerAlone()
    {
        using var tiny = new TinyFolder();
        var file = Path.Combine(tiny.Folder, "keys", "api-key");
        var settings = new Dictionary<string, string?> { ["Ddm:ApiKeyFile"] = file };
        await using (var server = await ApiServer.StartAsync(new FileBlobStore(tiny.Home), tiny.Folder, settings: settings, cancellationToken: Token))
        {
            using var client = new HttpClient { BaseAddress = server.Address };
            client.DefaultRequestHeaders.Authorization = new("Bearer", (await File.ReadAllTextAsync(file, Token)).Trim());
            using var answer = await client.GetAsync("/runs", Token);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        Assert.Equal(ApiKeyFile.Read(file), ApiKeyFile.ReadOrCreate(file));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.OtherRead);
            Assert.Contains("chmod 600", Assert.Throws<UserErrorException>(() => ApiKeyFile.Read(file)).Message, StringComparison.Ordinal);
            Assert.NotNull(ApiKeyFile.Read(file, Path.GetDirectoryName(file))); // systemd's, which lets nobody else in
            Assert.Throws<UserErrorException>(() => ApiKeyFile.Read(file, Path.GetTempPath()));
        }
    }

    [Fact]
    public void OfProcessesThatMakeTheKeyAtOnceAllReadTheSame()
    {
        var folder = Directory.CreateTempSubdirectory("ddm-key-");
        var file = Path.Combine(folder.FullName, "api-key");
        Assert.Single(Enumerable.Range(0, 16).Select(_ => ApiKeyFile.ReadOrCreate(file)).Distinct());
        folder.Delete(recursive: true);
    }

    [Fact]
    public void AHashStandsForItsKeyAndBadSettingsAreRefusedWithoutRepeatingThem()
    {
        var hash = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(ApiServer.Key)));
        var ring = new ApiKeyRing(["another-key-of-some-length-1", hash]);

        Assert.True(ring.Holds(ApiServer.Key));
        Assert.True(ring.Holds("another-key-of-some-length-1"));
        Assert.False(ring.Holds(hash));
        Assert.False(ring.Holds(""));
        foreach (var bad in new[] { "short-secret", "sha256:12", "sha256:" + new string('z', 64) })
        {
            var error = Assert.Throws<UserErrorException>(() => new ApiKeyRing([ApiServer.Key, bad]));
            Assert.StartsWith("Ddm:ApiKeys, entry 1: ", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(bad, error.Message, StringComparison.Ordinal);
        }
    }
}

using System.Net;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Services.Tests.Api;

public class RunTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AFinishedRunTellsEverythingThatTheCommandLineTells()
    {
        using var tiny = new TinyRun();
        await tiny.RunAsync();
        await using var server = await ApiServer.StartAsync(tiny.Blobs, null, cancellationToken: Token);

        var facts = await server.Client.GetJsonAsync("/runs/tiny");
        Assert.Equal((await tiny.InspectAsync()).Roles.Select(r => r.Sha256), facts.GetProperty("roles").EnumerateArray().Select(r => r.GetProperty("sha256").GetString()));
        Assert.Equal(tiny.SpecText, (await server.Client.GetJsonAsync("/runs/tiny/document")).GetProperty("specText").GetString());

        var curves = await server.Client.GetJsonAsync("/runs/tiny/metrics");
        Assert.Equal([12, 12, 8], curves.EnumerateArray().Select(curve => curve.GetProperty("steps").GetArrayLength()));
        var router = Assert.Single((await server.Client.GetJsonAsync("/runs/tiny/metrics?role=router&after=5")).EnumerateArray());
        Assert.Equal([6, 7, 8], router.GetProperty("steps").EnumerateArray().Select(step => step.GetProperty("step").GetInt32()));
        using var unknown = await server.Client.GetAsync("/runs/tiny/metrics?role=experts/7", Token);
        await unknown.ProblemAsync(HttpStatusCode.NotFound);

        var log = await server.Client.GetStringAsync("/runs/tiny/logs", Token);
        Assert.Contains("  stage      Train\n", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunsComeInPages()
    {
        using var tiny = new TinyFolder();
        var blobs = new FileBlobStore(tiny.Home);
        await using var server = await ApiServer.StartAsync(blobs, tiny.Folder, cancellationToken: Token);
        foreach (var name in new[] { "a", "b", "c" })
        {
            await AddAsync(blobs, name, tiny);
        }

        var first = await server.Client.GetJsonAsync("/runs?limit=2");
        var second = await server.Client.GetJsonAsync("/runs?limit=2&after=" + first.GetProperty("next").GetString());

        Assert.Equal(["a", "b"], Names(first));
        Assert.Equal(["c"], Names(second));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, second.GetProperty("next").ValueKind);

        static IEnumerable<string?> Names(System.Text.Json.JsonElement page) => page.GetProperty("runs").EnumerateArray().Select(run => run.GetProperty("run").GetString());
    }

    [Theory]
    [InlineData("GET", "/runs/no-such-run", HttpStatusCode.NotFound, "no run 'no-such-run'")]
    [InlineData("POST", "/runs/no-such-run/cancel", HttpStatusCode.NotFound, "no run 'no-such-run'")]
    [InlineData("GET", "/runs/%2e%2e", HttpStatusCode.NotFound, "nothing at this address")]
    [InlineData("GET", "/runs/a%2fb", HttpStatusCode.BadRequest, "cannot name a run")]
    [InlineData("GET", "/runs/..%2fx", HttpStatusCode.BadRequest, "cannot name a run")]
    [InlineData("GET", "/runs/CON", HttpStatusCode.BadRequest, "cannot name a run")]
    [InlineData("GET", "/runs/Tiny", HttpStatusCode.BadRequest, "did you mean 'tiny'")]
    [InlineData("GET", "/runs/latest", HttpStatusCode.BadRequest, "cannot name a run")]
    [InlineData("GET", "/runs/%F0%9F%98%80", HttpStatusCode.BadRequest, "cannot name a run")]
    [InlineData("GET", "/runs/%3Cscript%3E", HttpStatusCode.BadRequest, "cannot name a run")]
    [InlineData("GET", "/runs/x'%20OR%201=1", HttpStatusCode.BadRequest, "cannot name a run")]
    [InlineData("GET", "/runs/x%00y", HttpStatusCode.BadRequest, "")]
    [InlineData("GET", "/runs?limit=0", HttpStatusCode.BadRequest, "limit '0'")]
    [InlineData("GET", "/runs?limit=1.5", HttpStatusCode.BadRequest, "limit '1.5'")]
    [InlineData("GET", "/runs?limit=1&limit=2", HttpStatusCode.BadRequest, "limit '1,2'")]
    [InlineData("GET", "/runs?after=../x", HttpStatusCode.BadRequest, "cannot name a run")]
    [InlineData("GET", "/elsewhere", HttpStatusCode.NotFound, "nothing at this address")]
    [InlineData("DELETE", "/runs/tiny", HttpStatusCode.MethodNotAllowed, "DELETE is not for this address")]
    [InlineData("PUT", "/runs", HttpStatusCode.MethodNotAllowed, "PUT is not for this address")]
    [InlineData("POST", "/runs/tiny/roles/experts/1/explode", HttpStatusCode.NotFound, "nothing at this address")]
    public async Task WhatCannotBeIsAnsweredAsSuch(string method, string path, HttpStatusCode status, string told)
    {
        using var tiny = new TinyFolder();
        await using var server = await ApiServer.StartAsync(new FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);

        using var answer = await server.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), Token);

        if (told.Length > 0)
        {
            Assert.Contains(told, await answer.ProblemAsync(status), StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal(status, answer.StatusCode);
        }
    }

    [Fact]
    public async Task ANameThatIsTooLongIsRefused()
    {
        using var tiny = new TinyFolder();
        await using var server = await ApiServer.StartAsync(new FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);
        using var answer = await server.Client.GetAsync("/runs/" + new string('a', 300), Token);
        await answer.ProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task ADamagedRunDocumentIsToldByItsName()
    {
        using var tiny = new TinyFolder();
        var blobs = new FileBlobStore(tiny.Home);
        await using var server = await ApiServer.StartAsync(blobs, tiny.Folder, cancellationToken: Token);
        await AddAsync(blobs, "tiny", tiny);
        await blobs.TryWriteAsync(BlobNames.RunDocument("tiny"), "{}"u8.ToArray(), WriteCondition.Any, Token);

        using var answer = await server.Client.GetAsync("/runs/tiny", Token);

        Assert.Contains("runs/tiny/run.json", await answer.ProblemAsync(HttpStatusCode.InternalServerError), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OneDamagedRunHidesNoOther()
    {
        using var tiny = new TinyFolder();
        var blobs = new FileBlobStore(tiny.Home);
        await using var server = await ApiServer.StartAsync(blobs, tiny.Folder, cancellationToken: Token);
        foreach (var name in new[] { "a", "b", "c" })
        {
            await AddAsync(blobs, name, tiny);
        }

        await blobs.TryWriteAsync(BlobNames.RunDocument("a"), "{}"u8.ToArray(), WriteCondition.Any, Token);
        await blobs.TryWriteAsync(BlobNames.Head("b", Role.Router), "{"u8.ToArray(), WriteCondition.Any, Token);
        var page = await server.Client.GetJsonAsync("/runs");

        Assert.Equal(["b", "c"], page.GetProperty("runs").EnumerateArray().Select(run => run.GetProperty("run").GetString()));
        Assert.Equal(["a"], page.GetProperty("damaged").EnumerateArray().Select(run => run.GetProperty("run").GetString()));
        var role = page.GetProperty("runs")[0].GetProperty("roles").EnumerateArray().Single(role => role.GetProperty("role").GetString() == "router");
        Assert.Contains("runs/b/router/head.json", role.GetProperty("failure").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/runs")]
    [InlineData("GET", "/runs/tiny")]
    [InlineData("POST", "/runs")]
    [InlineData("POST", "/runs/tiny/cancel")]
    public async Task AStoreThatRefusesTheServerIsNobodysMistakeAndKeepsItsNames(string method, string path)
    {
        using var tiny = new TinyFolder();
        await using var server = await ApiServer.StartAsync(new RefusingStore(new FileBlobStore(tiny.Home)), tiny.Folder, cancellationToken: Token);
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = new StringContent(tiny.SpecText, System.Text.Encoding.UTF8, "application/yaml") };

        using var answer = await server.Client.SendAsync(request, Token);

        Assert.DoesNotContain("secret", await answer.ProblemAsync(HttpStatusCode.ServiceUnavailable), StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromSeconds(5), answer.Headers.RetryAfter?.Delta);
    }

    [Fact]
    public async Task TheDescriptionNamesEveryAddressAndItsErrors()
    {
        using var tiny = new TinyFolder();
        await using var server = await ApiServer.StartAsync(new FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);

        var description = await server.Client.GetJsonAsync("/openapi/v1.json");

        var paths = description.GetProperty("paths");
        string[] expected =
        [
            "/runs", "/runs/{name}", "/runs/{name}/document", "/runs/{name}/logs", "/runs/{name}/metrics", "/runs/{name}/events", "/runs/{name}/cancel", "/runs/{name}/pause",
            "/runs/{name}/resume", "/runs/{name}/retry", "/runs/{name}/roles/experts/{k}/move", "/runs/{name}/roles/experts/{k}/redrive", "/runs/{name}/roles/{role}/move",
            "/runs/{name}/roles/{role}/redrive", "/runs/{name}/curve", "/runs/{name}/pictures", "/runs/{name}/clusters/{k}/contact-sheet.png", "/runs/{name}/grids/{percent}.png",
            "/workers", "/workers/advanced", "/workers/blobs/sign", "/workers/blobs/{name}", "/workers/claims", "/workers/claims/commit", "/workers/claims/fail", "/workers/claims/forgive",
            "/workers/claims/release", "/workers/claims/renew", "/workers/claims/sweep", "/workers/clock", "/workers/events", "/workers/pools/{pool}", "/workers/presence", "/workers/slices",
            "/workers/slices/take",
        ];
        Assert.Equal(expected.Order(), paths.EnumerateObject().Select(path => path.Name.TrimEnd('/')).Order());
        foreach (var operation in paths.EnumerateObject().SelectMany(path => path.Value.EnumerateObject()))
        {
            Assert.True(operation.Value.TryGetProperty("operationId", out _), operation.Name);
            Assert.Equal(2, operation.Value.GetProperty("security").GetArrayLength());
            Assert.True(operation.Value.GetProperty("responses").TryGetProperty("401", out _), operation.Value.ToString());
        }

        var submit = paths.EnumerateObject().Single(path => path.Name.TrimEnd('/') == "/runs").Value.GetProperty("post");
        Assert.True(submit.GetProperty("requestBody").GetProperty("content").TryGetProperty("application/yaml", out _));
        Assert.All(["201", "200", "400", "409", "413", "415"], status => Assert.True(submit.GetProperty("responses").TryGetProperty(status, out _), status));
        Assert.True(description.GetProperty("components").GetProperty("schemas").TryGetProperty("RunFacts", out _));
    }

    private sealed class RefusingStore(IBlobStore below) : Ddm.Storage.Tests.InterceptedBlobStore(below)
    {
        protected override Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional)
            => Task.FromException<T>(new UserErrorException($"container 'secret' refuses to {call} (AuthorizationFailure, HTTP 403).") { MayPass = true });
    }

    internal static async Task AddAsync(IBlobStore blobs, string name, TinyFolder tiny, RunStatus status = RunStatus.Paused)
    {
        var text = tiny.SpecText.Replace("name: tiny", "name: " + name, StringComparison.Ordinal);
        await new RunRepository(blobs).TryCreateAsync(
            new RunDocument
            {
                Name = name,
                Spec = RunSpecReader.Read(text, "spec"),
                SpecText = text,
                SourceRoot = tiny.Folder,
                SubmittedAt = DateTimeOffset.UnixEpoch,
                Status = status,
                Roles = [new RoleDecision("experts/0", 12, RoleStatus.Training), new RoleDecision("router", 8, RoleStatus.Training)],
            },
            Token);
    }
}

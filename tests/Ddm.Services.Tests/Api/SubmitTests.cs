using System.Net;
using System.Text;
using System.Text.Json;
using Ddm.Tests;

namespace Ddm.Services.Tests.Api;

public class SubmitTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ASubmittedRunTrainsAndTheSameSpecAgainIsTheSameRun()
    {
        using var tiny = new TinyFolder();
        await using var server = await ApiServer.StartAsync(new Ddm.Storage.FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);

        using var created = await server.Client.SubmitAsync(tiny.SpecText);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal("/runs/tiny", created.Headers.Location?.ToString());
        Assert.Equal("tiny", (await created.JsonAsync()).GetProperty("run").GetString());

        // The same again, as JSON and with defaults written out: it means the same.
        var json = JsonSerializer.Serialize(new { spec = tiny.SpecText + "\n", root = tiny.Folder });
        using var again = await server.Client.SubmitAsync(json, "application/json");
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);

        var facts = await server.EndedAsync("tiny");
        Assert.Equal("succeeded", facts.GetProperty("status").GetString());
        Assert.All(facts.GetProperty("roles").EnumerateArray(), role => Assert.Equal(role.GetProperty("target").GetInt64(), role.GetProperty("step").GetInt64()));
        using var afterwards = await server.Client.SubmitAsync(tiny.SpecText);
        Assert.Equal("succeeded", (await afterwards.JsonAsync()).GetProperty("status").GetString());
        Assert.Single((await server.Client.GetJsonAsync("/runs")).GetProperty("runs").EnumerateArray());
    }

    [Fact]
    public async Task ARunWhoseSubmissionWasCutOffIsWokenByTheNext()
    {
        using var tiny = new TinyFolder();
        var blobs = new Ddm.Storage.FileBlobStore(tiny.Home);
        await using var server = await ApiServer.StartAsync(blobs, tiny.Folder, cancellationToken: Token);
        await RunTests.AddAsync(blobs, "tiny", tiny, Ddm.Runs.RunStatus.Running); // its document, and nobody was told

        using var again = await server.Client.SubmitAsync(tiny.SpecText);

        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.Equal("failed", (await server.EndedAsync("tiny")).GetProperty("status").GetString()); // it names no data set, and somebody has looked
    }

    [Fact]
    public async Task AnotherSpecOfTheNameIsAConflictThatListsTheDifferences()
    {
        using var tiny = new TinyFolder();
        await using var server = await ApiServer.StartAsync(new Ddm.Storage.FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);
        (await server.Client.SubmitAsync(tiny.SpecText)).Dispose();

        using var other = await server.Client.SubmitAsync(tiny.SpecText.Replace("steps: 12", "steps: 13", StringComparison.Ordinal));

        Assert.Equal(HttpStatusCode.Conflict, other.StatusCode);
        Assert.Equal(["experts.steps: 12 -> 13"], (await other.JsonAsync()).GetProperty("differences").EnumerateArray().Select(line => line.GetString()));
    }

    [Fact]
    public async Task OfManySubmissionsAtOnceOneCreatesTheRun()
    {
        using var tiny = new TinyFolder();
        await using var server = await ApiServer.StartAsync(new Ddm.Storage.FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => server.Client.SubmitAsync(
            tiny.SpecText.Replace("seed: 7", $"seed: {i % 3}", StringComparison.Ordinal))));

        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Created);
        Assert.Equal(3, answers.Count(answer => answer.StatusCode == HttpStatusCode.OK));
        Assert.Equal(8, answers.Count(answer => answer.StatusCode == HttpStatusCode.Conflict));
        Array.ForEach(answers, answer => answer.Dispose());
    }

    [Fact]
    public async Task EveryMistakeOfASpecIsToldWithItsPlace()
    {
        using var tiny = new TinyFolder();
        await using var server = await ApiServer.StartAsync(new Ddm.Storage.FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);

        using var answer = await server.Client.SubmitAsync(tiny.SpecText.Replace("batch: 16", "batch: -1", StringComparison.Ordinal) + "\nexpertz: 3\n");

        Assert.Contains("did you mean", await answer.ProblemAsync(HttpStatusCode.BadRequest), StringComparison.Ordinal);
        var errors = (await answer.JsonAsync()).GetProperty("errors").EnumerateArray().ToArray();
        Assert.Contains(errors, e => e.GetProperty("path").GetString() == "experts.batch" && e.GetProperty("line").GetInt32() == 6);
        Assert.Contains(errors, e => e.GetProperty("line").GetInt32() == 10);
        Assert.Empty(await new RunRepository(new Ddm.Storage.FileBlobStore(tiny.Home)).NamesAsync(Token));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0")]
    [InlineData("name: !!python/object:os.system x")]
    [InlineData("name: &a x\nb: *a")]
    [InlineData("name: ../x")]
    [InlineData("name: latest")]
    [InlineData("{\"name\": \"x\", \"name\": \"y\"}")]
    [InlineData("{")]
    public async Task WhatIsNoSpecIsRefused(string spec)
    {
        using var tiny = new TinyFolder();
        await using var server = await ApiServer.StartAsync(new Ddm.Storage.FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);

        using var answer = await server.Client.SubmitAsync(spec);

        await answer.ProblemAsync(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("{\"spec\": 3}", "'spec' is number")]
    [InlineData("{\"spec\": null}", "'spec' is null")]
    [InlineData("null", "The body is null")]
    [InlineData("{}", "spec")]
    [InlineData("{\"spec\": \"a\", \"spec\": \"b\"}", "uplicate")]
    [InlineData("{\"spec\": \"a\", \"rot\": \"/\"}", "rot")]
    [InlineData("{\"spec\": ", "The body is not the JSON")]
    [InlineData("{\"spec\": [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}", "depth")]
    public async Task ABodyThatIsNoSuchJsonIsRefusedByWhatIsWrong(string body, string told)
    {
        using var tiny = new TinyFolder();
        await using var server = await ApiServer.StartAsync(new Ddm.Storage.FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);

        using var answer = await server.Client.SubmitAsync(body, "application/json");

        Assert.Contains(told, await answer.ProblemAsync(HttpStatusCode.BadRequest), StringComparison.Ordinal);
    }

    [Fact]
    public async Task BodiesTooLargeOfAnotherKindPackedOrNotUtf8AreRefusedAsSuch()
    {
        using var tiny = new TinyFolder();
        await using var server = await ApiServer.StartAsync(new Ddm.Storage.FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);

        using var large = await server.Client.SubmitAsync(new string('x', 300_000));
        await large.ProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        using var chunked = await server.Client.PostAsync("/runs", new Endless("application/yaml"), Token);
        await chunked.ProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        using var kind = await server.Client.SubmitAsync(tiny.SpecText, "text/html");
        await kind.ProblemAsync(HttpStatusCode.UnsupportedMediaType);
        using var none = await server.Client.PostAsync("/runs", null, Token);
        await none.ProblemAsync(HttpStatusCode.UnsupportedMediaType);
        using var packed = new StringContent(tiny.SpecText, Encoding.UTF8, "application/yaml");
        packed.Headers.ContentEncoding.Add("gzip");
        using var bomb = await server.Client.PostAsync("/runs", packed, Token);
        await bomb.ProblemAsync(HttpStatusCode.UnsupportedMediaType);
        using var latin = new ByteArrayContent([0x6e, 0xff, 0xfe]);
        latin.Headers.ContentType = new("application/yaml");
        using var broken = await server.Client.PostAsync("/runs", latin, Token);
        Assert.Contains("UTF-8", await broken.ProblemAsync(HttpStatusCode.BadRequest), StringComparison.Ordinal);
    }

    private sealed class Endless : HttpContent
    {
        public Endless(string type) => Headers.ContentType = new(type);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (var i = 0; i < 100; i++)
            {
                await stream.WriteAsync(new byte[10_000]);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}

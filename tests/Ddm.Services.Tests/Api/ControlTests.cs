using System.Net;
using System.Text;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Services.Tests.Api;

public class ControlTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARunIsHeldLetGoOnEndedAndTakenUpAgain()
    {
        using var tiny = new TinyFolder(TinyFolder.DefaultSpec.Replace("steps: 12", "steps: 100000", StringComparison.Ordinal));
        await using var server = await ApiServer.StartAsync(new FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);
        (await server.Client.SubmitAsync(tiny.SpecText)).Dispose();
        await TrainingAsync(server);

        foreach (var (action, status) in new[] { ("pause", "paused"), ("resume", "running"), ("cancel", "cancelled"), ("retry", "running"), ("cancel", "cancelled") })
        {
            using var answer = await server.Client.PostAsync($"/runs/tiny/{action}", null, Token);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(status, (await answer.JsonAsync()).GetProperty("status").GetString());
        }

        using var refused = await server.Client.PostAsync("/runs/tiny/resume", null, Token);
        Assert.Contains("was cancelled", await refused.ProblemAsync(HttpStatusCode.Conflict), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARoleIsMovedAndOneThatDidNotFailIsNotTakenUpAgain()
    {
        using var tiny = new TinyFolder(TinyFolder.DefaultSpec.Replace("steps: 12", "steps: 100000", StringComparison.Ordinal));
        var blobs = new FileBlobStore(tiny.Home);
        await using var server = await ApiServer.StartAsync(blobs, tiny.Folder, cancellationToken: Token);
        (await server.Client.SubmitAsync(tiny.SpecText)).Dispose();
        await TrainingAsync(server);

        using var moved = await PostAsync(server, "roles/experts/0/move", "{\"pool\": \"t4\"}");
        Assert.Equal(HttpStatusCode.OK, moved.StatusCode);
        Assert.Contains(await RunEvents.ReadAsync(blobs, "tiny", Token), e => e.Text.Contains("experts/0 was moved to pool 't4'", StringComparison.Ordinal));
        using var driven = await PostAsync(server, "roles/experts/0/redrive", "");
        Assert.Contains("neither failed nor was set aside", await driven.ProblemAsync(HttpStatusCode.Conflict), StringComparison.Ordinal);
        (await server.Client.PostAsync("/runs/tiny/cancel", null, Token)).Dispose();
    }

    [Theory]
    [InlineData("roles/experts/7/move", "{\"pool\": \"t4\"}", HttpStatusCode.NotFound, "no role experts/7")]
    [InlineData("roles/experts/7/redrive", "", HttpStatusCode.NotFound, "no role experts/7")]
    [InlineData("roles/experts/999999999/move", "{\"pool\": \"t4\"}", HttpStatusCode.NotFound, "experts/999999999")]
    [InlineData("roles/student/move", "{\"pool\": \"t4\"}", HttpStatusCode.NotFound, "no role student")]
    [InlineData("roles/experts/0/move", "{\"pool\": \"../x\"}", HttpStatusCode.BadRequest, "../x")]
    [InlineData("roles/experts/0/move", "{\"pol\": \"t4\"}", HttpStatusCode.BadRequest, "pol")]
    [InlineData("roles/experts/0/move", "{\"pool\": null}", HttpStatusCode.BadRequest, "pool")]
    [InlineData("roles/experts/0/move", "[]", HttpStatusCode.BadRequest, "{\"pool\": ...}")]
    [InlineData("roles/experts/x/move", "{\"pool\": \"t4\"}", HttpStatusCode.NotFound, "nothing at this address")]
    public async Task WhatCannotBeMovedIsToldWhy(string path, string body, HttpStatusCode status, string told)
    {
        using var tiny = new TinyFolder();
        var blobs = new FileBlobStore(tiny.Home);
        await using var server = await ApiServer.StartAsync(blobs, tiny.Folder, cancellationToken: Token);
        await RunTests.AddAsync(blobs, "tiny", tiny, RunStatus.Paused);

        using var answer = await PostAsync(server, path, body);

        Assert.Contains(told, await answer.ProblemAsync(status), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMoveReadsTheDocumentOnceBeforeItActsAndOnceToAct()
    {
        using var tiny = new TinyFolder();
        var blobs = new CountedStore(new Ddm.Storage.Tests.MemoryBlobStore());
        await using var server = await ApiServer.StartAsync(blobs, tiny.Folder, cancellationToken: Token);
        await RunTests.AddAsync(blobs, "tiny", tiny, RunStatus.Paused);
        blobs.Calls.Clear();

        using var answer = await PostAsync(server, "roles/experts/0/move", "{\"pool\": \"t4\"}");

        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(Token));
        Assert.Equal(2, blobs.Calls.Count(call => call == "read " + BlobNames.RunDocument("tiny")));
    }

    private static async Task<HttpResponseMessage> PostAsync(ApiServer server, string path, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        return await server.Client.PostAsync($"/runs/tiny/{path}", content, Token);
    }

    private static async Task TrainingAsync(ApiServer server)
    {
        await foreach (var (type, _, data) in server.StreamAsync("tiny"))
        {
            if (type == "status" && data.GetProperty("roles").EnumerateArray().Any(role => role.GetProperty("step").GetInt64() > 0))
            {
                return;
            }
        }

        Assert.Fail("The run ended before it trained.");
    }
}

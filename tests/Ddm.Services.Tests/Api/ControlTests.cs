using System.Net;
using System.Text;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Services.Tests.Api;

public class ControlTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("pause", RunStatus.Running, "paused")]
    [InlineData("resume", RunStatus.Paused, "running")]
    [InlineData("cancel", RunStatus.Paused, "cancelled")]
    [InlineData("retry", RunStatus.Failed, "running")]
    public async Task AnActionAnswersHowTheRunStandsThen(string action, RunStatus before, string after)
    {
        using var tiny = new TinyFolder();
        var blobs = new FileBlobStore(tiny.Home);
        await using var server = await ApiServer.StartAsync(blobs, tiny.Folder, cancellationToken: Token);
        await RunTests.AddAsync(blobs, "tiny", tiny, before);

        using var answer = await server.Client.PostAsync($"/runs/tiny/{action}", null, Token);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(after, (await answer.JsonAsync()).GetProperty("status").GetString());
    }

    [Fact]
    public async Task WhatCannotBeDoneNowIsAConflict()
    {
        using var tiny = new TinyFolder();
        var blobs = new FileBlobStore(tiny.Home);
        await using var server = await ApiServer.StartAsync(blobs, tiny.Folder, cancellationToken: Token);
        await RunTests.AddAsync(blobs, "tiny", tiny, RunStatus.Cancelled);

        using var answer = await server.Client.PostAsync("/runs/tiny/resume", null, Token);

        Assert.Equal("run 'tiny' is Cancelled", await answer.ProblemAsync(HttpStatusCode.Conflict));
    }

    [Theory]
    [InlineData("roles/experts/0/move", "{\"pool\": \"t4\"}", HttpStatusCode.Conflict, "experts/0 to t4")]
    [InlineData("roles/router/move", "{\"pool\": \"t4\"}", HttpStatusCode.Conflict, "router to t4")]
    [InlineData("roles/experts/0/redrive", "", HttpStatusCode.Conflict, "experts/0 again")]
    [InlineData("roles/experts/0/move", "{\"pol\": \"t4\"}", HttpStatusCode.BadRequest, "pol")]
    [InlineData("roles/experts/0/move", "{\"pool\": null}", HttpStatusCode.BadRequest, "pool")]
    [InlineData("roles/experts/0/move", "[]", HttpStatusCode.BadRequest, "{\"pool\": ...}")]
    [InlineData("roles/experts/x/move", "{\"pool\": \"t4\"}", HttpStatusCode.NotFound, "nothing at this address")]
    public async Task RolesAreMovedAndDrivenAgainByName(string path, string body, HttpStatusCode status, string told)
    {
        using var tiny = new TinyFolder();
        var blobs = new FileBlobStore(tiny.Home);
        await using var server = await ApiServer.StartAsync(blobs, tiny.Folder, cancellationToken: Token);
        await RunTests.AddAsync(blobs, "tiny", tiny);

        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await server.Client.PostAsync($"/runs/tiny/{path}", content, Token);

        Assert.Contains(told, await answer.ProblemAsync(status), StringComparison.Ordinal);
    }
}

using System.Net;
using Ddm.Runs;
using Ddm.Services.Tests.Api;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Services.Tests.Outside;

public sealed class OutsideLimitsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EachKeyOpensItsOwnAddresses()
    {
        await using var shop = await OutsideShop.OpenAsync();
        using var nobody = new HttpClient { BaseAddress = shop.Address };
        using var full = shop.ClientOf(ApiServer.Key);

        using var none = await nobody.GetAsync("/workers", Token);
        Assert.Equal(HttpStatusCode.Unauthorized, none.StatusCode);
        using var wrong = await full.GetAsync("/workers", Token);
        Assert.Contains("worker's key", await wrong.ProblemAsync(HttpStatusCode.Forbidden), StringComparison.Ordinal);
        foreach (var path in (string[])["/runs", "/runs/tiny", "/runs/tiny/document", "/runs/tiny/events"])
        {
            using var runs = await shop.Client.GetAsync(path, Token);
            Assert.Contains("opens /workers alone", await runs.ProblemAsync(HttpStatusCode.Forbidden), StringComparison.Ordinal);
        }

        using var pause = await shop.Client.PostAsync("/runs/tiny/pause", null, Token);
        Assert.Equal(HttpStatusCode.Forbidden, pause.StatusCode);
        Assert.Equal("anna", (await shop.Client.GetJsonAsync("/workers")).GetProperty("holder").GetString());
    }

    [Fact]
    public async Task AKeySpeaksForItsOwnWorkersInItsOwnPoolAlone()
    {
        await using var shop = await OutsideShop.OpenAsync();
        var claim = await shop.ClaimAsync();
        using var bob = shop.ClientOf(OutsideShop.BobsKey);

        await RefusedAsync(shop.PostAsync("/slices/take", new TakeBody("t4", OutsideShop.Worker, 0)), "for pool 'home'");
        await RefusedAsync(shop.PostAsync("/slices/take", new TakeBody("home", "bob/box:1:1", 0)), "not of key 'anna'");
        await RefusedAsync(shop.PostAsync("/claims", new ClaimBody("tiny", "experts/1", OutsideShop.Worker, OutsideShop.Host, null, "t4", false)), "for pool 'home'");
        await RefusedAsync(shop.PostAsync("/claims", new ClaimBody("tiny", "experts/1", OutsideShop.Worker, "bob/box", null, "home", false)), "not of key 'anna'");
        await RefusedAsync(shop.PostAsync("/claims", new ClaimBody("tiny", "router", OutsideShop.Worker, OutsideShop.Host, null, "home", false)), "not placed in a pool");
        await RefusedAsync(shop.PostAsync("/claims", new ClaimBody("no-such-run", "experts/0", OutsideShop.Worker, OutsideShop.Host, null, "home", false)), "not placed in a pool");
        await RefusedAsync(shop.PostAsync("/presence", Record("anna/box:1:1", "t4")), "for pool 'home'");
        await RefusedAsync(shop.PostAsync("/presence", Record("carl/box:1:1", "home")), "not of key 'anna'");
        foreach (var path in (string[])["/claims/renew", "/claims/release", "/claims/sweep", "/claims/fail", "/events"])
        {
            object body = path switch
            {
                "/claims/renew" => claim,
                "/claims/release" => new ReleaseBody(claim),
                "/claims/sweep" => new SweepBody(claim),
                "/claims/fail" => new FailureBody(claim, "x"),
                _ => new EventBody(claim, RunEvent.Notice, "x"),
            };
            await RefusedAsync(shop.PostAsync(path, body, bob), "not of key 'bob'");
        }

        Assert.True((await shop.AskAsync<HeldAnswer>("/claims/renew", claim)).IsHeld);
        Assert.Null(await shop.Store.ReadAsync(BlobNames.RoleFailure("tiny", Role.Expert(0)), Token));
    }

    [Theory]
    [InlineData("runs/tiny/run.json")]
    [InlineData("runs/tiny/experts/0/head.json")]
    [InlineData("runs/tiny/clusters/0/manifest.json")]
    [InlineData("runs/tiny/clusters/0/00000.safetensors")]
    [InlineData("runs/tiny/init/weights.safetensors")]
    [InlineData("datasets/d/manifest.json")]
    public async Task AClaimOpensItsOwnBlobs(string name)
    {
        await using var shop = await OutsideShop.OpenAsync();
        var claim = await shop.ClaimAsync();
        using var answer = await shop.SendAsync(HttpMethod.Get, claim, name);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        using var signature = await shop.PostAsync("/blobs/sign", new SignBody(claim, name, false));
        Assert.Contains("signs nothing", await signature.ProblemAsync(HttpStatusCode.Conflict), StringComparison.Ordinal); // a folder; but it may
    }

    [Theory]
    [InlineData("runs/tiny/clusters/1/manifest.json")]
    [InlineData("runs/tiny/clusters/1/00000.safetensors")]
    [InlineData("runs/tiny/experts/1/head.json")]
    [InlineData("runs/tiny/router/owner.json")]
    [InlineData("runs/tiny/experts/0/owner.json")]
    [InlineData("runs/tiny/features/00000.safetensors")]
    [InlineData("runs/tiny/events/x.jsonl")]
    [InlineData("runs/other/run.json")]
    [InlineData("runs/other/clusters/0/manifest.json")]
    [InlineData("datasets/d/shards/00000.tar")]
    [InlineData("runs/tiny/clusters/0/../1/manifest.json")]
    [InlineData("runs/tiny/clusters/0/%2e%2e/1/manifest.json")]
    [InlineData("workers/anna-box-1-1.json")]
    public async Task AClaimOpensNothingElse(string name)
    {
        await using var shop = await OutsideShop.OpenAsync();
        var claim = await shop.ClaimAsync();
        await RefusedAsync(shop.PostAsync("/blobs/sign", new SignBody(claim, Uri.UnescapeDataString(name), false)), claim.Role);
        using var answer = await shop.SendAsync(HttpMethod.Get, claim, name);
        Assert.True(answer.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.NotFound, $"{answer.StatusCode}");
    }

    [Theory]
    [InlineData("runs/tiny/experts/0/head.json")]
    [InlineData("runs/tiny/experts/0/owner.json")]
    [InlineData("runs/tiny/experts/0/checkpoints/0000000010-1/manifest.json")]
    [InlineData("runs/tiny/experts/0/checkpoints/0000000010-1/Manifest.json")] // the same where names have no case
    [InlineData("runs/tiny/experts/0/checkpoints/10-1/weights.safetensors")] // no folder that a commit would use
    [InlineData("runs/tiny/experts/0/checkpoints/0000000010-1.16/weights.safetensors")]
    [InlineData("runs/tiny/experts/0/checkpoints/0000000010-1.a/weights.safetensors")]
    [InlineData("runs/tiny/experts/0/checkpoints/0000000010-2/weights.safetensors")] // another epoch's
    [InlineData("runs/tiny/experts/0/checkpoints/0000001001-1/weights.safetensors")] // beyond the last step
    [InlineData("runs/tiny/experts/0/checkpoints/0000000010-1/a/weights.safetensors")]
    [InlineData("runs/tiny/experts/1/checkpoints/0000000010-1/weights.safetensors")]
    [InlineData("runs/other/experts/0/checkpoints/0000000010-1/weights.safetensors")]
    [InlineData("runs/tiny/run.json")]
    [InlineData("runs/tiny/clusters/0/manifest.json")]
    public async Task AClaimWritesNothingButNewPartsOfItsNextCheckpoint(string name)
    {
        await using var shop = await OutsideShop.OpenAsync();
        var before = await shop.Store.ReadAsync(name, Token);
        var claim = await shop.ClaimAsync();
        await RefusedAsync(shop.SendAsync(HttpMethod.Put, claim, name, [1]), "does not open");
        await RefusedAsync(shop.PostAsync("/blobs/sign", new SignBody(claim, name, true)), "does not open");
        var after = await shop.Store.ReadAsync(name, Token);
        Assert.Equal(name.EndsWith("head.json", StringComparison.Ordinal) || name.EndsWith("owner.json", StringComparison.Ordinal) ? after?.Bytes : before?.Bytes, after?.Bytes);
    }

    [Fact]
    public async Task APartIsNotWrittenOverAndNotOnceItIsCommitted()
    {
        await using var shop = await OutsideShop.OpenAsync();
        var claim = await shop.ClaimAsync();
        var name = OutsideShop.FolderOf(claim, 10) + OutsideShop.Part;
        await RefusedAsync(shop.SendAsync(HttpMethod.Put, claim, name, [1], ifAbsent: false), "If-None-Match");
        var body = await shop.WriteAsync(claim, 10);
        using var again = await shop.SendAsync(HttpMethod.Put, claim, name, [1]);
        Assert.Equal(HttpStatusCode.PreconditionFailed, again.StatusCode);
        await shop.AskAsync<CommitAnswer>("/claims/commit", body);
        await RefusedAsync(shop.SendAsync(HttpMethod.Put, claim, OutsideShop.FolderOf(claim, 10) + "ema.safetensors", [1]), "does not open");
    }

    [Fact]
    public async Task WhoLostTheClaimOpensNothing()
    {
        await using var shop = await OutsideShop.OpenAsync();
        var claim = await shop.ClaimAsync();
        await shop.TakeAwayAsync();

        await RefusedAsync(shop.SendAsync(HttpMethod.Get, claim, "runs/tiny/clusters/0/manifest.json"), "any more");
        await RefusedAsync(shop.SendAsync(HttpMethod.Put, claim, OutsideShop.FolderOf(claim, 10) + OutsideShop.Part, [1]), "any more");
        await RefusedAsync(shop.PostAsync("/claims/fail", new FailureBody(claim, "x")), "any more");
        Assert.False((await shop.AskAsync<HeldAnswer>("/claims/renew", claim)).IsHeld);
    }

    [Fact]
    public async Task WhatAWorkerSaysOfItselfIsWrittenInItsStead()
    {
        await using var shop = await OutsideShop.OpenAsync();

        Assert.False((await shop.AskAsync<PresenceAnswer>("/presence", Record(OutsideShop.Worker, "home"))).WasThere);
        Assert.NotNull(await shop.Store.ReadAsync(BlobNames.NewestWorker, Token)); // it rang
        Assert.True((await shop.AskAsync<PresenceAnswer>("/presence", Record(OutsideShop.Worker, "home"))).WasThere);
        Assert.Equal(OutsideShop.Worker, Assert.Single(await new WorkerDirectory(shop.Store).ReadAsync(Token)).Record.Name);
        using var gone = await shop.Client.DeleteAsync($"/workers/presence?worker={Uri.EscapeDataString(OutsideShop.Worker)}", Token);
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
        Assert.Empty(await new WorkerDirectory(shop.Store).ReadAsync(Token));
    }

    [Fact]
    public async Task AnInsideWorkersRecordIsNotWrittenOver()
    {
        await using var shop = await OutsideShop.OpenAsync();
        var inside = Record("anna:1:1", "local"); // on a machine that is named as the key
        var name = BlobNames.Worker(WorkerPresence.Encode(inside.Name));
        await shop.Store.TryWriteJsonAsync(name, inside, WriteCondition.Any, Token);

        await RefusedAsync(shop.PostAsync("/presence", Record("anna/1:1", "home")), "worker 'anna:1:1''s");
        await RefusedAsync(shop.Client.DeleteAsync("/workers/presence?worker=anna/1:1", Token), "worker 'anna:1:1''s");
        Assert.Equal(inside.Name, (await shop.Store.ReadJsonAsync<WorkerRecord>(name, Token))!.Value.Value.Name);
    }

    [Fact]
    public async Task WithoutKeysAWebPageOpensNothing()
    {
        await using var shop = await OutsideShop.OpenAsync(more: ("Ddm:RequireApiKey", "false"));
        using var client = new HttpClient { BaseAddress = shop.Address };
        Assert.Equal("anyone", (await client.GetJsonAsync("/workers")).GetProperty("holder").GetString());
        using var request = new HttpRequestMessage(HttpMethod.Get, "/workers");
        request.Headers.Add("Origin", "https://cats.example");
        await RefusedAsync(client.SendAsync(request, Token), "a page of 'https://cats.example'");
    }

    [Theory]
    [InlineData("anna home=a-key-that-is-long-enough-1", "expected NAME@POOL=KEY")]
    [InlineData("an-na@home=a-key-that-is-long-enough-1", "expected NAME@POOL=KEY")]
    [InlineData("anna@Home=a-key-that-is-long-enough-1", "'Home' cannot name a pool")]
    [InlineData("anna@home=short", "24 characters")]
    [InlineData("anna@home=sha256:12", "64 hexadecimal digits")]
    [InlineData("anna=a-key-that-is-long-enough-1;anna@home=a-key-that-is-long-enough-2", "two keys are named 'anna'")]
    public void WrongEntriesAreNamedAndNotRepeated(string entries, string why)
    {
        var error = Assert.Throws<UserErrorException>(() => new WorkerKeyRing(entries.Split(';')));
        Assert.Contains("Ddm:WorkerKeys", error.Message, StringComparison.Ordinal);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(entries.Split('=')[1], error.Message, StringComparison.Ordinal);
    }

    private static WorkerRecord Record(string name, string pool) => new() { Schema = WorkerRecord.CurrentSchema, Name = name, Host = name.Split(':')[0], Pool = pool };

    private static async Task RefusedAsync(Task<HttpResponseMessage> asked, string why)
    {
        using var answer = await asked;
        Assert.Contains(why, await answer.ProblemAsync(HttpStatusCode.Forbidden), StringComparison.Ordinal);
    }
}

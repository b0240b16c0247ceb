using System.Net;
using Ddm.Runs;
using Ddm.Services.Tests.Api;
using Ddm.Storage;

namespace Ddm.Services.Tests.Outside;

public sealed class OutsideCommitTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ACommitMovesTheHeadOnceHoweverOftenItIsAsked()
    {
        await using var shop = await OutsideShop.OpenAsync();
        var claim = await shop.ClaimAsync();
        var body = await shop.WriteAsync(claim, 10);

        var first = await shop.AskAsync<CommitAnswer>("/claims/commit", body);
        var again = await shop.AskAsync<CommitAnswer>("/claims/commit", body);

        Assert.Equal((CommitKind.Committed, CommitKind.Committed), (first.Outcome, again.Outcome));
        Assert.Equal(first.Head, again.Head);
        Assert.Equal(first.HeadETag, again.HeadETag);
        var head = await shop.HeadAsync();
        Assert.Equal(first.Head, head);
        Assert.Equal((10, "home"), (head!.Step, head.Pool));
        var next = await shop.WriteAsync(claim, 20, 10, new CheckpointReference(head.Checkpoint!, head.ManifestSha256!, 10));
        Assert.Equal(20, (await shop.AskAsync<CommitAnswer>("/claims/commit", next)).Head!.Step);
        var links = await shop.Checkpoints.VerifyAsync("tiny", Role.Expert(0), body.DataManifestSha256, OutsideShop.Numerics, Token);
        Assert.All(links, link => Assert.Empty(link.Faults));
        Assert.Equal([20, 10], links.Select(link => link.Manifest!.Step));
    }

    [Fact]
    public async Task TheLastCommitGivesTheRoleBackAndItsLostReplyIsToldAgain()
    {
        await using var shop = await OutsideShop.OpenAsync();
        var body = await shop.WriteAsync(await shop.ClaimAsync(), 10) with { GivesBack = true };

        await shop.AskAsync<CommitAnswer>("/claims/commit", body);
        Assert.Equal(CommitKind.Committed, (await shop.AskAsync<CommitAnswer>("/claims/commit", body)).Outcome);
        Assert.Equal(2, (await shop.ClaimAsync(worker: "anna/box:2:2")).Epoch); // at once
    }

    [Fact]
    public async Task WhatIsNotAsToldMovesNothing()
    {
        await using var shop = await OutsideShop.OpenAsync();
        var claim = await shop.ClaimAsync();
        var body = await shop.WriteAsync(claim, 10);
        var part = body.Written.Parts[0];
        var head = await shop.HeadAsync();
        (CommitBody Body, string Why)[] wrong =
        [
            (body with { Written = body.Written with { Parts = [part with { Sha256 = new string('0', 64) }] } }, "has sha256"),
            (body with { Written = body.Written with { Parts = [part with { Length = part.Length + 1 }] } }, "bytes where"),
            (body with { Written = body.Written with { Parts = [part, part with { Name = "ema.safetensors" }] } }, "is missing"),
            (body with { Written = body.Written with { Parts = [] } }, "needs parts"),
            (body with { Written = body.Written with { Parts = [part with { Name = "../x" }] } }, "cannot name"),
            (body with { Written = body.Written with { Folder = OutsideShop.FolderOf(claim with { Role = "experts/1" }, 10) } }, "no folder for step 10"),
            (body with { Written = body.Written with { Folder = OutsideShop.FolderOf(claim with { Epoch = 2 }, 10) } }, "no folder for step 10"),
            (body with { Step = 11 }, "no folder for step 11"),
            (body with { FromStep = 5 }, "does not follow"),
            (body with { TrainedFrom = new CheckpointReference(OutsideShop.FolderOf(claim, 5), "0", 5), FromStep = 5 }, "trained from"),
            (body with { Numerics = OutsideShop.Numerics with { Threads = 2 } }, "numerics class"),
            (body with { DataManifestSha256 = "da7a" }, "trains on data"),
            (await shop.WriteAsync(claim, OutsideShop.Target) with { Step = OutsideShop.Target + 1 }, "ends at step"),
        ];
        foreach (var (commit, why) in wrong)
        {
            using var answer = await shop.PostAsync("/claims/commit", commit);
            Assert.Contains(why, await answer.ProblemAsync(HttpStatusCode.UnprocessableEntity), StringComparison.Ordinal);
        }

        Assert.Equal(head, await shop.HeadAsync());
        Assert.Equal(CommitKind.Committed, (await shop.AskAsync<CommitAnswer>("/claims/commit", body)).Outcome);
    }

    [Fact]
    public async Task ACheckpointIsNotThrownAwayByAWorkerThatSaysItIsDamaged()
    {
        await using var shop = await OutsideShop.OpenAsync();
        var claim = await shop.ClaimAsync();
        await shop.AskAsync<CommitAnswer>("/claims/commit", await shop.WriteAsync(claim, 10));
        var good = (await shop.HeadAsync())!;
        await shop.AskAsync<CommitAnswer>("/claims/commit", await shop.WriteAsync(claim, 20, 10, new CheckpointReference(good.Checkpoint!, good.ManifestSha256!, 10)));
        var newest = (await shop.HeadAsync())!;
        var anew = await shop.WriteAsync(claim, 15, 10, new CheckpointReference(good.Checkpoint!, good.ManifestSha256!, 10));

        using (var answer = await shop.PostAsync("/claims/commit", anew))
        {
            Assert.Contains("the newest whole checkpoint is " + newest.Checkpoint, await answer.ProblemAsync(HttpStatusCode.UnprocessableEntity), StringComparison.Ordinal);
        }

        await shop.Store.TryWriteAsync(newest.Checkpoint + OutsideShop.Part, "damaged"u8.ToArray(), WriteCondition.Any, Token); // now it is
        Assert.Equal(15, (await shop.AskAsync<CommitAnswer>("/claims/commit", anew)).Head!.Step);
    }

    [Fact]
    public async Task WhoLostTheRoleIsFencedAndAPausedRunIsNotClaimed()
    {
        await using var shop = await OutsideShop.OpenAsync();
        var claim = await shop.ClaimAsync();
        var body = await shop.WriteAsync(claim, 10);
        var inside = await shop.TakeAwayAsync();

        var answer = await shop.AskAsync<CommitAnswer>("/claims/commit", body);
        Assert.Equal((CommitKind.Fenced, inside.Epoch), (answer.Outcome, answer.Epoch));
        Assert.Equal(0, (await shop.HeadAsync())!.Step);
        await shop.Checkpoints.HoldAsync("tiny", Role.Expert(0), Token);
        var paused = await shop.AskAsync<ClaimAnswer>("/claims", new ClaimBody("tiny", "experts/0", OutsideShop.Worker, OutsideShop.Host, null, "home", false));
        Assert.Equal((ClaimKind.Void, true), (paused.Outcome, paused.Head!.Held));
    }

    [Fact]
    public async Task AClaimIsCountedForgivenAndTakenUpAgainAfterALostReply()
    {
        await using var shop = await OutsideShop.OpenAsync();
        var body = new ClaimBody("tiny", "experts/0", OutsideShop.Worker, OutsideShop.Host, 0, "home", false);
        var first = await shop.AskAsync<ClaimAnswer>("/claims", body);
        Assert.Equal(ClaimKind.HeldBy, (await shop.AskAsync<ClaimAnswer>("/claims", body)).Outcome);
        var second = await shop.AskAsync<ClaimAnswer>("/claims", body with { Retake = true });
        Assert.Equal((ClaimKind.Claimed, 2), (second.Outcome, second.Ticket!.Head.Attempts));
        Assert.Equal(["anna/box"], second.Ticket.Head.Tried!);

        var claim = new OutsideClaim("tiny", "experts/0", OutsideShop.Worker, second.Ticket.Owner.Epoch);
        using var forged = await shop.PostAsync("/claims/forgive", new ForgiveBody(claim, first.Ticket!.Before)); // not the count's last
        Assert.Equal(2, (await shop.HeadAsync())!.Attempts);
        var before = second.Ticket.Before;
        foreach (var other in (RoleHead[])[before with { Tried = ["anna/box", "t4"] }, before with { NotBefore = DateTimeOffset.MaxValue }, before with { Attempts = 0 }])
        {
            using var none = await shop.PostAsync("/claims/forgive", new ForgiveBody(claim, other));
            Assert.Equal(second.Ticket.Head, await shop.HeadAsync());
        }

        using var forgiven = await shop.PostAsync("/claims/forgive", new ForgiveBody(claim, second.Ticket.Before));
        Assert.Equal(1, (await shop.HeadAsync())!.Attempts);
        using var released = await shop.PostAsync("/claims/release", new ReleaseBody(claim));
        Assert.Equal(3, (await shop.ClaimAsync(worker: "anna/box:2:2")).Epoch);
    }
}

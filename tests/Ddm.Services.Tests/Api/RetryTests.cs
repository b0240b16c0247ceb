using System.Net;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Services.Tests.Api;

/// <summary>A run that failed for a blob that is missing or damaged: the failure says that a retry mends it, and it does, over the same services.</summary>
public sealed class RetryTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(RunStage.ExtractFeatures, "encoder.safetensors", "flip", RunStage.FitFeatures)]
    [InlineData(RunStage.FitPartition, "features/00001.safetensors", "delete", RunStage.ExtractFeatures)]
    [InlineData(RunStage.AssignShards, "centroids.safetensors", "half", RunStage.FitPartition)]
    [InlineData(RunStage.FreezeClusters, "assignments/00000.safetensors", "flip", RunStage.AssignShards)]
    [InlineData(RunStage.Train, "clusters/0/manifest.json", "delete", RunStage.FreezeClusters)]
    [InlineData(RunStage.Train, "clusters/1/00000.safetensors", "flip", RunStage.FreezeClusters)]
    public async Task AProductIsMadeAnew(RunStage stage, string kind, string damage, RunStage anew)
    {
        var (events, blob) = await FailAndRetryAsync(stage, kind, damage);
        Assert.Equal([$"{blob} is {(damage == "delete" ? "missing or empty" : "damaged")}: it is made anew at stage {anew}"], events);
    }

    [Theory]
    [InlineData("flip")]
    [InlineData("delete")]
    public async Task AHeadIsWrittenAnew(string damage)
    {
        var (events, _) = await FailAndRetryAsync(RunStage.Train, "runs/tiny/experts/0/head.json", damage);
        Assert.Contains("It was written anew and names runs/tiny/experts/0/checkpoints/", Assert.Single(events), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AHeadThatNothingCanBringBackIsAConflictWithItsRemedyAndTheRunIsSeenAllTheSame()
    {
        using var tiny = new TinyRun();
        await RunDamage.StopAtAsync(tiny, RunStage.Train);
        foreach (var name in FolderCopy.Blobs(tiny.Home).Where(name => name.Contains("experts/0/", StringComparison.Ordinal) && (name.EndsWith("head.json", StringComparison.Ordinal) || name.Contains("/checkpoints/", StringComparison.Ordinal))))
        {
            RunDamage.Damage(Path.Combine(tiny.Home, name), "half");
        }

        await using var server = await ApiServer.StartAsync(tiny.Blobs, tiny.Pictures, cancellationToken: Token);
        await server.WakeAsync(TinyRun.Name);
        await FailedAsync(tiny);
        using var refused = await server.Client.PostAsync("/runs/tiny/retry", null, Token);

        Assert.Contains("no checkpoint of experts/0 in run 'tiny' is whole", await refused.ProblemAsync(HttpStatusCode.Conflict), StringComparison.Ordinal);
        var role = (await server.Client.GetJsonAsync("/runs/tiny")).GetProperty("roles").EnumerateArray().First();
        Assert.Contains("head.json", role.GetProperty("failure").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARunThatIsDoneIsPublishedAgainWhereItsModelIsDamagedAndLeftAloneWhereItIsWhole()
    {
        using var tiny = new TinyRun();
        await tiny.RunAsync();
        var expected = await RunDamage.WeightsAsync(tiny, RunStage.Publish);
        await using var server = await ApiServer.StartAsync(tiny.Blobs, tiny.Pictures, cancellationToken: Token);
        using (var refused = await server.Client.PostAsync("/runs/tiny/retry", null, Token))
        {
            Assert.Contains("it is done, and nothing of it is missing", await refused.ProblemAsync(HttpStatusCode.Conflict), StringComparison.Ordinal);
        }

        var weights = FolderCopy.Blobs(tiny.Home).First(name => name.StartsWith("weights/", StringComparison.Ordinal));
        RunDamage.Damage(Path.Combine(tiny.Home, weights), "flip");
        await RetriedAsync(server, tiny);

        Assert.Equal(expected, await RunDamage.WeightsAsync(tiny, RunStage.Publish));
        var file = await File.ReadAllBytesAsync(Path.Combine(tiny.Home, weights), Token);
        Assert.Contains(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(file)), weights, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADamagedHeadOfAHeldRunDoesNotHoldItForGood()
    {
        await using var shop = new SliceWorkshop();
        await shop.Handler().HandleAsync(new TrainSlice(SliceWorkshop.Run, "experts/0", 0), Token);
        var (step, epoch) = ((await shop.HeadAsync())!.Step, (await shop.HeadAsync())!.Epoch);
        await shop.Control.PauseAsync(SliceWorkshop.Run, Token);
        await shop.Store.TryWriteAsync("runs/tiny/experts/0/head.json", "no head"u8.ToArray(), WriteCondition.Any, Token);

        Assert.Equal(RunStatus.Running, (await shop.Control.ResumeAsync(SliceWorkshop.Run, Token)).Status);
        await shop.Runs.FailAsync(SliceWorkshop.Run, "as a look does", refused: true, Token);
        await shop.Control.RetryAsync(SliceWorkshop.Run, Token);

        var head = (await shop.HeadAsync())!;
        Assert.Equal((step, false), (head.Step, head.Held));
        Assert.True(head.Epoch > epoch + 1, "whoever had the role may still commit"); // the pause raised it too
        Assert.Equal("", (await shop.Checkpoints.ReadOwnerAsync(SliceWorkshop.Run, SliceWorkshop.Expert, Token))!.Worker);
    }

    private static async Task<(string[] Repaired, string Blob)> FailAndRetryAsync(RunStage stage, string kind, string damage)
    {
        using var undisturbed = new TinyRun();
        await undisturbed.RunAsync();
        using var tiny = new TinyRun();
        await RunDamage.StopAtAsync(tiny, stage);
        var blob = FolderCopy.Blobs(tiny.Home).Single(name => RunDamage.Is(name, kind));
        RunDamage.Damage(Path.Combine(tiny.Home, blob), damage);
        await using var server = await ApiServer.StartAsync(tiny.Blobs, tiny.Pictures, cancellationToken: Token);
        await server.WakeAsync(TinyRun.Name);
        var failure = await FailedAsync(tiny);
        Assert.Contains(blob, failure, StringComparison.Ordinal);
        Assert.Contains("'ddm retry", failure, StringComparison.Ordinal);

        await RetriedAsync(server, tiny);

        Assert.Equal(await RunDamage.WeightsAsync(undisturbed, stage), await RunDamage.WeightsAsync(tiny, stage));
        return ([.. (await RunEvents.ReadAsync(tiny.Blobs, TinyRun.Name, Token)).Where(e => e.Kind == RunEvent.Repaired).Select(e => e.Text)], blob);
    }

    private static async Task<string> FailedAsync(TinyRun tiny)
    {
        var document = await RunOutcome.EndAsync(tiny.Blobs, () => "");
        Assert.Equal((RunStatus.Failed, true), (document.Status, document.Refused));
        return document.Failure!;
    }

    private static async Task RetriedAsync(ApiServer server, TinyRun tiny)
    {
        using var answer = await server.Client.PostAsync("/runs/tiny/retry", null, Token);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(Token));
        var document = await RunOutcome.EndAsync(tiny.Blobs, () => "");
        Assert.True(document.Status == RunStatus.Succeeded, document.Failure);
    }
}

using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Cli.Tests;

/// <summary><c>ddm pause</c>, <c>resume</c>, <c>retry</c> and <c>cancel</c> on a home folder, where no server is asked.</summary>
public sealed class HomeActionTests : IDisposable
{
    private readonly TinyFolder tiny = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private RunRepository Runs => new(new FileBlobStore(tiny.Home));

    public void Dispose() => tiny.Dispose();

    [Fact]
    public async Task ARunBetweenTwoProcessesIsHeldAndLetGoOnAndEnds()
    {
        await MakeAsync(RunStatus.Running);
        await SaysAsync("pause", "tiny: Paused, stage Train\n");
        await SaysAsync("pause", "tiny: Paused, stage Train\n"); // again: nothing more
        Assert.Equal("True True True", await HeldAsync());
        await SaysAsync("resume", "tiny: Running, stage Train\n  go on    ddm run SPEC, where no services work on these blobs\n");
        Assert.Equal("False False False", await HeldAsync());
        await SaysAsync("cancel", "tiny: Cancelled, stage Train\n");
        Assert.Equal("True True True", await HeldAsync());
        await SaysAsync("retry", "tiny: Running, stage Train\n  go on    ddm run SPEC, where no services work on these blobs\n");
        Assert.Equal("False False False", await HeldAsync());
        var kinds = (await RunEvents.ReadAsync(new FileBlobStore(tiny.Home), "tiny", Token)).Select(e => e.Kind);
        Assert.Equal([RunEvent.Paused, RunEvent.Resumed, RunEvent.Cancelled, RunEvent.Resumed], kinds);
    }

    [Fact]
    public async Task ARetryForgetsWhyTheRunFailed()
    {
        await MakeAsync(RunStatus.Failed);
        await SaysAsync("retry", "tiny: Running, stage Train\n  go on    ddm run SPEC, where no services work on these blobs\n");
        var document = await Runs.GetAsync("tiny", Token);
        Assert.Equal((RunStatus.Running, null, false), (document.Status, document.Failure, document.Refused));
        Assert.All(document.Roles, role => Assert.Equal((RoleStatus.Training, null), (role.Status, role.Failure)));
        Assert.False(await new FileBlobStore(tiny.Home).ExistsAsync(BlobNames.RoleFailure("tiny", Role.Router), Token));
    }

    [Fact]
    public async Task ARetryGoesBackToWhereWhatIsMissingIsMadeAndSaysSo()
    {
        await MakeAsync(RunStatus.Failed);
        await new FileBlobStore(tiny.Home).DeleteAsync(BlobNames.Features("tiny", 0), Token);
        var (code, output, errors) = await DdmProcess.RunAsync("retry", "tiny", "--home", tiny.Home);
        Assert.Equal((0, "tiny: Running, stage ExtractFeatures\n  go on    ddm run SPEC, where no services work on these blobs\n"), (code, output));
        Assert.Equal("runs/tiny/features/00000.safetensors is missing or empty: it is made anew at stage ExtractFeatures\n", errors);
    }

    [Fact]
    public async Task AFailedRunCanBeCancelled()
    {
        await MakeAsync(RunStatus.Failed);
        await SaysAsync("cancel", "tiny: Cancelled, stage Train\n");
        Assert.Equal("True True True", await HeldAsync());
    }

    [Theory]
    [InlineData("pause", RunStatus.Failed, "run 'tiny' cannot be paused: it failed. 'ddm retry tiny' takes it up again.")]
    [InlineData("pause", RunStatus.Cancelled, "run 'tiny' cannot be paused: it was cancelled. 'ddm retry tiny' takes it up again.")]
    [InlineData("pause", RunStatus.Succeeded, "run 'tiny' cannot be paused: it is done.")]
    [InlineData("resume", RunStatus.Failed, "run 'tiny' is not paused, it failed. 'ddm retry tiny' takes it up again.")]
    [InlineData("resume", RunStatus.Succeeded, "run 'tiny' is not paused, it is done.")]
    [InlineData("retry", RunStatus.Running, "run 'tiny' neither failed nor was cancelled, it is running.")]
    [InlineData("retry", RunStatus.Paused, "run 'tiny' neither failed nor was cancelled, it is paused. 'ddm resume tiny' lets it go on.")]
    [InlineData("cancel", RunStatus.Succeeded, "run 'tiny' cannot be cancelled: it is done.")]
    public async Task WhatCannotBeDoneNowIsSaidWithItsRemedyAndChangesNothing(string action, RunStatus status, string told)
    {
        await MakeAsync(status);
        var (code, output, errors) = await DdmProcess.RunAsync(action, "tiny", "--home", tiny.Home);
        Assert.Equal((2, "", $"ddm: {told}\n"), (code, output, errors));
        Assert.Equal(status, (await Runs.GetAsync("tiny", Token)).Status);
        Assert.Empty(await RunEvents.ReadAsync(new FileBlobStore(tiny.Home), "tiny", Token));
    }

    [Theory]
    [InlineData("nothing", "run 'nothing' does not exist; runs here: tiny.")]
    [InlineData("../tiny", "'../tiny' cannot name a run")]
    [InlineData("Tiny", "did you mean 'tiny'")]
    [InlineData("", "'' cannot name a run")]
    public async Task AWrongNameIsSaidByEveryAction(string name, string told)
    {
        await MakeAsync(RunStatus.Running);
        foreach (var action in new[] { "pause", "resume", "retry", "cancel" })
        {
            var (code, output, errors) = await DdmProcess.RunAsync(action, name, "--home", tiny.Home);
            Assert.True((code, output) == (2, "") && errors.Contains(told, StringComparison.Ordinal), $"{action}: {code} {output} {errors}");
            Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        }
    }

    /// <summary>Whoever trains sees a pause at its next look, and the same command goes on after a resume.</summary>
    [Fact]
    public async Task APauseReachesTheProcessThatTrains()
    {
        using var longer = new TinyFolder(TinyFolder.DefaultSpec.Replace("steps: 12", "steps: 100000", StringComparison.Ordinal));
        using var running = DdmProcess.Start("run", longer.SpecFile, "--home", longer.Home, "--json");
        Assert.True(await running.ReadUntilAsync("\"training\"", 8));
        var (code, output, errors) = await DdmProcess.RunAsync("cancel", "tiny", "--home", longer.Home);
        Assert.True(code == 0, errors);
        Assert.Equal("tiny: Cancelled, stage Train\n", output);
        var ended = await running.EndAsync();
        Assert.True(ended.Code == 130 || ended.Code == 1, $"{ended.Code} {ended.Output} {ended.Errors}");
        Assert.Contains("Cancelled", ended.Output, StringComparison.Ordinal);
    }

    private async Task SaysAsync(string action, string told)
    {
        var (code, output, errors) = await DdmProcess.RunAsync(action, "tiny", "--home", tiny.Home);
        Assert.True(code == 0, errors);
        Assert.Equal(told, output);
    }

    private async Task<string> HeldAsync()
    {
        var checkpoints = new CheckpointStore(new FileBlobStore(tiny.Home), TimeProvider.System, NullLogger.Instance);
        var held = new List<bool>();
        foreach (var role in new[] { Role.Expert(0), Role.Expert(1), Role.Router })
        {
            held.Add((await checkpoints.ReadHeadAsync("tiny", role, Token))!.Held);
        }

        return string.Join(' ', held);
    }

    private async Task MakeAsync(RunStatus status)
    {
        var (failed, blobs) = (status == RunStatus.Failed, new FileBlobStore(tiny.Home));
        await PlaceholderProducts.WriteAsync(blobs, "tiny", "d", experts: 2);
        await Runs.TryCreateAsync(
            new RunDocument
            {
                Name = "tiny",
                Spec = RunSpecReader.Read(tiny.SpecText, "tiny.yaml"),
                SpecText = tiny.SpecText,
                SourceRoot = tiny.Folder,
                SubmittedAt = DateTimeOffset.UnixEpoch,
                DatasetId = "d",
                ShardCount = 1,
                Stage = status == RunStatus.Succeeded ? RunStage.Done : RunStage.Train,
                Status = status,
                Failure = failed ? "experts/0 failed" : null,
                Refused = failed,
                Roles = [.. new[] { "experts/0", "experts/1", "router" }.Select(role => new RoleDecision(role, 12, failed ? RoleStatus.Failed : RoleStatus.Training, failed ? "NaN" : null))],
            },
            Token);
        if (failed)
        {
            await blobs.TryWriteJsonAsync(
                BlobNames.RoleFailure("tiny", Role.Router), new RoleFailure("NaN", 0, DateTimeOffset.UnixEpoch, 1), WriteCondition.Any, Token);
        }
    }
}

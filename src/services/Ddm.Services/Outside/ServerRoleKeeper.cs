using Ddm.Runs;
using Ddm.Storage;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>Owners and heads that a control plane keeps in this worker's stead.</summary>
internal sealed class ServerRoleKeeper(ServerConnection server, OutsideSession session, ILogger<ServerRoleKeeper> log) : IRoleKeeper
{
    /// <inheritdoc/>
    public async Task<ClaimOutcome> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        // Again after a lost reply: an owner record of this process is then that of the first try.
        var retake = request.IsKnownDead(request.Worker);
        ClaimAnswer? answer = null;
        for (var tries = 0; answer is null; tries++)
        {
            var body = new ClaimBody(request.Run, request.Role.Path, request.Worker, request.Host ?? request.Worker, request.FromStep, request.Pool!, retake || tries > 0);
            try
            {
                answer = await server.AskAsync<ClaimAnswer>("/claims", body, ServerConnection.Once, OutsidePatience.Short, cancellationToken);
            }
            catch (UserErrorException e) when (ServerConnection.IsRefusal(e))
            {
                // Placed elsewhere since its slice was sent: as any worker, this one drops the slice.
                log.LogInformation("{Role} of run {Run} is not for this worker: {Reason}", request.Role, request.Run, e.Message);
                return new ClaimOutcome.Void(null);
            }
            catch (IOException) when (tries == 0)
            {
                // once more; after that the slice is tried again as a whole
            }
        }

        switch (answer.Outcome)
        {
            case ClaimKind.Claimed:
                var claim = RoleClaim.From(answer.Ticket!);
                session.Current = Of(claim);
                return new ClaimOutcome.Claimed(claim);
            case ClaimKind.HeldBy:
                return new ClaimOutcome.HeldBy(answer.HeldBy ?? RoleOwner.Unreadable);
            case ClaimKind.NotYet:
                return new ClaimOutcome.NotYet(TimeSpan.FromSeconds(answer.WaitSeconds));
            case ClaimKind.Poisoned:
                session.Current = new OutsideClaim(request.Run, request.Role.Path, request.Worker, answer.Head!.Epoch);
                return new ClaimOutcome.Poisoned(answer.Head);
            default:
                log.LogInformation(
                    "{Role} of run {Run} is not to be trained now: {Reason}", request.Role, request.Run,
                    answer.Head is { Held: true } ? "its run is paused or cancelled" : "it has moved on since the slice was sent, or its run does not go on");
                return new ClaimOutcome.Void(answer.Head);
        }
    }

    /// <inheritdoc/>
    public async Task<bool> RenewAsync(RoleClaim claim, CancellationToken cancellationToken) =>
        (await server.AskAsync<HeldAnswer>("/claims/renew", Of(claim), ServerConnection.Once, OutsidePatience.Brief, cancellationToken))!.IsHeld;

    /// <inheritdoc/>
    public Task ReleaseAsync(RoleClaim claim, CancellationToken cancellationToken) => claim.Head.GivenBack ? Task.CompletedTask
        : server.TellAsync("/claims/release", new ReleaseBody(Of(claim)), ServerConnection.Once, OutsidePatience.Short, cancellationToken);

    /// <inheritdoc/>
    public Task ForgiveAsync(RoleClaim claim, CancellationToken cancellationToken) => claim.Head.Attempts <= claim.Before.Attempts ? Task.CompletedTask
        : server.TellAsync("/claims/forgive", new ForgiveBody(Of(claim), claim.Before), ServerConnection.Once, OutsidePatience.Short, cancellationToken);

    /// <inheritdoc/>
    public async Task<CommitOutcome?> SealAsync(RoleClaim claim, CommitRequest request, WrittenParts written, CancellationToken cancellationToken)
    {
        var body = new CommitBody
        {
            Claim = Of(claim),
            Step = request.Step,
            FromStep = request.FromStep,
            DataManifestSha256 = request.DataManifestSha256,
            Numerics = request.Numerics,
            Written = written,
            TrainedFrom = claim.Base,
            GivesBack = request.GivesBack,
        };
        var answer = (await server.AskAsync<CommitAnswer>("/claims/commit", body, ServerConnection.OverRestart, OutsidePatience.Commit, cancellationToken))!;
        switch (answer.Outcome)
        {
            case CommitKind.Committed:
                claim.Stand(answer.Head!, answer.HeadETag!);
                return new CommitOutcome.Committed(answer.Manifest!);
            case CommitKind.Fenced:
                return new CommitOutcome.Fenced(answer.Epoch);
            default:
                return null;
        }
    }

    /// <inheritdoc/>
    public Task SweepAsync(RoleClaim claim, RetentionSpec retention, CancellationToken cancellationToken) =>
        server.TellAsync("/claims/sweep", new SweepBody(Of(claim)), ServerConnection.Once, OutsidePatience.Short, cancellationToken);

    private static OutsideClaim Of(RoleClaim claim) => new(claim.Run, claim.Role.Path, claim.Worker, claim.Epoch);
}

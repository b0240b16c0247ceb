using System.Globalization;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Chaos.Tests;

/// <summary>Holds a run that is over against what was promised.</summary>
internal sealed class ChaosVerdict(ChaosRun run, IReadOnlyList<Fault> faults, ChaosLog log)
{
    private readonly Dictionary<Role, IReadOnlyList<CommittedCheckpoint>> chains = [];

    /// <summary>Fails with everything that does not hold.</summary>
    public async Task HoldsAsync()
    {
        foreach (var role in run.Targets.Keys)
        {
            chains[role] = await run.Checkpoints.HistoryAsync(ChaosRun.Name, role, TestContext.Current.CancellationToken);
        }

        CheckpointManifest[] damaged = [.. faults.Select(fault => fault.Manifest).OfType<CheckpointManifest>()];
        var claims = WorkAccount.Read(run.Services.All);
        WorkAccount.Settle(claims, chains.Values.SelectMany(chain => chain).Select(checkpoint => checkpoint.Manifest).Concat(damaged));
        string[] complaints = [.. LostHeads(), .. LostCommits(claims, damaged), .. await new FaultsTold(run, faults).MissingAsync(claims), .. Waste(claims)];
        Tell(claims);
        Assert.True(complaints.Length == 0, string.Join(Environment.NewLine, complaints) + Environment.NewLine + run.Describe());
    }

    // Every head that was ever seen lies on the way from the final head to step 0, the damaged ones apart.
    private IEnumerable<string> LostHeads()
        => from seen in run.Watch.Seen
           where !IsKept(seen.Role, seen.Checkpoint) && !IsDamaged(seen.Checkpoint)
           select $"a head of {seen.Role} named {seen.Checkpoint}, which the final head does not rest on";

    private IEnumerable<string> LostCommits(IEnumerable<TrainedClaim> claims, CheckpointManifest[] damaged)
        => from claim in claims
           from step in claim.Commits
           where !chains[claim.Role].Any(checkpoint => checkpoint.Manifest.Step == step && checkpoint.Manifest.Epoch == claim.Epoch)
               && !Array.Exists(damaged, manifest => manifest.Role == claim.Role.Path && manifest.Step == step && manifest.Epoch == claim.Epoch)
           select $"lost a commit at step {step}: {claim}";

    private IEnumerable<string> Waste(IReadOnlyList<TrainedClaim> claims)
    {
        var interval = Interval(claims);
        log.Add($"a commit interval: up to {interval} steps");
        foreach (var claim in claims.Where(claim => claim.Wasted > 0))
        {
            var allowed = faults.Select(fault => Allowed(fault, claim, interval)).Append(0).Max();
            if (claim.Wasted > allowed)
            {
                yield return $"{allowed} steps for nothing are allowed where a commit interval is up to {interval}: {claim}";
            }
        }
    }

    // Steps of one commit, and steps made while one was under way: during the faults, but not while the store was away.
    private long Interval(IReadOnlyList<TrainedClaim> claims)
    {
        var last = faults.Max(fault => fault.Until);
        var outages = faults.Where(fault => fault.Kind == FaultKind.StoreRestart).ToArray();
        var commits = chains.Values.SelectMany(chain => chain).Select(checkpoint => checkpoint.Manifest)
            .Where(manifest => manifest.CommittedAt <= last && !Array.Exists(outages, outage => outage.From <= manifest.CommittedAt && manifest.CommittedAt <= outage.Until));
        var beside = claims.Where(claim => claim.From <= last && !Array.Exists(outages, outage => Overlap(outage, claim))).Select(claim => claim.Beside);
        return commits.Max(manifest => manifest.Step - manifest.FromStep) + beside.Append(0).Max();
    }

    // What one claim may lose to one fault. A broker may cost nothing, whatever becomes of it.
    private static long Allowed(Fault fault, TrainedClaim claim, long interval) => fault.Kind switch
    {
        FaultKind.Kill when fault.Process == claim.Process && claim.IsLast => interval,
        FaultKind.Terminate when fault.Process == claim.Process && claim.IsLast => 1,
        FaultKind.Freeze when fault.Process == claim.Process && (Overlap(fault, claim) || (fault.Role == claim.Role && fault.Epoch == claim.Epoch)) => interval + 1, // the one that it slept in
        FaultKind.StoreRestart when Overlap(fault, claim) => long.MaxValue, // training goes on meanwhile, and an owner that could not renew may lose its role
        _ => 0,
    };

    private static bool Overlap(Fault fault, TrainedClaim claim) => claim.From <= fault.Until && claim.Until >= fault.From;

    private void Tell(IReadOnlyList<TrainedClaim> claims)
    {
        var (made, wasted) = (claims.Sum(claim => claim.Steps.Count), claims.Sum(claim => claim.Wasted));
        log.Add(string.Create(CultureInfo.InvariantCulture, $"{made} steps made for {run.Targets.Values.Sum()}, {wasted} for nothing, {chains.Values.Sum(chain => chain.Count)} commits"));
        foreach (var claim in claims.Where(claim => claim.Wasted > 0))
        {
            log.Add($"  {claim}");
        }
    }

    private bool IsKept(Role role, string folder) => chains[role].Any(checkpoint => checkpoint.Folder == folder);

    private bool IsDamaged(string folder) => faults.Any(fault => fault.Checkpoint == folder);
}

using System.Globalization;
using System.Text.RegularExpressions;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Chaos.Tests;

/// <summary>Steps made against steps that the final heads rest on, from the services' logs and the checkpoints.</summary>
internal static partial class WorkAccount
{
    /// <summary>The log category that tells of each step, at level Debug.</summary>
    public const string StepCategory = "Ddm.Services.TorchRoleTrainers";

    /// <summary>Of the services' log lines.</summary>
    public const string TimeFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";

    /// <summary>Every claim of every process, in the order of its log.</summary>
    public static List<TrainedClaim> Read(IEnumerable<ServiceProcess> processes)
    {
        var claims = new List<TrainedClaim>();
        foreach (var process in processes)
        {
            TrainedClaim? last = null;
            foreach (var line in process.Lines)
            {
                if (Claimed().Match(line) is { Success: true } claimed)
                {
                    last?.End(TimeOf(line));
                    last = new TrainedClaim(process, Role.Parse(claimed.Groups["role"].Value), Number(claimed, "epoch"), TimeOf(line));
                    claims.Add(last);
                }
                else if (last is not null && Trained().Match(line) is { Success: true } trained)
                {
                    last.Steps.Add(Number(trained, "step"));
                }
                else if (last is not null && Committed().Match(line) is { Success: true } committed)
                {
                    last.Commit(Number(committed, "step"), TimeOf(line));
                }
            }
        }

        return claims;
    }

    /// <summary>Counts the steps of each claim that no checkpoint in <paramref name="kept"/> holds.</summary>
    public static void Settle(IEnumerable<TrainedClaim> claims, IEnumerable<CheckpointManifest> kept)
    {
        var byEpoch = kept.ToLookup(manifest => (manifest.Role, manifest.Epoch));
        foreach (var claim in claims)
        {
            claim.Wasted = claim.Steps.Count(step => !byEpoch[(claim.Role.Path, claim.Epoch)].Any(manifest => step > manifest.FromStep && step <= manifest.Step));
        }
    }

    private static long Number(Match match, string group) => long.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    private static DateTimeOffset TimeOf(string line)
        => DateTimeOffset.ParseExact(line.AsSpan(0, TimeFormat.Length), TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    [GeneratedRegex(@" claimed (?<role>\S+) of run \S+ at epoch (?<epoch>\d+), step \d+")]
    private static partial Regex Claimed();

    [GeneratedRegex(@" Trained \S+ of run \S+: step (?<step>\d+)")]
    private static partial Regex Trained();

    [GeneratedRegex(@" committed \S+ of run \S+ at step (?<step>\d+), epoch \d+")]
    private static partial Regex Committed();
}

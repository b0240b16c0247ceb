using System.Security.Cryptography;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>The metrics that checkpoints carry.</summary>
public static class RunMetrics
{
    /// <summary>The steps one checkpoint added.</summary>
    public static async Task<IReadOnlyList<StepMetrics>> ReadAsync(IBlobStore blobs, string checkpoint, CancellationToken cancellationToken)
    {
        await using var part = await blobs.OpenReadAsync(checkpoint + MetricsLog.Part, cancellationToken);
        try
        {
            return part is null ? [] : await MetricsLog.ReadAsync(part, cancellationToken);
        }
        catch (Exception e) when (e is InvalidDataException or JsonException)
        {
            return []; // curves are for people: a damaged one is missing, see HistoryAsync
        }
    }

    /// <summary>A role's whole history, oldest step first, along the chain of its checkpoints.</summary>
    /// <param name="blobs">The store.</param>
    /// <param name="checkpoints">The chain.</param>
    /// <param name="run">The run.</param>
    /// <param name="role">The role.</param>
    /// <param name="damaged">Takes what is wrong with parts of it that are left out.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<IReadOnlyList<StepMetrics>> HistoryAsync(
        IBlobStore blobs, CheckpointStore checkpoints, string run, Role role, ICollection<string> damaged, CancellationToken cancellationToken)
    {
        var steps = new List<StepMetrics>();
        foreach (var checkpoint in (await checkpoints.HistoryAsync(run, role, cancellationToken)).Reverse())
        {
            var told = checkpoint.Manifest.Parts.FirstOrDefault(part => part.Name == MetricsLog.Part)?.Sha256;
            var content = await blobs.ReadAsync(checkpoint.Folder + MetricsLog.Part, cancellationToken);
            if (content is null || Convert.ToHexStringLower(SHA256.HashData(content.Bytes)) != told)
            {
                damaged.Add($"{checkpoint.Folder}{MetricsLog.Part} is {(content is null ? "missing" : "damaged")}: "
                    + $"steps {checkpoint.Manifest.FromStep + 1} to {checkpoint.Manifest.Step} of {role} are left out of curves and sums");
                continue;
            }

            steps.AddRange(await ReadAsync(blobs, checkpoint.Folder, cancellationToken));
        }

        return steps;
    }
}

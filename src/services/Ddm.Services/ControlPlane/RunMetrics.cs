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
        return part is null ? [] : await MetricsLog.ReadAsync(part, cancellationToken);
    }

    /// <summary>A role's whole history, oldest step first, along the chain of its checkpoints.</summary>
    public static async Task<IReadOnlyList<StepMetrics>> HistoryAsync(
        IBlobStore blobs, CheckpointStore checkpoints, string run, Role role, CancellationToken cancellationToken)
    {
        var steps = new List<StepMetrics>();
        foreach (var checkpoint in (await checkpoints.HistoryAsync(run, role, cancellationToken)).Reverse())
        {
            steps.AddRange(await ReadAsync(blobs, checkpoint.Folder, cancellationToken));
        }

        return steps;
    }
}

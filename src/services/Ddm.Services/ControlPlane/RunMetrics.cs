using System.Security.Cryptography;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>The metrics that checkpoints carry.</summary>
public static class RunMetrics
{
    /// <summary>Bytes of one checkpoint's metrics that are read: hundreds of thousands of steps. What is longer was written to fill somebody's memory.</summary>
    public const long MostBytes = 64 << 20;

    /// <summary>The steps one checkpoint added; none where its metrics are missing, damaged or longer than <see cref="MostBytes"/>.</summary>
    public static async Task<IReadOnlyList<StepMetrics>> ReadAsync(IBlobStore blobs, string checkpoint, CancellationToken cancellationToken)
    {
        await using var part = await blobs.OpenReadAsync(checkpoint + MetricsLog.Part, cancellationToken);
        try
        {
            return part is null || part.Length > MostBytes ? [] : await MetricsLog.ReadAsync(part, cancellationToken);
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
            var told = checkpoint.Manifest.Parts.FirstOrDefault(part => part.Name == MetricsLog.Part);
            if (await FindFaultAsync(blobs, checkpoint.Folder, told, cancellationToken) is { } fault)
            {
                damaged.Add($"{checkpoint.Folder}{MetricsLog.Part} is {fault}: steps {checkpoint.Manifest.FromStep + 1} to {checkpoint.Manifest.Step} of {role} are left out of curves and sums");
                continue;
            }

            steps.AddRange(await ReadAsync(blobs, checkpoint.Folder, cancellationToken));
        }

        return steps;
    }

    private static async Task<string?> FindFaultAsync(IBlobStore blobs, string folder, CheckpointPart? told, CancellationToken cancellationToken)
    {
        if (told?.Length > MostBytes)
        {
            return $"{told.Length} bytes long, more than the {MostBytes} that are read";
        }

        var content = await blobs.ReadAsync(folder + MetricsLog.Part, cancellationToken);
        return content is null ? "missing" : Convert.ToHexStringLower(SHA256.HashData(content.Bytes)) != told?.Sha256 ? "damaged" : null;
    }
}

using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>Makes the steps of a committed slice again and compares what comes out with what was committed, bit for bit. Writes nothing.</summary>
public sealed class SliceReplay(IBlobStore blobs, IRoleTrainers trainers, TimeProvider time)
{
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(0.5);

    /// <summary>Makes a slice again.</summary>
    /// <param name="document">The run.</param>
    /// <param name="role">The role.</param>
    /// <param name="slice">What was committed.</param>
    /// <param name="parent">What it started from; null: step 0.</param>
    /// <param name="stepped">Hears of the steps made.</param>
    /// <param name="cancellationToken">Stops between steps.</param>
    /// <returns>What came out otherwise; empty: the same bits.</returns>
    /// <exception cref="NumericsMismatchException">This process cannot compute in the slice's numerics class.</exception>
    /// <exception cref="CheckpointException">What it started from was swept meanwhile.</exception>
    public async Task<IReadOnlyList<string>> RunAsync(
        RunDocument document, Role role, VerifiedCheckpoint slice, OpenedCheckpoint? parent, Action<long> stepped, CancellationToken cancellationToken)
    {
        var told = slice.Manifest!;
        await using var trainer = await trainers.OpenAsync(document, role, cancellationToken);
        await trainer.LoadAsync(parent, cancellationToken);
        try
        {
            while (trainer.Step < told.Step)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var since = time.GetTimestamp();
                await trainer.StepAsync(step => step < told.Step && time.GetElapsedTime(since) < ReportEvery && !cancellationToken.IsCancellationRequested);
                stepped(trainer.Step);
            }
        }
        catch (NonFiniteStepException e)
        {
            return [e.Message];
        }

        var faults = new List<string>();
        using var made = await trainer.SnapshotAsync();
        foreach (var (name, write) in made.Parts)
        {
            var fault = name == MetricsLog.Part
                ? await CompareMetricsAsync(slice, write, cancellationToken)
                : await CompareAsync(told, name, write, cancellationToken);
            if (fault is not null)
            {
                faults.Add($"{slice.Folder}{name}: {fault}");
            }
        }

        faults.AddRange(told.Parts.Where(part => made.Parts.All(own => own.Name != part.Name)).Select(part => $"{slice.Folder}{part.Name} is no part of what these steps give"));
        return faults;
    }

    private static async Task<string?> CompareAsync(
        CheckpointManifest told, string name, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        using var hash = SHA256.Create();
        await using (var stream = new CryptoStream(Stream.Null, hash, CryptoStreamMode.Write, leaveOpen: true))
        {
            await write(stream, cancellationToken);
        }

        var (found, expected) = (Convert.ToHexStringLower(hash.Hash!), told.Parts.FirstOrDefault(part => part.Name == name)?.Sha256);
        return found == expected ? null
            : $"steps {told.FromStep} to {told.Step}, made again, give sha256 {found}; {(expected is null ? "none was committed" : $"committed was {expected}")}";
    }

    // Of the metrics, all but how long a step took and whether the machine erred. Held-out loss is measured where a commit was tried: after the last step always,
    // after an earlier one where a commit failed and training went on.
    private async Task<string?> CompareMetricsAsync(VerifiedCheckpoint slice, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        using var buffer = new MemoryStream();
        await write(buffer, cancellationToken);
        buffer.Position = 0;
        var made = await MetricsLog.ReadAsync(buffer, cancellationToken);
        var told = await RunMetrics.ReadAsync(blobs, slice.Folder, cancellationToken);
        if (told.Count != made.Count)
        {
            return $"it has {told.Count} steps, and {made.Count} were made";
        }

        foreach (var (own, committed) in made.Zip(told))
        {
            if (Bare(own) != Bare(committed))
            {
                return $"step {own.Step}, made again, gives {Bare(own)}; committed was {Bare(committed)}";
            }
        }

        return null;

        StepMetrics Bare(StepMetrics step) => step with { Seconds = 0, Replayed = false, HeldOutLoss = step.Step == made[^1].Step ? step.HeldOutLoss : null };
    }
}

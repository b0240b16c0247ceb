using System.Globalization;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Reads from the blobs how far a run's present stage is. That a piece is done means that its blob exists.</summary>
public sealed class RunObserver(IBlobStore blobs, CheckpointStore checkpoints, WorkerIdentity worker, WorkerSettings settings)
{
    /// <summary>How long an owner record may go unrenewed before its worker counts as dead, unless it is set otherwise.</summary>
    public static readonly TimeSpan OwnerTimeout = TimeSpan.FromSeconds(60);

    // A look at a thousand roles must be over well before the lease of who looks has aged.
    private const int Lanes = 16;

    /// <summary>Looks at what <paramref name="document"/>'s stage needs.</summary>
    /// <param name="document">The run.</param>
    /// <param name="only">The only role whose training is looked at; null: all.</param>
    /// <param name="ledger">What earlier looks saw: a role that goes on is looked at less closely.</param>
    /// <param name="cancellationToken">Stops the look.</param>
    public async Task<RunObservation> ObserveAsync(RunDocument document, string? only, DispatchLedger ledger, CancellationToken cancellationToken)
    {
        var run = document.Name;
        return document.Stage switch
        {
            RunStage.Ingest => new RunObservation
            {
                Stage = document.Stage,
                FinishedShards = await IndicesAsync(BlobNames.DatasetShards(document.DatasetId!), ".json", cancellationToken),
            },
            RunStage.FitFeatures => await SingleAsync(document, BlobNames.Encoder(run), cancellationToken),
            RunStage.ExtractFeatures => new RunObservation
            {
                Stage = document.Stage,
                FinishedShards = await IndicesAsync(BlobNames.AllFeatures(run), ".safetensors", cancellationToken),
            },
            RunStage.FitPartition => await SingleAsync(document, BlobNames.PartitionManifest(run), cancellationToken),
            RunStage.AssignShards => new RunObservation
            {
                Stage = document.Stage,
                FinishedShards = await IndicesAsync(BlobNames.Assignments(run), ".safetensors", cancellationToken),
            },
            RunStage.FreezeClusters => new RunObservation { Stage = document.Stage, StageFinished = await FrozenAsync(document, cancellationToken) },
            RunStage.Train => await ObserveTrainingAsync(document, only, ledger, cancellationToken),
            RunStage.Evaluate => await SingleAsync(document, BlobNames.EvaluationManifest(run), cancellationToken),
            RunStage.Publish => new RunObservation { Stage = document.Stage, StageFinished = await PublishedAsync(document, cancellationToken) },
            _ => new RunObservation { Stage = document.Stage },
        };
    }

    // One small blob a role that waits, two a role that is trained; the others only where something is wrong or new.
    private async Task<RunObservation> ObserveTrainingAsync(RunDocument document, string? only, DispatchLedger ledger, CancellationToken cancellationToken)
    {
        var decisions = document.Roles.Where(role => role.Status == RoleStatus.Training && (only is null || role.Role == only)).ToList();
        var looks = new RoleLook[decisions.Count];
        await BoundedWork.RunAsync(decisions.Count, Lanes, async i => looks[i] = await LookAsync(document, decisions[i], only is not null, ledger, cancellationToken));
        return RoleLook.ToObservation(looks, document.Stage, only);
    }

    private async Task<RoleLook> LookAsync(RunDocument document, RoleDecision decision, bool isOnly, DispatchLedger ledger, CancellationToken cancellationToken)
    {
        var role = Role.Parse(decision.Role);
        var head = await checkpoints.ReadHeadAsync(document.Name, role, cancellationToken);
        var look = new RoleLook(role.Path, head);
        if (head?.Step >= decision.TargetSteps)
        {
            return look;
        }

        if (head is not { GivenBack: true }
            && await checkpoints.ReadLiveOwnerAsync(document.Name, role, head, worker.IsKnownDead, settings.OwnerTimeout, cancellationToken) is not null)
        {
            look = look with { IsOwned = true };
        }
        else if ((isOnly || ledger.IsStill(document.Name, role.Path, head?.Step ?? 0, head?.Epoch ?? 0))
            && await blobs.ReadJsonAsync<RoleFailure>(BlobNames.RoleFailure(document.Name, role), cancellationToken) is { } failure
            && failure.Value.Epoch >= (head?.Epoch ?? 0))
        {
            look = look with { Failure = failure.Value.Reason };
        }

        return head?.NotBefore is { } until && until > await blobs.ReadClockAsync(cancellationToken) ? look with { IsResting = true } : look;
    }

    private async Task<RunObservation> SingleAsync(RunDocument document, string barrier, CancellationToken cancellationToken)
        => new() { Stage = document.Stage, StageFinished = await blobs.ExistsAsync(barrier, cancellationToken) };

    // An older version of the name may be current: that of a run that was removed.
    private async Task<bool> PublishedAsync(RunDocument document, CancellationToken cancellationToken)
        => await blobs.ReadJsonAsync<CurrentModel>(BlobNames.ModelCurrent(document.Name), cancellationToken) is { } current
            && current.Value.Version == document.ModelVersion;

    private async Task<bool> FrozenAsync(RunDocument document, CancellationToken cancellationToken)
    {
        for (var k = 0; k < document.Spec.Partition.Experts; k++)
        {
            if (!await blobs.ExistsAsync(BlobNames.ClusterManifest(document.Name, k), cancellationToken))
            {
                return false;
            }
        }

        return true;
    }

    private async Task<IReadOnlySet<int>> IndicesAsync(string folder, string extension, CancellationToken cancellationToken)
    {
        var indices = new HashSet<int>();
        await foreach (var blob in blobs.ListAsync(folder, cancellationToken))
        {
            var file = blob.Name[folder.Length..];
            if (file.EndsWith(extension, StringComparison.Ordinal)
                && int.TryParse(file.AsSpan(0, file.Length - extension.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            {
                indices.Add(index);
            }
        }

        return indices;
    }
}

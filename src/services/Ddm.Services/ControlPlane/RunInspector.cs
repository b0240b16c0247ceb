using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services;

/// <summary>Reads how a run stands from its blobs alone, so that it can be asked beside a running process and after a dead one.</summary>
public sealed class RunInspector(IBlobStore blobs, CheckpointStore checkpoints, TimeProvider time)
{
    /// <summary>An inspector of a store that needs nothing else.</summary>
    public static RunInspector For(IBlobStore blobs)
        => new(blobs, new CheckpointStore(blobs, TimeProvider.System, NullLogger<CheckpointStore>.Instance), TimeProvider.System);

    /// <summary>The facts of one run.</summary>
    /// <exception cref="UserErrorException">There is no such run.</exception>
    public async Task<RunFacts> InspectAsync(string run, CancellationToken cancellationToken)
        => await InspectAsync(await new RunRepository(blobs).GetAsync(run, cancellationToken), cancellationToken);

    /// <summary>As the other overload, of a run whose document was just read or written.</summary>
    public async Task<RunFacts> InspectAsync(RunDocument document, CancellationToken cancellationToken)
    {
        var roles = new List<RoleFacts>();
        foreach (var decision in document.Roles)
        {
            roles.Add(await InspectAsync(document, decision, cancellationToken));
        }

        return new RunFacts
        {
            Run = document.Name,
            Status = document.Status,
            Stage = document.Stage,
            Failure = document.Failure,
            Refused = document.Refused,
            SubmittedAt = document.SubmittedAt,
            Now = time.GetUtcNow(),
            ModelVersion = document.Status == RunStatus.Succeeded ? document.ModelVersion : null,
            Roles = roles,
        };
    }

    private async Task<RoleFacts> InspectAsync(RunDocument document, RoleDecision decision, CancellationToken cancellationToken)
    {
        var role = Role.Parse(decision.Role);
        RoleHead? head;
        try
        {
            head = await checkpoints.ReadHeadAsync(document.Name, role, cancellationToken);
        }
        catch (CheckpointException e)
        {
            return new RoleFacts { Role = decision.Role, Step = 0, Target = decision.TargetSteps, Failure = decision.Failure ?? e.Message }; // the others can be seen all the same
        }

        var owner = await checkpoints.ReadOwnerAsync(document.Name, role, head, cancellationToken);
        var facts = new RoleFacts
        {
            Role = decision.Role,
            Step = head?.Step ?? 0,
            Target = decision.TargetSteps,
            Epoch = head?.Epoch ?? 0,
            Worker = string.IsNullOrEmpty(owner?.Worker) ? null : owner.Worker,
            Failure = decision.Failure,
            Pool = head?.Pool,
            Attempts = head?.Attempts ?? 0,
            NotBefore = head?.NotBefore,
        };
        if (head?.Checkpoint is null)
        {
            return facts;
        }

        var manifest = await checkpoints.ReadNewestAsync(document.Name, role, cancellationToken);
        var metrics = await RunMetrics.ReadAsync(blobs, head.Checkpoint, cancellationToken);
        var recent = metrics.TakeLast(20).ToArray();
        return facts with
        {
            Sha256 = manifest?.Parts.FirstOrDefault(p => p.Name == TrainingState.WeightsPart)?.Sha256,
            EmaSha256 = manifest?.Parts.FirstOrDefault(p => p.Name == TrainingState.AveragePart)?.Sha256,
            CommittedAt = manifest?.CommittedAt,
            Loss = recent.Length > 0 ? recent.Average(m => m.Loss) : null,
            HeldOutLoss = metrics.LastOrDefault(m => m.HeldOutLoss is not null)?.HeldOutLoss,
            ImagesPerSecond = recent.Length > 0 ? recent.Sum(m => m.Images) / recent.Sum(m => m.Seconds) : null,
        };
    }
}

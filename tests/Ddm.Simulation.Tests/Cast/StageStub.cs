using System.Text;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>
/// The stages around training, without their mathematics: each looks whether its blob is there, takes its time, leaves the blob and wakes the reconciler, as
/// the real ones do. Evaluation and publication read the checkpoints as the real ones do, and send a run back to training that has lost some.
/// </summary>
internal sealed class StageStub(SimulatedRun run, ProcessPorts ports) : ICommandHandler<IRunCommand>
{
    private readonly LostSteps lost = new(ports.Checkpoints, ports.Runs, ports.Events, ports.Progress);

    public async Task HandleAsync(IRunCommand command, CancellationToken cancellationToken)
    {
        await Task.Delay(run.World.About(TimeSpan.FromSeconds(5)), ports.Process.Clock, cancellationToken);
        var document = await ports.Runs.GetAsync(command.Run, cancellationToken);
        if (command is EvaluateRun or PublishModel)
        {
            if (document.Stage != (command is EvaluateRun ? RunStage.Evaluate : RunStage.Publish))
            {
                return;
            }

            if (await lost.SendBackAsync(document, await ReadAsync(document, cancellationToken), cancellationToken))
            {
                run.Tally.SentBack++;
                await ports.Sender.AdvancedAsync(command.Run, cancellationToken);
                return;
            }
        }

        if (command is PublishModel)
        {
            await ports.Blobs.TryWriteJsonAsync(BlobNames.ModelCurrent(document.Name), new CurrentModel(document.ModelVersion!, ""), WriteCondition.Any, cancellationToken);
        }
        else
        {
            foreach (var name in ProductsOf(command, document))
            {
                await ports.Blobs.TryWriteAsync(name, Encoding.ASCII.GetBytes(name), WriteCondition.IfAbsent, cancellationToken);
            }
        }

        await ports.Sender.AdvancedAsync(command.Run, cancellationToken);
    }

    private static IEnumerable<string> ProductsOf(IRunCommand command, RunDocument document) => command switch
    {
        IngestShard ingest => [BlobNames.DatasetShardInfo(document.DatasetId!, ingest.Shard)],
        FitFeatures => [BlobNames.Encoder(document.Name)],
        ExtractFeatures extract => [BlobNames.Features(document.Name, extract.Shard)],
        FitPartition => [BlobNames.PartitionManifest(document.Name)],
        AssignShard assign => [BlobNames.Assignment(document.Name, assign.Shard)],
        FreezeClusters => Enumerable.Range(0, document.Spec.Partition.Experts).Select(k => BlobNames.ClusterManifest(document.Name, k)),
        EvaluateRun => [BlobNames.EvaluationManifest(document.Name)],
        _ => throw new ArgumentOutOfRangeException(nameof(command), command, null),
    };

    private async Task<List<PublishedRole>> ReadAsync(RunDocument document, CancellationToken cancellationToken)
    {
        var roles = new List<PublishedRole>();
        foreach (var decision in document.Roles)
        {
            var opened = await ports.Checkpoints.OpenAsync(document.Name, Role.Parse(decision.Role), null, cancellationToken);
            roles.Add(new PublishedRole(decision.Role, opened?.Manifest.Step ?? 0, decision.TargetSteps, null, null));
        }

        return roles;
    }
}

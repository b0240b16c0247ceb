using System.Text;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>
/// The stages around training, without their mathematics: each looks whether its blob is there, takes its time, leaves the blob and wakes the reconciler, as
/// the real ones do. Publication reads the checkpoints as the real one does.
/// </summary>
internal sealed class StageStub(SimulatedRun run, SimulatedProcess process, IBlobStore blobs, CheckpointStore checkpoints, RunRepository runs, ICommandSender sender)
    : ICommandHandler<IRunCommand>
{
    public async Task HandleAsync(IRunCommand command, CancellationToken cancellationToken)
    {
        var document = await runs.GetAsync(command.Run, cancellationToken);
        await Task.Delay(run.World.About(TimeSpan.FromSeconds(5)), process.Clock, cancellationToken);
        if (command is PublishModel)
        {
            await PublishAsync(document, cancellationToken);
        }
        else
        {
            foreach (var name in ProductsOf(command, document))
            {
                await blobs.TryWriteAsync(name, Encoding.ASCII.GetBytes(name), WriteCondition.IfAbsent, cancellationToken);
            }
        }

        await sender.AdvancedAsync(command.Run, cancellationToken);
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

    private async Task PublishAsync(RunDocument document, CancellationToken cancellationToken)
    {
        foreach (var decision in document.Roles)
        {
            var opened = await checkpoints.OpenAsync(document.Name, Role.Parse(decision.Role), null, cancellationToken);
            if (opened?.Manifest.Step != decision.TargetSteps)
            {
                run.World.Fail($"{process.Name} publishes {decision.Role} at step {opened?.Manifest.Step} of {decision.TargetSteps}");
            }
        }

        await blobs.TryWriteJsonAsync(BlobNames.ModelCurrent(document.Name), new CurrentModel(document.ModelVersion!, ""), WriteCondition.Any, cancellationToken);
    }
}

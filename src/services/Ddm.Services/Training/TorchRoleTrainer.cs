using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>A <see cref="Trainer"/> that lives on the device thread.</summary>
internal sealed class TorchRoleTrainer(
    RunDocument document, Role role, ClusterDataset train, ClusterDataset heldOut, RunDataset datasets, RunSeeds seeds, DeviceThread device, TimeProvider time)
    : IRoleTrainer
{
    private const int RecentSteps = 20;
    private Trainer? trainer;
    private double? recentLoss;

    public string DataManifestSha256 => train.ManifestSha256;

    public long Step => Loaded.StepNumber;

    // One step's loss says little: its times and noise are a draw.
    public double? RecentLoss
    {
        get
        {
            var steps = Loaded.Metrics.Steps;
            return recentLoss = steps.Count == 0 ? recentLoss : steps.Skip(Math.Max(0, steps.Count - RecentSteps)).Average(s => s.Loss);
        }
    }

    private Trainer Loaded => trainer ?? throw new InvalidOperationException($"The trainer of {role} has no weights yet: call {nameof(LoadAsync)} first.");

    public async Task LoadAsync(OpenedCheckpoint? parent, CancellationToken cancellationToken)
    {
        if (trainer is null)
        {
            var numerics = document.Numerics[role.Path];
            var classes = (await datasets.OpenAsync(document, cancellationToken)).Manifest.ClassNames.Count;
            trainer = await device.RunAsync(() => new Trainer(document.Spec, role, classes, train, heldOut, numerics, TorchRoleTrainers.DeviceOf(numerics), time));
        }

        // The seed checkpoint is read at step 0 alone, from the run's own copy.
        var warm = parent is null && role.Kind == RoleKind.Expert && document.Init is not null;
        var start = warm ? await seeds.OpenAsync(document.Name, cancellationToken) : null;
        await device.RunAsync(() =>
        {
            using (start)
            {
                trainer.InitializeOrLoadAsync(parent, start, cancellationToken).GetAwaiter().GetResult();
            }
        });
    }

    public Task StepAsync(Func<long, bool> goOn) => device.RunAsync(() =>
    {
        do
        {
            Loaded.Step();
        }
        while (goOn(Loaded.StepNumber));
    });

    public Task<RoleSnapshot> SnapshotAsync() => device.RunAsync(() =>
    {
        Loaded.HeldOutLoss();
        var copy = Loaded.State.Copy();
        return new RoleSnapshot(copy.Step, Loaded.CheckpointParts(copy)) { Release = copy.Dispose };
    });

    public void Committed(long step) => Loaded.Committed(step);

    public async ValueTask DisposeAsync()
    {
        if (trainer is not null)
        {
            await device.RunAsync(trainer.Dispose);
        }
    }
}

using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>
/// Trains one role. A step is a pure function of (state, spec, role, step, numerics class): a trainer that loads a checkpoint goes on bit for bit
/// as the one that wrote it. Not for several threads at once; torch work stays on the caller's thread.
/// </summary>
public sealed class Trainer : IDisposable
{
    private const int StepsBetweenCollections = 50;

    private readonly RunSpec spec;
    private readonly Role role;
    private readonly NumericsClass numerics;
    private readonly Device device;
    private readonly string? dataManifestSha256;
    private readonly TrainingSpec training;
    private readonly Objective objective;
    private readonly BatchLoader loader;
    private readonly HeldOutSet? heldOut;
    private readonly StepRunner runner;
    private readonly TimeProvider clock;
    private readonly MetricsLog metrics = new();
    private TrainingState? state;

    /// <summary>A trainer without weights yet: call <see cref="InitializeOrLoadAsync(OpenedCheckpoint, CancellationToken)"/> next.</summary>
    /// <param name="spec">The run's spec.</param>
    /// <param name="role">An expert or the router.</param>
    /// <param name="classes">Classes of the data set; unused when the network is unconditional.</param>
    /// <param name="train">The expert's cluster, or all clusters for the router.</param>
    /// <param name="heldOut">Held-out rows of the same; null or without rows: not measured.</param>
    /// <param name="numerics">The role's class, fixed when the run was submitted.</param>
    /// <param name="device">Where to train.</param>
    /// <param name="clock">Times the steps; null: the system's.</param>
    /// <exception cref="NumericsMismatchException">This process cannot compute in that class.</exception>
    public Trainer(
        RunSpec spec, Role role, int classes, ClusterDataset train, ClusterDataset? heldOut, NumericsClass numerics, Device device, TimeProvider? clock = null)
        : this(spec, role, Roles.Objective(spec, role, classes, numerics, train.Text), Roles.Network(spec, role, classes, train.Text),
            new ClusterRows(train), heldOut is { Rows: > 0 } ? new ClusterRows(heldOut) : null, numerics, device, clock, train.ManifestSha256)
    {
    }

    internal Trainer(
        RunSpec spec, Role role, Objective objective, DiTConfig config, IRowSource train, IRowSource? heldOut,
        NumericsClass numerics, Device device, TimeProvider? clock, string? dataManifestSha256)
    {
        Numerics.Enter(numerics, device);
        (this.spec, this.role, this.objective, this.numerics, this.device) = (spec, role, objective, numerics, device);
        (this.clock, this.dataManifestSha256) = (clock ?? TimeProvider.System, dataManifestSha256);
        training = Roles.Training(spec, role);
        loader = new BatchLoader(train, spec, role, training, config);
        this.heldOut = heldOut is null ? null : new HeldOutSet(heldOut, spec.Seed, role, training.T, config);
        runner = new StepRunner(objective, training, numerics.MicroBatch, device);
    }

    /// <summary>Updates made.</summary>
    public long StepNumber => State.Step;

    /// <summary>Updates the spec asks for.</summary>
    public int TargetSteps => training.Steps;

    /// <summary>Metrics of the steps since the previous commit.</summary>
    public MetricsLog Metrics => metrics;

    /// <summary>Weights, average and moments.</summary>
    public TrainingState State => state ?? throw new InvalidOperationException($"The trainer of {role} has no weights yet: call {nameof(InitializeOrLoadAsync)} first.");

    /// <summary>Takes the checkpoint's state, or without one that of step 0, from (seed, role) alone.</summary>
    /// <exception cref="NumericsMismatchException">The checkpoint was trained in another numerics class.</exception>
    /// <exception cref="CheckpointException">It is of other data, or its tensors do not fit this network; the message names the part and the tensor.</exception>
    public Task InitializeOrLoadAsync(OpenedCheckpoint? checkpoint, CancellationToken cancellationToken = default) => InitializeOrLoadAsync(checkpoint, null, cancellationToken);

    /// <summary>Takes the checkpoint's state, or without one that of step 0.</summary>
    /// <param name="checkpoint">The role's newest checkpoint; null: step 0.</param>
    /// <param name="start">Weights that step 0 starts from in place of those of (seed, role), by name; null: none. Still the caller's.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="NumericsMismatchException">The checkpoint was trained in another numerics class.</exception>
    /// <exception cref="CheckpointException">It is of other data, or its tensors do not fit this network; the message names the part and the tensor.</exception>
    /// <exception cref="InvalidDataException">A tensor of <paramref name="start"/> does not fit this network.</exception>
    public async Task InitializeOrLoadAsync(OpenedCheckpoint? checkpoint, TensorBundle? start, CancellationToken cancellationToken)
    {
        if (checkpoint is null)
        {
            Use(TrainingState.Create(objective, spec.Seed, role, device, start));
            return;
        }

        CheckOrigin(checkpoint);
        var parts = new Dictionary<string, Stream>(StringComparer.Ordinal);
        try
        {
            foreach (var part in new[] { TrainingState.WeightsPart, TrainingState.AveragePart, TrainingState.OptimizerPart })
            {
                parts.Add(part, await checkpoint.OpenPartAsync(part, cancellationToken));
            }

            var uncommitted = checkpoint.IsCommitted ? [] : await ReadMetricsAsync(checkpoint, cancellationToken);
            Use(TrainingState.Load(objective, checkpoint.Manifest.Step, part => parts[part], device));
            metrics.Replace(uncommitted);
        }
        catch (InvalidDataException error)
        {
            throw new CheckpointException($"{checkpoint.Folder}{error.Message} Bring this role's own checkpoints back.", error);
        }
        finally
        {
            foreach (var part in parts.Values)
            {
                await part.DisposeAsync();
            }
        }
    }

    /// <summary>Makes one step. A step that is not finite is tried once more from the same state, in case the machine erred.</summary>
    /// <exception cref="NonFiniteStepException">It was not finite twice; the state is that before the step.</exception>
    public StepMetrics Step()
    {
        TorchRuntime.SetThreads(numerics.Threads); // torch keeps the number per thread, and this may be another than the last
        var started = clock.GetTimestamp();
        var (outcome, replayed) = runner.Run(State, loader, role.Path);
        var made = new StepMetrics(
            State.Step, outcome.Loss, outcome.GradNorm, outcome.LearningRate, training.Batch, clock.GetElapsedTime(started).TotalSeconds, Replayed: replayed);
        metrics.Add(made);
        if (State.Step % StepsBetweenCollections == 0)
        {
            TorchRuntime.Collect();
        }

        return made;
    }

    /// <summary>Loss of the averaged weights on a fixed sample of held-out rows, noted in the last step's metrics; null without held-out rows. Changes no state.</summary>
    public double? HeldOutLoss()
    {
        TorchRuntime.SetThreads(numerics.Threads);
        var loss = heldOut?.Loss(objective, State.Average, numerics.MicroBatch, device);
        if (loss is { } measured)
        {
            metrics.SetHeldOutLoss(measured);
        }

        return loss;
    }

    /// <summary>The parts of a checkpoint of this moment. No step may be made until they are written.</summary>
    public IReadOnlyList<(string Name, Func<Stream, CancellationToken, Task> Write)> CheckpointParts() => CheckpointParts(State.Parts());

    /// <summary>As the other overload, of a copy of <see cref="State"/>: steps may be made while they are written.</summary>
    public IReadOnlyList<(string Name, Func<Stream, CancellationToken, Task> Write)> CheckpointParts(StateCopy copy) => CheckpointParts(copy.Parts);

    /// <summary>To be called when a checkpoint of <paramref name="step"/> is committed: its metrics need not be written again.</summary>
    public void Committed(long step) => metrics.ForgetUpTo(step);

    /// <inheritdoc/>
    public void Dispose()
    {
        state?.Dispose();
        runner.Dispose();
        loader.Dispose();
        heldOut?.Dispose();
    }

    private List<(string Name, Func<Stream, CancellationToken, Task> Write)> CheckpointParts(IReadOnlyList<(string Name, Action<Stream> Write)> tensors)
    {
        var lines = metrics.ToBytes();
        List<(string, Func<Stream, CancellationToken, Task>)> parts = [];
        foreach (var (name, write) in tensors)
        {
            parts.Add((name, (stream, _) =>
            {
                write(stream);
                return Task.CompletedTask;
            }
            ));
        }

        parts.Add((MetricsLog.Part, (stream, cancellationToken) => stream.WriteAsync(lines, cancellationToken).AsTask()));
        return parts;
    }

    private static async Task<IReadOnlyList<StepMetrics>> ReadMetricsAsync(OpenedCheckpoint checkpoint, CancellationToken cancellationToken)
    {
        await using var stream = await checkpoint.OpenPartAsync(MetricsLog.Part, cancellationToken);
        return await MetricsLog.ReadAsync(stream, cancellationToken);
    }

    private void Use(TrainingState next)
    {
        state?.Dispose();
        state = next;
    }

    private void CheckOrigin(OpenedCheckpoint checkpoint)
    {
        var manifest = checkpoint.Manifest;
        if (manifest.Numerics != numerics)
        {
            throw new NumericsMismatchException(checkpoint.Folder, manifest.Numerics, numerics);
        }

        if (dataManifestSha256 is not null && manifest.DataManifestSha256 != dataManifestSha256)
        {
            throw new CheckpointException($"{checkpoint.Folder} was trained on data {manifest.DataManifestSha256}, but {role} has {dataManifestSha256}.");
        }
    }
}

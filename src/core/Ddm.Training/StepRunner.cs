using System.Globalization;
using Ddm.Runs;
using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>
/// One update: micro-batches whose gradients sum to that of the global mean, then norm, clipping, AdamW and average. Whether the update is
/// finite is decided on the device before a weight moves; the host reads four numbers a step.
/// </summary>
internal sealed class StepRunner : IDisposable
{
    private const int Loss = 0, GradNorm = 1, NotFinite = 2;

    private readonly Objective objective;
    private readonly TrainingSpec training;
    private readonly int microBatch;
    private readonly Device device;
    private readonly Scalar batch;
    private readonly Scalar maxNorm;
    private readonly Tensor updateNumber; // 0-d, on the device

    public StepRunner(Objective objective, TrainingSpec training, int microBatch, Device device)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(microBatch, 1);
        (this.objective, this.training, this.microBatch, this.device) = (objective, training, microBatch, device);
        (batch, maxNorm) = (training.Batch, training.Clip);
        updateNumber = zeros([], ScalarType.Float32, device);
    }

    /// <summary>Makes the step that follows <paramref name="state"/>, in its place.</summary>
    /// <param name="state">Changed only when the step is finite.</param>
    /// <param name="loader">Makes the batch; asked again for the second try.</param>
    /// <param name="role">Path of the role, for the message.</param>
    /// <exception cref="NonFiniteStepException">The step is not finite, twice.</exception>
    public (StepOutcome Outcome, bool Replayed) Run(TrainingState state, BatchLoader loader, string role)
    {
        var rate = LearningRate.At(training, state.Step);
        for (var attempt = 0; ; attempt++)
        {
            using var scope = NewDisposeScope();
            var (statistics, rowLosses) = Update(state, loader.Load(state.Step, device), rate);
            var read = statistics.cpu().data<float>().ToArray();
            if (read[NotFinite] == 0)
            {
                ForeachOps.LerpAll(state.Averages, state.Weights, PowerEma.LerpWeight(training.EmaStd, state.Step));
                state.Step++;
                return (new StepOutcome(read[Loss], read[GradNorm], rate), attempt > 0);
            }

            if (attempt > 0)
            {
                var what = string.Create(CultureInfo.InvariantCulture, $"a loss of {read[Loss]} and a gradient norm of {read[GradNorm]}");
                throw new NonFiniteStepException(role, state.Step, NotFiniteRows(rowLosses, loader), what);
            }
        }
    }

    public void Dispose() => updateNumber.Dispose();

    // Statistics of the step, and the loss of each row.
    private (Tensor Statistics, Tensor[] RowLosses) Update(TrainingState state, Batch global, double rate)
    {
        state.Network.zero_grad();
        var rowLosses = new List<Tensor>();
        for (var start = 0; start < global.Count; start += microBatch)
        {
            using var scope = NewDisposeScope();
            var losses = objective.RowLosses(state.Network, global.Rows(start, Math.Min(microBatch, global.Count - start)));
            losses.sum().div(batch).backward();
            rowLosses.Add(losses.detach().MoveToOuterDisposeScope());
        }

        var gradients = Array.ConvertAll(state.Weights, w => w.grad ?? throw new InvalidOperationException("The loss does not depend on every weight of the network."));
        var statistics = ForeachOps.Measure(gradients, cat(rowLosses).sum().div(batch), maxNorm);
        using Scalar number = state.Step + 1;
        updateNumber.fill_(number);
        var settings = new AdamWSettings(rate, training.Beta1, training.Beta2, training.WeightDecay);
        ForeachOps.FusedAdamW(state.Weights, gradients, state.FirstMoments, state.SecondMoments, updateNumber, settings, statistics);
        state.Network.zero_grad();
        return (statistics, [.. rowLosses]);
    }

    private static List<long> NotFiniteRows(Tensor[] rowLosses, BatchLoader loader)
    {
        var losses = cat(rowLosses).cpu().data<float>().ToArray();
        return [.. Enumerable.Range(0, losses.Length).Where(i => !float.IsFinite(losses[i])).Select(loader.RowId)];
    }
}

/// <summary>What the host reads of a finite step.</summary>
/// <param name="Loss">Mean loss of the batch.</param>
/// <param name="GradNorm">Norm of the gradient before clipping.</param>
/// <param name="LearningRate">Rate of the update.</param>
internal readonly record struct StepOutcome(double Loss, double GradNorm, double LearningRate);

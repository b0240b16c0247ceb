using System.Globalization;
using Ddm.Data;
using Ddm.Runs;
using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>
/// Trains an autoencoder in memory. A step is a pure function of (state, settings, pictures, numerics class). Not for several threads at once; torch work stays on the caller's thread.
/// </summary>
internal sealed class VaeTrainer : IDisposable
{
    private const int StepsBetweenCollections = 50;
    private const int NotFinite = 2;
    private const double EdgeWeight = 1;

    private readonly VaeSettings settings;
    private readonly TrainingSpec training;
    private readonly NumericsClass numerics;
    private readonly Device device;
    private readonly TimeProvider time;
    private readonly VaeBatches batches;
    private readonly Tensor updateNumber; // 0-d, on the device
    private readonly Scalar maxNorm;

    /// <summary>A trainer at step 0.</summary>
    public VaeTrainer(VaeSettings settings, PictureSet pictures, NumericsClass numerics, Device device, TimeProvider time)
    {
        Numerics.Enter(numerics, device);
        (this.settings, this.numerics, this.device, this.time) = (settings, numerics, device, time);
        training = settings.Training;
        maxNorm = training.Clip;
        batches = new VaeBatches(pictures, settings);
        updateNumber = zeros([], ScalarType.Float32, device).DetachFromDisposeScope();
        State = VaeState.Create(settings.Config, settings.Seed, device);
    }

    /// <summary>Weights, average and moments.</summary>
    public VaeState State { get; }

    /// <summary>Makes one step.</summary>
    /// <exception cref="UserErrorException">Loss or gradient is not finite; the state is that before the step.</exception>
    public VaeStep Step()
    {
        TorchRuntime.SetThreads(numerics.Threads);
        var started = time.GetTimestamp();
        var rate = LearningRate.At(training, State.Step);
        var read = Update(rate);
        if (read[NotFinite] != 0)
        {
            throw new UserErrorException(string.Create(
                CultureInfo.InvariantCulture,
                $"step {State.Step + 1} gave a loss of {read[0]} and a gradient norm of {read[1]}: the training diverged. Give a --learning-rate below {settings.LearningRate} and another --out."));
        }

        ForeachOps.LerpAll(State.Averages, State.Weights, PowerEma.LerpWeight(training.EmaStd, State.Step));
        State.Step++;
        if (State.Step % StepsBetweenCollections == 0)
        {
            TorchRuntime.Collect();
        }

        return new VaeStep(State.Step, read[0], read[4], read[5], read[1], rate, time.GetElapsedTime(started).TotalSeconds);
    }

    public void Dispose()
    {
        State.Dispose();
        batches.Dispose();
        updateNumber.Dispose();
    }

    // Loss, norm, whether they are not finite, the divisor of the gradient; then the loss's first and last part.
    private float[] Update(double rate)
    {
        using var scope = NewDisposeScope();
        var (images, noise) = batches.Load(State.Step, device);
        var parts = zeros([3], ScalarType.Float32, device);
        for (var start = 0; start < settings.Batch; start += numerics.MicroBatch)
        {
            using var micro = NewDisposeScope();
            var rows = Math.Min(numerics.MicroBatch, settings.Batch - start);
            Backward(images.narrow(0, start, rows), noise.narrow(0, start, rows), parts);
        }

        var gradients = Array.ConvertAll(State.Weights, weight => weight.grad!);
        var statistics = ForeachOps.Measure(gradients, Total(parts[0], parts[1], parts[2]), maxNorm);
        using Scalar number = State.Step + 1;
        updateNumber.fill_(number);
        var rates = new AdamWSettings(rate, training.Beta1, training.Beta2, training.WeightDecay);
        ForeachOps.FusedAdamW(State.Weights, gradients, State.FirstMoments, State.SecondMoments, updateNumber, rates, statistics);
        foreach (var weight in State.Weights)
        {
            weight.grad = null;
        }

        return cat([statistics, parts[0].unsqueeze(0), parts[2].unsqueeze(0)]).cpu().data<float>().ToArray();
    }

    private void Backward(Tensor images, Tensor noise, Tensor parts)
    {
        using Scalar batch = settings.Batch;
        var (error, edges, kl) = VaeLoss.Sums(State.Network, images, noise);
        var (meanError, meanEdges, meanKl) = (error.div(batch), edges.div(batch), kl.div(batch));
        Total(meanError, meanEdges, meanKl).backward();
        using var noGradient = no_grad();
        parts.add_(stack([meanError, meanEdges, meanKl]), Arithmetic.One);
    }

    private Tensor Total(Tensor error, Tensor edges, Tensor kl)
        => error.Plus(edges, EdgeWeight).Plus(kl, settings.Kl / ((double)settings.Channels * settings.ImageSize * settings.ImageSize));
}

using Ddm.Tensors;
using Ddm.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Bench;

/// <summary>What a step does once it has its gradients: their norm, clipping, AdamW and the running average, over all weights of a trainer.</summary>
internal sealed class UpdateAlone(TrainingState state) : IDisposable
{
    private const double Share = 1e-4;
    private static readonly Scalar Clip = 1.0, Small = 1e-6;

    private readonly Tensor[] gradients = [.. state.Weights.Select(w => Gradient(w))];
    private readonly Tensor loss = zeros([]), number = ones([]);

    public void Run()
    {
        using var scope = NewDisposeScope();
        var statistics = ForeachOps.Measure(gradients, loss, Clip);
        ForeachOps.FusedAdamW(state.Weights, gradients, state.FirstMoments, state.SecondMoments, number, new AdamWSettings(Share, 0.9, 0.999, 0), statistics);
        ForeachOps.LerpAll(state.Averages, state.Weights, Share);
    }

    public void Dispose()
    {
        foreach (var tensor in gradients.Append(loss).Append(number))
        {
            tensor.Dispose();
        }
    }

    private static Tensor Gradient(Tensor weight)
    {
        using var gradientsOff = no_grad();
        return randn(weight.shape).mul_(Small);
    }
}

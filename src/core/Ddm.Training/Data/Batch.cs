using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>Rows of a training batch on the training device.</summary>
/// <param name="X0">Images in [-1, 1], [N, C, H, W] float32.</param>
/// <param name="Eps">Their noise, [N, C, H, W] float32.</param>
/// <param name="T">Their times, [N] float32.</param>
/// <param name="Condition">Their classes [N] int64, or captions as the network takes them [N, ...], after dropout; null for an unconditional network.</param>
/// <param name="Clusters">Their clusters, [N] int64.</param>
public sealed record Batch(Tensor X0, Tensor Eps, Tensor T, Tensor? Condition, Tensor Clusters)
{
    /// <summary>Rows.</summary>
    public int Count => (int)T.size(0);

    /// <summary>Some of the rows, as views.</summary>
    public Batch Rows(int start, int count)
        => new(X0.narrow(0, start, count), Eps.narrow(0, start, count), T.narrow(0, start, count), Condition?.narrow(0, start, count), Clusters.narrow(0, start, count));
}

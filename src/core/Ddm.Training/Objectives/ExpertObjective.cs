using Ddm.Diffusion;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>Conditional flow matching on one cluster: E || v(x_t, t, c) - (eps - x_0) ||^2, per element (equation 6 of the paper).</summary>
/// <param name="config">The network's shape.</param>
/// <param name="type">Type of the heavy arithmetic.</param>
public sealed class ExpertObjective(DiTConfig config, ComputeType type) : Objective
{
    private static readonly long[] ImageDimensions = [1, 2, 3];

    /// <inheritdoc/>
    public override TransformerTrunk CreateNetwork(Device device) => new DiT(config, initialize: false, device);

    /// <inheritdoc/>
    public override Tensor RowLosses(TransformerTrunk network, Batch batch)
    {
        var xt = LinearPath.Interpolate(batch.X0, batch.Eps, batch.T);
        var v = ((DiT)network).Forward(xt, batch.T, batch.Condition, type);
        return v.Minus(LinearPath.Velocity(batch.X0, batch.Eps)).square().mean(ImageDimensions);
    }
}

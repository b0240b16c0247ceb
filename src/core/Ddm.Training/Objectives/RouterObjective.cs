using Ddm.Diffusion;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Training;

/// <summary>
/// Cross-entropy of the cluster given (x_t, t, c) (algorithm 1 of the paper). Its minimiser is the posterior with the true priors because the
/// rows are drawn from all clusters in proportion to the data.
/// </summary>
/// <param name="config">The trunk's shape.</param>
/// <param name="experts">K.</param>
/// <param name="type">Type of the heavy arithmetic.</param>
public sealed class RouterObjective(DiTConfig config, int experts, ComputeType type) : Objective
{
    /// <inheritdoc/>
    public override TransformerTrunk CreateNetwork(Device device) => new RouterNetwork(config, experts, initialize: false, device);

    /// <inheritdoc/>
    public override Tensor RowLosses(TransformerTrunk network, Batch batch)
    {
        var xt = LinearPath.Interpolate(batch.X0, batch.Eps, batch.T);
        var logits = ((RouterNetwork)network).Forward(xt, batch.T, batch.Condition, type);
        return F.cross_entropy(logits, batch.Clusters, reduction: nn.Reduction.None);
    }
}

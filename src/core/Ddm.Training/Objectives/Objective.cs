using Ddm.Diffusion;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>What a role learns: its kind of network, and the loss of each row. Has no state.</summary>
public abstract class Objective
{
    /// <summary>A network of this role, its weights unset.</summary>
    public abstract TransformerTrunk CreateNetwork(Device device);

    /// <summary>The loss of each row, differentiable in the network's weights; a batch's loss is their mean.</summary>
    /// <returns>[N] float32.</returns>
    public abstract Tensor RowLosses(TransformerTrunk network, Batch batch);
}

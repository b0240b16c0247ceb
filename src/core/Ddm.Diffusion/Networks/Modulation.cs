using Ddm.Tensors;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Diffusion;

/// <summary>The linear layer that turns a condition into shifts, scales and gates. Entry 1 of the reference's sequence; entry 0, the SiLU, is shared by all of them.</summary>
internal sealed class Modulation : nn.Module
{
    private readonly int parts;

    [ComponentName(Name = "1")]
    private readonly Dense linear;

    public Modulation(int hidden, int parts, WeightPlace place)
        : base(nameof(Modulation))
    {
        this.parts = parts;
        linear = new Dense(hidden, parts * hidden, place);
        RegisterComponents();
    }

    /// <summary>[N, D] -> parts of [N, 1, D].</summary>
    public Tensor[] Forward(Tensor activated, ComputeType type) => linear.Forward(activated, type).unsqueeze(1).chunk(parts, dim: -1);

    /// <summary>LN(x) (1 + scale) + shift, in float32.</summary>
    public static Tensor NormAndModulate(Tensor x, Tensor shift, Tensor scale, double eps)
        => addcmul(shift, F.layer_norm(x, [x.size(-1)], eps: eps), scale.PlusOne(), Arithmetic.One);

    /// <summary>x + gate y.</summary>
    public static Tensor Gate(Tensor x, Tensor gate, Tensor y) => addcmul(x, gate, y, Arithmetic.One);
}

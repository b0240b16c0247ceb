using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>Modulated norm and linear layer, always float32: velocity patches for a DiT, logits for a router.</summary>
internal sealed class FinalLayer : nn.Module
{
    private readonly Dense linear;
    private readonly Modulation adaLN_modulation;

    public FinalLayer(int hidden, int outputs, Device device)
        : base(nameof(FinalLayer))
    {
        linear = new Dense(hidden, outputs, device);
        adaLN_modulation = new Modulation(hidden, 2, device);
        RegisterComponents();
    }

    /// <summary>x [N, T, D] -> [N, T, outputs], under the activated condition [N, D].</summary>
    public Tensor Forward(Tensor x, Tensor condition)
    {
        var m = adaLN_modulation.Forward(condition, ComputeType.Float32); // shift, scale
        return linear.Forward(Modulation.NormAndModulate(x, m[0], m[1]), ComputeType.Float32);
    }
}

using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>The final layer of DiT: shift and scale from the activated condition.</summary>
internal sealed class DiTFinalLayer : FinalLayer
{
    private readonly double normEps;
    private readonly Dense linear;
    private readonly Modulation adaLN_modulation;

    public DiTFinalLayer(DiTConfig config, int outputs, Device device)
        : base(nameof(DiTFinalLayer))
    {
        normEps = config.NormEps;
        linear = new Dense(config.Hidden, outputs, device);
        adaLN_modulation = new Modulation(config.Hidden, 2, device);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Conditioning condition)
    {
        var m = adaLN_modulation.Forward(condition.Activated, ComputeType.Float32); // shift, scale
        return linear.Forward(Modulation.NormAndModulate(x, m[0], m[1], normEps), ComputeType.Float32);
    }
}

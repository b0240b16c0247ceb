using Ddm.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>The final layer of PixArt-alpha: shift and scale are the embedded time plus a table.</summary>
internal sealed class TextFinalLayer : FinalLayer
{
    private readonly double normEps;
    private readonly Dense linear;
    private readonly Parameter scale_shift_table; // [2, D]

    public TextFinalLayer(DiTConfig config, int outputs, Device device)
        : base(nameof(TextFinalLayer))
    {
        normEps = config.NormEps;
        linear = new Dense(config.Hidden, outputs, device);
        scale_shift_table = new Parameter(empty([2, config.Hidden], device: device));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Conditioning condition)
    {
        var m = condition.Time.unsqueeze(1).Plus(scale_shift_table).chunk(2, dim: 1); // shift, scale: (N, 1, D)
        return linear.Forward(Modulation.NormAndModulate(x, m[0], m[1], normEps), ComputeType.Float32);
    }
}

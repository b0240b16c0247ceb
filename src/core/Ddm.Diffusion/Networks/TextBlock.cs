using Ddm.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>
/// A block of PixArt-alpha (Chen et al., arXiv 2310.00426): adaLN-single, six vectors of the time for all blocks plus a table of this one's, and attention to the caption,
/// which is neither normed nor gated.
/// </summary>
internal sealed class TextBlock : TransformerBlock
{
    private readonly double normEps;
    private readonly Parameter scale_shift_table; // [6, D]
    private readonly SelfAttention attn;
    private readonly CrossAttention cross_attn;
    private readonly Mlp mlp;

    public TextBlock(DiTConfig config, WeightPlace place)
        : base(nameof(TextBlock))
    {
        scale_shift_table = new Parameter(empty([6, config.Hidden], device: place.Device));
        normEps = config.NormEps;
        attn = new SelfAttention(config.Hidden, config.Heads, place);
        cross_attn = new CrossAttention(config.Hidden, config.Heads, place);
        mlp = new Mlp(config.Hidden, config.MlpHidden, place);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Conditioning condition, ComputeType type)
    {
        var m = Modulations(condition);
        var (shiftMsa, scaleMsa, gateMsa) = (m[0], m[1], m[2]);
        x = Modulation.Gate(x, gateMsa, attn.Forward(Modulation.NormAndModulate(x, shiftMsa, scaleMsa, normEps), type));
        return Rest(x, m, condition, type);
    }

    /// <inheritdoc/>
    public override Tensor ForwardFirst(Tensor x, Conditioning condition, ComputeType type)
    {
        var m = Modulations(condition);
        var (shiftMsa, scaleMsa, gateMsa) = (m[0], m[1], m[2]);
        var first = Modulation.Gate(x.narrow(1, 0, 1), gateMsa, attn.ForwardFirst(Modulation.NormAndModulate(x, shiftMsa, scaleMsa, normEps), type));
        return Rest(first, m, condition, type);
    }

    private Tensor Rest(Tensor x, Tensor[] m, Conditioning condition, ComputeType type)
    {
        var (shiftMlp, scaleMlp, gateMlp) = (m[3], m[4], m[5]);
        x = x.Plus(cross_attn.Forward(x, condition.Text!, condition.TextMask, type));
        return Modulation.Gate(x, gateMlp, mlp.Forward(Modulation.NormAndModulate(x, shiftMlp, scaleMlp, normEps), type));
    }

    private Tensor[] Modulations(Conditioning condition)
        => [.. condition.Shared.Select((shared, i) => shared.Plus(scale_shift_table.narrow(0, i, 1)))]; // six of (N, 1, D)
}

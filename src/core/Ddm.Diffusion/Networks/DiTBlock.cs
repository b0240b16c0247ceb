using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Diffusion;

/// <summary>A transformer block whose norms and residual gates are functions of the condition (adaLN-Zero).</summary>
internal sealed class DiTBlock : TransformerBlock
{
    private readonly double normEps;
    private readonly SelfAttention attn;
    private readonly Mlp mlp;
    private readonly Modulation adaLN_modulation;

    public DiTBlock(DiTConfig config, WeightPlace place)
        : base(nameof(DiTBlock))
    {
        normEps = config.NormEps;
        attn = new SelfAttention(config.Hidden, config.Heads, place);
        mlp = new Mlp(config.Hidden, config.MlpHidden, place);
        adaLN_modulation = new Modulation(config.Hidden, 6, place);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Conditioning condition, ComputeType type)
    {
        var m = adaLN_modulation.Forward(condition.Activated, type); // six of (N, 1, D)
        var (shiftMsa, scaleMsa, gateMsa) = (m[0], m[1], m[2]);
        var (shiftMlp, scaleMlp, gateMlp) = (m[3], m[4], m[5]);
        x = Modulation.Gate(x, gateMsa, attn.Forward(Modulation.NormAndModulate(x, shiftMsa, scaleMsa, normEps), type));
        return Modulation.Gate(x, gateMlp, mlp.Forward(Modulation.NormAndModulate(x, shiftMlp, scaleMlp, normEps), type));
    }

    /// <inheritdoc/>
    public override Tensor ForwardFirst(Tensor x, Conditioning condition, ComputeType type)
    {
        var m = adaLN_modulation.Forward(condition.Activated, type); // six of (N, 1, D)
        var (shiftMsa, scaleMsa, gateMsa) = (m[0], m[1], m[2]);
        var (shiftMlp, scaleMlp, gateMlp) = (m[3], m[4], m[5]);
        var first = Modulation.Gate(x.narrow(1, 0, 1), gateMsa, attn.ForwardFirst(Modulation.NormAndModulate(x, shiftMsa, scaleMsa, normEps), type));
        return Modulation.Gate(first, gateMlp, mlp.Forward(Modulation.NormAndModulate(first, shiftMlp, scaleMlp, normEps), type));
    }
}

/// <summary>Multi-head self-attention with one product for queries, keys and values.</summary>
internal sealed class SelfAttention : nn.Module
{
    private readonly int heads;
    private readonly Dense qkv;
    private readonly Dense proj;

    public SelfAttention(int hidden, int heads, WeightPlace place)
        : base(nameof(SelfAttention))
    {
        this.heads = heads;
        qkv = new Dense(hidden, 3 * hidden, place);
        proj = new Dense(hidden, hidden, place);
        RegisterComponents();
    }

    /// <param name="x">[N, T, D].</param>
    /// <param name="type">Type of the products.</param>
    /// <param name="mask">[N, 1, 1, T] bool: the tokens that are attended to; null: all.</param>
    /// <returns>[N, T, D].</returns>
    public Tensor Forward(Tensor x, ComputeType type, Tensor? mask = null)
    {
        var (n, t, d) = (x.size(0), x.size(1), x.size(2));
        var parts = qkv.Forward(x, type).chunk(3, dim: -1); // views: their gradients are laid side by side in one copy
        var mixed = F.scaled_dot_product_attention(Split(parts[0]), Split(parts[1]), Split(parts[2]), mask);
        return proj.Forward(mixed.transpose(1, 2).reshape(n, t, d), type);

        Tensor Split(Tensor part) => part.view(n, t, heads, d / heads).transpose(1, 2); // (N, heads, T, D/heads)
    }

    /// <summary>What the first token sees of all: [N, T, D] -> [N, 1, D].</summary>
    public Tensor ForwardFirst(Tensor x, ComputeType type)
    {
        var (n, t, d) = (x.size(0), x.size(1), x.size(2));
        var query = qkv.Forward(x.narrow(1, 0, 1), type, 0, d);
        var parts = qkv.Forward(x, type, d, 2 * d).chunk(2, dim: -1); // keys, values
        var mixed = FewRows.Attention(Split(query, 1), Split(parts[0], t), Split(parts[1], t));
        return proj.Forward(mixed.transpose(1, 2).reshape(n, 1, d), type);

        Tensor Split(Tensor part, long tokens) => part.view(n, tokens, heads, d / heads).transpose(1, 2); // (N, heads, tokens, D/heads)
    }
}

/// <summary>Linear, GELU (tanh form), linear.</summary>
internal sealed class Mlp : nn.Module
{
    private readonly Dense fc1;
    private readonly Dense fc2;

    public Mlp(int hidden, int inner, WeightPlace place)
        : base(nameof(Mlp))
    {
        fc1 = new Dense(hidden, inner, place);
        fc2 = new Dense(inner, hidden, place);
        RegisterComponents();
    }

    public Tensor Forward(Tensor x, ComputeType type)
        => fc2.Forward(F.gelu(fc1.Forward(x, type), TorchSharp.Modules.GELU.Approximate.tanh, inplace: false), type);
}

using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>Multi-head attention of tokens to a caption.</summary>
internal sealed class CrossAttention : nn.Module
{
    private readonly int heads;
    private readonly Dense q_linear;
    private readonly Dense kv_linear;
    private readonly Dense proj;

    public CrossAttention(int hidden, int heads, WeightPlace place)
        : base(nameof(CrossAttention))
    {
        this.heads = heads;
        q_linear = new Dense(hidden, hidden, place);
        kv_linear = new Dense(hidden, 2 * hidden, place);
        proj = new Dense(hidden, hidden, place);
        RegisterComponents();
    }

    /// <param name="x">[N, T, D].</param>
    /// <param name="text">[N, L, D].</param>
    /// <param name="mask">[N, 1, 1, L] bool: the places that are attended to; null: all.</param>
    /// <param name="type">Type of the products.</param>
    /// <returns>[N, T, D].</returns>
    public Tensor Forward(Tensor x, Tensor text, Tensor? mask, ComputeType type)
    {
        var (n, t, d) = (x.size(0), x.size(1), x.size(2));
        var parts = kv_linear.Forward(text, type).chunk(2, dim: -1);
        var mixed = FewRows.Attention(Split(q_linear.Forward(x, type), t), Split(parts[0], text.size(1)), Split(parts[1], text.size(1)), mask);
        return proj.Forward(mixed.transpose(1, 2).reshape(n, t, d), type);

        Tensor Split(Tensor part, long tokens) => part.view(n, tokens, heads, d / heads).transpose(1, 2); // (N, heads, tokens, D/heads)
    }
}

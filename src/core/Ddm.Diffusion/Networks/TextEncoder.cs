using Ddm.Runs;
using Ddm.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Diffusion;

/// <summary>A network's own text encoder: token table, learned positions, two pre-norm transformer layers. Padding is attended to by nobody.</summary>
internal sealed class TextEncoder : nn.Module
{
    /// <summary>Width of an attention head.</summary>
    public const int HeadWidth = 32;

    /// <summary>Transformer layers.</summary>
    public const int Layers = 2;

    private readonly EmbeddingTable tokens;
    private readonly Parameter positions; // [L, W]
    private readonly ModuleList<TextEncoderLayer> layers;

    public TextEncoder(TextShape shape, Device device)
        : base(nameof(TextEncoder))
    {
        tokens = new EmbeddingTable(shape.Vocabulary, shape.Width, device);
        positions = new Parameter(empty([shape.Tokens, shape.Width], device: device));
        layers = new ModuleList<TextEncoderLayer>([.. Enumerable.Range(0, Layers).Select(_ => new TextEncoderLayer(shape.Width, device))]);
        RegisterComponents();
    }

    /// <summary>ids [N, L], whole numbers -> states [N, L, W] float32, and the mask [N, 1, 1, L] of what is no padding.</summary>
    public (Tensor States, Tensor Mask) Forward(Tensor ids, ComputeType type)
    {
        var (n, l) = (ids.size(0), ids.size(1));
        ids = ids.to(ScalarType.Int64);
        var mask = ids.ne(Padding).view(n, 1, 1, l);
        var x = tokens.Forward(ids.reshape(-1)).view(n, l, -1).Plus(positions);
        foreach (var layer in layers)
        {
            x = layer.Forward(x, mask, type);
        }

        return (F.layer_norm(x, [x.size(-1)], eps: 1e-6), mask);
    }

    private static readonly TorchSharp.Scalar Padding = TextShape.PaddingToken;
}

/// <summary>Attention and MLP, each after a norm and beside a residual.</summary>
internal sealed class TextEncoderLayer : nn.Module
{
    private readonly SelfAttention attn;
    private readonly Mlp mlp;

    public TextEncoderLayer(int width, Device device)
        : base(nameof(TextEncoderLayer))
    {
        attn = new SelfAttention(width, width / TextEncoder.HeadWidth, device);
        mlp = new Mlp(width, 4 * width, device);
        RegisterComponents();
    }

    public Tensor Forward(Tensor x, Tensor mask, ComputeType type)
    {
        x = x.Plus(attn.Forward(Normed(x), type, mask));
        return x.Plus(mlp.Forward(Normed(x), type));
    }

    private static Tensor Normed(Tensor x) => F.layer_norm(x, [x.size(-1)], eps: 1e-6);
}

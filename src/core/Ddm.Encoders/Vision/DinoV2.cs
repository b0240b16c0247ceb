using System.Globalization;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Encoders;

/// <summary>
/// DINOv2's vision transformer (Oquab et al., arXiv 2304.07193; registers: Darcet et al., arXiv 2309.16588), S to giant, with and without registers, from torch.hub's or
/// Hugging Face's weights. For inference.
/// </summary>
public sealed class DinoV2 : IDisposable
{
    private readonly PublishedWeights weights;
    private readonly Dictionary<(int, int), Tensor> positions = [];

    private DinoV2(DinoV2Config config, PublishedWeights weights)
    {
        (Config, this.weights) = (config, weights);
        FoldScales();
    }

    /// <summary>Its shape.</summary>
    public DinoV2Config Config { get; }

    /// <summary>Reads a network.</summary>
    /// <exception cref="UserErrorException">The file is no whole DINOv2 network; the message names the tensor.</exception>
    public static DinoV2 Load(WeightFile file)
    {
        TorchNative.EnsureLoaded();
        var huggingFace = DinoV2Keys.AreHuggingFace(file.Tensors);
        var config = DinoV2Config.From(file, huggingFace);
        var network = string.Create(CultureInfo.InvariantCulture, $"DINOv2 of {config.Depth} blocks, width {config.Hidden}, {config.Registers} registers");
        var layout = config.Layout();
        if (!huggingFace)
        {
            return new DinoV2(config, PublishedWeights.Take(file.Path, network, file.Tensors, layout));
        }

        using var weights = PublishedWeights.Take(file.Path, network, file.Tensors, DinoV2Keys.HuggingFace(layout));
        return new DinoV2(config, weights.Joined(layout.Select(entry => (entry.Name, DinoV2Keys.HuggingFace(entry.Name)))));
    }

    /// <summary>The normed tokens of a batch.</summary>
    /// <param name="x">[N, 3, H, W] float32, normalised; H and W multiples of the patch.</param>
    /// <returns>[N, 1 + R + T, D]: the class token, R registers, T patches row by row.</returns>
    public Tensor Forward(Tensor x)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var (rows, columns) = ((int)x.size(2) / Config.Patch, (int)x.size(3) / Config.Patch);
        var tokens = Embed(x, rows, columns);
        for (var i = 0; i < Config.Depth; i++)
        {
            tokens = Block(tokens, weights.At(string.Create(CultureInfo.InvariantCulture, $"blocks.{i}")));
        }

        return F.layer_norm(tokens, [Config.Hidden], weights["norm.weight"], weights["norm.bias"], Config.NormEps).MoveToOuterDisposeScope();
    }

    /// <summary>Multiply-adds times two of one image's forward: linear layers and attention.</summary>
    /// <param name="side">H = W in pixels.</param>
    public double Operations(int side)
    {
        double tokens = 1 + Config.Registers + Math.Pow(side / Config.Patch, 2), d = Config.Hidden, inner = Config.MlpHidden;
        var mlp = (Config.SwiGlu ? 3 : 2) * d * inner;
        var block = (tokens * ((4 * d * d) + mlp)) + (2 * tokens * tokens * d);
        return 2 * ((Config.Depth * block) + ((tokens - 1 - Config.Registers) * d * 3 * Config.Patch * Config.Patch));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        weights.Dispose();
        foreach (var table in positions.Values)
        {
            table.Dispose();
        }
    }

    /// <summary>The position table for another size: [1, 1 + rows columns, D].</summary>
    internal Tensor Positions(int rows, int columns)
    {
        if (!positions.TryGetValue((rows, columns), out var table))
        {
            table = positions[(rows, columns)] = Resample(rows, columns).DetachFromDisposeScope();
        }

        return table;
    }

    private Tensor Embed(Tensor x, int rows, int columns)
    {
        var (n, p, d) = (x.size(0), Config.Patch, Config.Hidden);
        var patches = x.reshape(n, 3, rows, p, columns, p).permute(0, 2, 4, 1, 3, 5).reshape(n, rows * columns, 3 * p * p); // (N, T, 3 p p)
        var tokens = F.linear(patches, weights["patch_embed.proj.weight"].view(d, -1), weights["patch_embed.proj.bias"]);
        var table = Positions(rows, columns);
        var cls = weights["cls_token"].Plus(table.narrow(1, 0, 1)).expand(n, -1, -1);
        tokens = tokens.Plus(table.narrow(1, 1, rows * columns));
        return Config.Registers == 0 ? cat([cls, tokens], dim: 1) : cat([cls, weights["register_tokens"].expand(n, -1, -1), tokens], dim: 1);
    }

    private Tensor Block(Tensor x, WeightScope w)
    {
        using var scope = NewDisposeScope();
        x = x.Plus(Attention(w.LayerNorm(x, "norm1", Config.NormEps), w.At("attn")));
        return x.Plus(Mlp(w.LayerNorm(x, "norm2", Config.NormEps), w.At("mlp"))).MoveToOuterDisposeScope();
    }

    private Tensor Attention(Tensor x, WeightScope w)
    {
        var (n, t, d) = (x.size(0), x.size(1), x.size(2));
        var parts = w.Linear(x, "qkv").view(n, t, 3, Config.Heads, d / Config.Heads).permute(2, 0, 3, 1, 4).unbind(0); // of (N, heads, T, D/heads)
        return w.Linear(F.scaled_dot_product_attention(parts[0], parts[1], parts[2]).transpose(1, 2).reshape(n, t, d), "proj");
    }

    private Tensor Mlp(Tensor x, WeightScope w)
    {
        if (!Config.SwiGlu)
        {
            return w.Linear(F.gelu(w.Linear(x, "fc1"), TorchSharp.Modules.GELU.Approximate.none, inplace: false), "fc2");
        }

        var halves = w.Linear(x, "w12").chunk(2, dim: -1);
        return w.Linear(F.silu(halves[0]).mul_(halves[1]), "w3");
    }

    // x + gamma (W y + b) = x + (gamma W) y + gamma b: a pass less over the tokens, twice a block.
    private void FoldScales()
    {
        for (var i = 0; i < Config.Depth; i++)
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            var block = string.Create(CultureInfo.InvariantCulture, $"blocks.{i}.");
            foreach (var (scale, layer) in new[] { ("ls1", "attn.proj"), ("ls2", Config.SwiGlu ? "mlp.w3" : "mlp.fc2") })
            {
                var gamma = weights[$"{block}{scale}.gamma"];
                weights.Replace($"{block}{layer}.weight", weights[$"{block}{layer}.weight"].mul(gamma.unsqueeze(1)));
                weights.Replace($"{block}{layer}.bias", weights[$"{block}{layer}.bias"].mul(gamma));
            }
        }
    }

    private Tensor Resample(int rows, int columns)
    {
        var (table, side, d) = (weights["pos_embed"], Config.TableSide, Config.Hidden);
        if (rows == side && columns == side)
        {
            return table.clone();
        }

        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var grid = table.narrow(1, 1, side * side).view(side, side * d);
        var down = Matrix(rows).mm(grid).view(rows, side, d); // rows first
        var both = Matrix(columns).matmul(down); // (rows, columns, D)
        return cat([table.narrow(1, 0, 1), both.view(1, rows * columns, d)], dim: 1).MoveToOuterDisposeScope();

        Tensor Matrix(int count) => CubicResampling.ToTensor(
            CubicResampling.Matrix(side, count, side / (count + Config.Positions.Offset), Config.Positions.Antialias));
    }
}

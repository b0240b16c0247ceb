using System.Globalization;
using Ddm.Runs;

namespace Ddm.Encoders;

/// <summary>Shape of a DINOv2 network, as far as its file does not say it by its tensors' shapes alone.</summary>
/// <param name="Patch">Pixels of a patch's side.</param>
/// <param name="Hidden">D.</param>
/// <param name="Depth">Blocks.</param>
/// <param name="Heads">Heads of attention.</param>
/// <param name="Registers">Register tokens.</param>
/// <param name="TableSide">Side of the position table, patches.</param>
/// <param name="MlpHidden">Inner width of a block's MLP.</param>
/// <param name="SwiGlu">The MLP is gated (giant).</param>
/// <param name="NormEps">Of the layer norms.</param>
/// <param name="Positions">How the position table is brought to another size.</param>
public sealed record DinoV2Config(
    int Patch, int Hidden, int Depth, int Heads, int Registers, int TableSide, int MlpHidden, bool SwiGlu, double NormEps, PositionRule Positions)
{
    private const int HeadWidth = 64; // of every published size

    /// <summary>Reads the shape from a file's tensors and the config beside them.</summary>
    /// <exception cref="UserErrorException">The file is of another network, or numbers do not fit each other.</exception>
    internal static DinoV2Config From(WeightFile file, bool huggingFace)
    {
        var table = Shape("pos_embed", 3);
        var (hidden, side) = ((int)table[2], (int)Math.Sqrt(table[1] - 1));
        var depth = 0;
        while (Find(string.Create(CultureInfo.InvariantCulture, $"blocks.{depth}.norm1.weight")) is not null)
        {
            depth++;
        }

        var registers = Find("register_tokens") is { Length: 3 } tokens ? (int)tokens[1] : 0;
        var heads = file.Integer("num_heads", "num_attention_heads") ?? Math.Max(1, hidden / HeadWidth);
        var swiGlu = Find("blocks.0.mlp.w12.weight") is not null;
        var inner = (int)Shape(swiGlu ? "blocks.0.mlp.w3.weight" : "blocks.0.mlp.fc1.weight", 2)[swiGlu ? 1 : 0];
        if (depth == 0 || (side * side) + 1 != table[1] || hidden % heads != 0)
        {
            throw new UserErrorException($"{file.Path}: {depth} blocks, positions [{string.Join(", ", table)}] and {heads} heads are no DINOv2 network. "
                + "Put the config.json that belongs to the file beside it.");
        }

        // The hub's models without registers were trained with an offset of 0.1 in the scale of the table, those with them antialiased.
        var antialias = file.Flag("interpolate_antialias") ?? registers > 0;
        var offset = huggingFace ? 0 : file.Number("interpolate_offset") ?? (registers > 0 ? 0 : 0.1);
        return new DinoV2Config(
            (int)Shape("patch_embed.proj.weight", 4)[2], hidden, depth, heads, registers, side, inner, swiGlu, file.Number("layer_norm_eps") ?? 1e-6,
            new PositionRule(antialias, offset));

        long[]? Find(string hub) => file.Tensors.GetValueOrDefault(huggingFace ? DinoV2Keys.HuggingFace(hub)[0] : hub)?.shape;

        long[] Shape(string hub, int dimensions) => Find(hub) is { } shape && shape.Length == dimensions ? shape
            : throw new UserErrorException($"{file.Path} is no DINOv2 network: tensor '{(huggingFace ? DinoV2Keys.HuggingFace(hub)[0] : hub)}' is missing or has not {dimensions} dimensions.");
    }

    /// <summary>Names and shapes of its tensors, as torch.hub's files have them.</summary>
    internal List<(string Name, long[] Shape)> Layout()
    {
        long d = Hidden;
        List<(string, long[])> layout =
        [
            ("cls_token", [1, 1, d]), ("pos_embed", [1, 1 + ((long)TableSide * TableSide), d]), ("mask_token", [1, d]),
            ("patch_embed.proj.weight", [d, 3, Patch, Patch]), ("patch_embed.proj.bias", [d]), ("norm.weight", [d]), ("norm.bias", [d]),
        ];
        if (Registers > 0)
        {
            layout.Add(("register_tokens", [1, Registers, d]));
        }

        for (var i = 0; i < Depth; i++)
        {
            var block = string.Create(CultureInfo.InvariantCulture, $"blocks.{i}.");
            layout.AddRange(
            [
                (block + "norm1.weight", [d]), (block + "norm1.bias", [d]), (block + "norm2.weight", [d]), (block + "norm2.bias", [d]),
                (block + "attn.qkv.weight", [3 * d, d]), (block + "attn.qkv.bias", [3 * d]), (block + "attn.proj.weight", [d, d]), (block + "attn.proj.bias", [d]),
                (block + "ls1.gamma", [d]), (block + "ls2.gamma", [d]),
            ]);
            var (first, last, width) = SwiGlu ? ("mlp.w12", "mlp.w3", 2L * MlpHidden) : ("mlp.fc1", "mlp.fc2", (long)MlpHidden);
            layout.AddRange(
            [
                ($"{block}{first}.weight", [width, d]), ($"{block}{first}.bias", [width]), ($"{block}{last}.weight", [d, MlpHidden]), ($"{block}{last}.bias", [d]),
            ]);
        }

        return layout;
    }
}

/// <summary>How a DINOv2 position table is brought to another size.</summary>
/// <param name="Antialias">With the antialiased kernel.</param>
/// <param name="Offset">Added to the wanted number of patches where the scale is computed: 0.1 in the hub's models without registers, else 0.</param>
public sealed record PositionRule(bool Antialias, double Offset);

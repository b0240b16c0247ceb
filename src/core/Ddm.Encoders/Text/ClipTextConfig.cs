using System.Globalization;
using Ddm.Runs;

namespace Ddm.Encoders;

/// <summary>Shape of a CLIP text encoder.</summary>
/// <param name="Vocabulary">Rows of the token table.</param>
/// <param name="Context">Tokens at most.</param>
/// <param name="Hidden">D.</param>
/// <param name="Depth">Blocks.</param>
/// <param name="Heads">Heads of attention.</param>
/// <param name="Inner">Inner width of a block's MLP.</param>
/// <param name="QuickGelu">x sigmoid(1.702 x), OpenAI's, instead of the exact GELU of OpenCLIP's models.</param>
/// <param name="NormEps">Of the layer norms.</param>
/// <param name="End">Id of the token that ends a text.</param>
public sealed record ClipTextConfig(
    int Vocabulary, int Context, int Hidden, int Depth, int Heads, int Inner, bool QuickGelu, double NormEps, int End)
{
    private const int HeadWidth = 64; // of every published size

    /// <summary>Reads the shape from tensors (names after <c>text_model.</c>) and the config beside them.</summary>
    /// <exception cref="UserErrorException">The file is of another network.</exception>
    internal static ClipTextConfig From(WeightFile file, IReadOnlyDictionary<string, TorchSharp.torch.Tensor> tensors)
    {
        var (tokens, positions, inner) = (Shape("embeddings.token_embedding.weight"), Shape("embeddings.position_embedding.weight"), Shape("encoder.layers.0.mlp.fc1.weight"));
        var depth = 0;
        while (tensors.ContainsKey(string.Create(CultureInfo.InvariantCulture, $"encoder.layers.{depth}.layer_norm1.weight")))
        {
            depth++;
        }

        var hidden = (int)tokens[1];
        var heads = file.Integer("num_attention_heads") ?? Math.Max(1, hidden / HeadWidth);
        if (hidden % heads != 0)
        {
            throw new UserErrorException($"{file.Path}: a width of {hidden} does not divide into {heads} heads. Put the config.json that belongs to the file beside it.");
        }

        if ((file.Integer("vocab_size") ?? tokens[0]) != tokens[0] || (file.Integer("max_position_embeddings") ?? positions[0]) != positions[0])
        {
            throw new UserErrorException($"{file.Path}: embeddings.token_embedding.weight is [{string.Join(", ", tokens)}] and embeddings.position_embedding.weight "
                + $"[{string.Join(", ", positions)}]; its config.json says {file.Integer("vocab_size")} tokens and {file.Integer("max_position_embeddings")} places.");
        }

        var activation = file.Text("hidden_act") ?? "quick_gelu";
        if (activation is not ("quick_gelu" or "gelu"))
        {
            throw new UserErrorException($"config.json beside {file.Path}: hidden_act '{activation}' is not known; CLIP has 'quick_gelu' or 'gelu'.");
        }

        // Published configs of OpenAI's models say 2 where they mean the largest id (a bug that was kept for their sake).
        var end = file.Integer("eos_token_id") is { } id and not 2 ? id : (int)tokens[0] - 1;
        return new ClipTextConfig(
            (int)tokens[0], (int)positions[0], hidden, depth, heads, (int)inner[0], activation == "quick_gelu", file.Number("layer_norm_eps") ?? 1e-5, end);

        long[] Shape(string name) => tensors.TryGetValue(name, out var tensor) && tensor.dim() == 2 ? tensor.shape
            : throw new UserErrorException($"{file.Path} is no CLIP text encoder: tensor 'text_model.{name}' is missing or no matrix.");
    }

    /// <summary>Names and shapes of its tensors, after <c>text_model.</c>.</summary>
    internal List<(string Name, long[] Shape)> Layout()
    {
        long d = Hidden;
        List<(string, long[])> layout =
        [
            ("embeddings.token_embedding.weight", [Vocabulary, d]), ("embeddings.position_embedding.weight", [Context, d]),
            ("final_layer_norm.weight", [d]), ("final_layer_norm.bias", [d]),
        ];
        for (var i = 0; i < Depth; i++)
        {
            var block = string.Create(CultureInfo.InvariantCulture, $"encoder.layers.{i}.");
            foreach (var part in new[] { "q_proj", "k_proj", "v_proj", "out_proj" })
            {
                layout.AddRange([($"{block}self_attn.{part}.weight", [d, d]), ($"{block}self_attn.{part}.bias", [d])]);
            }

            layout.AddRange(
            [
                (block + "layer_norm1.weight", [d]), (block + "layer_norm1.bias", [d]), (block + "layer_norm2.weight", [d]), (block + "layer_norm2.bias", [d]),
                (block + "mlp.fc1.weight", [Inner, d]), (block + "mlp.fc1.bias", [Inner]), (block + "mlp.fc2.weight", [d, Inner]), (block + "mlp.fc2.bias", [d]),
            ]);
        }

        return layout;
    }
}

using System.Globalization;
using System.Text.Json.Nodes;
using Ddm.Encoders;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>The <c>config.json</c> of a model's autoencoder and text encoder: the one they came with, and what diffusers and transformers need besides.</summary>
internal static class CompanionFacts
{
    private const string TextPrefix = "text_model.";
    private const long HeadWidth = 64; // of every published CLIP

    /// <summary>The config of an AutoencoderKL.</summary>
    public static JsonObject OfAutoencoder(SafetensorsHeader header, VaeConfig shape, double scale, int latentSize)
    {
        var levels = shape.Widths.Count;
        return Completed(header, new JsonObject
        {
            ["_class_name"] = "AutoencoderKL",
            ["act_fn"] = "silu",
            ["in_channels"] = shape.Channels,
            ["out_channels"] = shape.Channels,
            ["latent_channels"] = shape.LatentChannels,
            ["block_out_channels"] = new JsonArray([.. shape.Widths.Select(width => (JsonNode)width)]),
            ["layers_per_block"] = shape.Layers,
            ["norm_num_groups"] = shape.Groups,
            ["down_block_types"] = new JsonArray([.. Enumerable.Repeat("DownEncoderBlock2D", levels).Select(name => (JsonNode)name)]),
            ["up_block_types"] = new JsonArray([.. Enumerable.Repeat("UpDecoderBlock2D", levels).Select(name => (JsonNode)name)]),
            ["sample_size"] = latentSize * shape.Factor,
            ["scaling_factor"] = scale,
        });
    }

    /// <summary>The config of CLIP's text encoder, as far as its tensors say it.</summary>
    public static JsonObject OfClip(SafetensorsHeader header)
    {
        var tensors = header.Tensors.Where(tensor => tensor.Name.StartsWith(TextPrefix, StringComparison.Ordinal)).ToDictionary(tensor => tensor.Name[TextPrefix.Length..], tensor => tensor.Shape);
        var (tokens, positions, inner) = (tensors["embeddings.token_embedding.weight"], tensors["embeddings.position_embedding.weight"], tensors["encoder.layers.0.mlp.fc1.weight"]);
        var depth = 0;
        while (tensors.ContainsKey(string.Create(CultureInfo.InvariantCulture, $"encoder.layers.{depth}.layer_norm1.weight")))
        {
            depth++;
        }

        return Completed(header, new JsonObject
        {
            ["architectures"] = new JsonArray("CLIPTextModel"),
            ["model_type"] = "clip_text_model",
            ["vocab_size"] = tokens[0],
            ["hidden_size"] = tokens[1],
            ["max_position_embeddings"] = positions[0],
            ["intermediate_size"] = inner[0],
            ["num_hidden_layers"] = depth,
            ["num_attention_heads"] = Math.Max(1, tokens[1] / HeadWidth),
            ["hidden_act"] = "quick_gelu",
        });
    }

    private static JsonObject Completed(SafetensorsHeader header, JsonObject needed)
    {
        var config = header.Metadata.TryGetValue(WeightFile.ConfigKey, out var text) ? JsonNode.Parse(text)!.AsObject() : [];
        foreach (var (name, value) in needed)
        {
            config.TryAdd(name, value?.DeepClone());
        }

        return config;
    }
}

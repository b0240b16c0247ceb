using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>Hugging Face's names of DINOv2's tensors beside torch.hub's, which lay queries, keys and values in one.</summary>
internal static class DinoV2Keys
{
    private const string Joined = ".attn.qkv.";

    private static readonly (string Hub, string HuggingFace)[] Starts =
    [
        ("cls_token", "embeddings.cls_token"), ("mask_token", "embeddings.mask_token"), ("register_tokens", "embeddings.register_tokens"),
        ("pos_embed", "embeddings.position_embeddings"), ("patch_embed.proj.", "embeddings.patch_embeddings.projection."), ("blocks.", "encoder.layer."), ("norm.", "layernorm."),
    ];

    private static readonly (string Hub, string HuggingFace)[] Parts =
    [
        (".attn.proj.", ".attention.output.dense."), (".ls1.gamma", ".layer_scale1.lambda1"), (".ls2.gamma", ".layer_scale2.lambda1"),
        (".mlp.w12.", ".mlp.weights_in."), (".mlp.w3.", ".mlp.weights_out."),
    ];

    /// <summary>Whether a file has Hugging Face's names.</summary>
    public static bool AreHuggingFace(IReadOnlyDictionary<string, Tensor> tensors) => tensors.Keys.Any(name => name.StartsWith("embeddings.", StringComparison.Ordinal));

    /// <summary>Hugging Face's name, or three names, of a tensor of the hub's.</summary>
    public static string[] HuggingFace(string hub)
    {
        var start = Array.Find(Starts, s => hub.StartsWith(s.Hub, StringComparison.Ordinal));
        var name = Parts.Aggregate(start.HuggingFace + hub[start.Hub.Length..], (text, part) => text.Replace(part.Hub, part.HuggingFace, StringComparison.Ordinal));
        return name.Contains(Joined, StringComparison.Ordinal)
            ? [.. new[] { "query", "key", "value" }.Select(part => name.Replace(Joined, $".attention.attention.{part}.", StringComparison.Ordinal))]
            : [name];
    }

    /// <summary>The layout that a file with Hugging Face's names has.</summary>
    /// <param name="hub">The hub's.</param>
    public static List<(string Name, long[] Shape)> HuggingFace(IEnumerable<(string Name, long[] Shape)> hub)
        => [.. hub.SelectMany(entry =>
        {
            var names = HuggingFace(entry.Name);
            return names.Select(name => (name, (long[])[entry.Shape[0] / names.Length, .. entry.Shape[1..]]));
        })];
}

using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>Brings Hugging Face's names of DINOv2's tensors to torch.hub's, laying queries, keys and values in one.</summary>
internal static class DinoV2Keys
{
    private static readonly (string HuggingFace, string Hub)[] Parts =
    [
        ("embeddings.cls_token", "cls_token"), ("embeddings.mask_token", "mask_token"), ("embeddings.register_tokens", "register_tokens"),
        ("embeddings.position_embeddings", "pos_embed"), ("embeddings.patch_embeddings.projection", "patch_embed.proj"), ("encoder.layer.", "blocks."),
        (".attention.output.dense", ".attn.proj"), (".layer_scale1.lambda1", ".ls1.gamma"), (".layer_scale2.lambda1", ".ls2.gamma"),
        (".mlp.weights_in", ".mlp.w12"), (".mlp.weights_out", ".mlp.w3"), ("layernorm.", "norm."),
    ];

    private static readonly string[] Split = ["query", "key", "value"];

    /// <summary>Whether a file has Hugging Face's names.</summary>
    public static bool AreHuggingFace(IReadOnlyDictionary<string, Tensor> tensors)
        => tensors.Keys.Any(name => name.EndsWith("embeddings.cls_token", StringComparison.Ordinal));

    /// <summary>The same tensors under the hub's names; new ones belong to the open dispose scope.</summary>
    public static Dictionary<string, Tensor> ToHub(IReadOnlyDictionary<string, Tensor> tensors)
    {
        // A classifier's file has its backbone under 'dinov2.' and a head that features do not need.
        var backbone = tensors.Keys.Where(name => name.StartsWith("dinov2", StringComparison.Ordinal)).Select(name => name[..(name.IndexOf('.', StringComparison.Ordinal) + 1)]).FirstOrDefault() ?? "";
        var hub = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var (name, tensor) in tensors.Where(t => t.Key.StartsWith(backbone, StringComparison.Ordinal)))
        {
            var renamed = Parts.Aggregate(name[backbone.Length..], (text, part) => text.Replace(part.HuggingFace, part.Hub, StringComparison.Ordinal));
            if (renamed.Contains(".attention.attention.query.", StringComparison.Ordinal))
            {
                var all = Split.Select(part => tensors.GetValueOrDefault(name.Replace(".query.", $".{part}.", StringComparison.Ordinal))).ToArray();
                if (Array.TrueForAll(all, part => part is not null && part.dim() == tensor.dim()))
                {
                    hub[renamed.Replace(".attention.attention.query.", ".attn.qkv.", StringComparison.Ordinal)] = cat(all!, dim: 0);
                }
            }
            else if (!renamed.Contains(".attention.attention.", StringComparison.Ordinal))
            {
                hub[renamed] = tensor;
            }
        }

        return hub;
    }
}

using Ddm.Diffusion;

namespace Ddm.Encoders;

/// <summary>A family of names for the tensors of diffusion transformers and routers. Both ways: what a published file has, and what a file for others must have.</summary>
public sealed class NetworkKeys
{
    private readonly (string Own, string Published)[] starts;
    private readonly (string Own, string Published, int Part)[] parts;

    private NetworkKeys(string family, (string Own, string Published)[] starts, (string Own, string Published, int Part)[] parts)
        => (Family, this.starts, this.parts) = (family, starts, parts);

    /// <summary>facebookresearch/DiT's, willisma/SiT's and ours, which are the same.</summary>
    public static NetworkKeys Own { get; } = new("DiT's", [], []);

    /// <summary>
    /// Paris' (Bagel Labs, arXiv 2510.03434): torch's own attention, whose queries, keys and values are one tensor, and numbered layers of the MLP. Of cross-attention the first third of
    /// the rows makes queries, the rest keys and values.
    /// </summary>
    public static NetworkKeys Paris { get; } = new(
        "Paris'",
        [("x_embedder.proj.", "patch_embed."), ("t_embedder.", "time_embed."), ("blocks.", "layers.")],
        [
            (".attn.qkv.weight", ".attn.in_proj_weight", 0), (".attn.qkv.bias", ".attn.in_proj_bias", 0), (".attn.proj.", ".attn.out_proj.", 0),
            (".cross_attn.q_linear.weight", ".cross_attn.in_proj_weight", 0), (".cross_attn.kv_linear.weight", ".cross_attn.in_proj_weight", 1),
            (".cross_attn.q_linear.bias", ".cross_attn.in_proj_bias", 0), (".cross_attn.kv_linear.bias", ".cross_attn.in_proj_bias", 1),
            (".cross_attn.proj.", ".cross_attn.out_proj.", 0), (".mlp.fc1.", ".mlp.0.", 0), (".mlp.fc2.", ".mlp.2.", 0),
        ]);

    /// <summary>Whose names they are, for messages.</summary>
    public string Family { get; }

    /// <summary>The family of a file's names; null: of none that is known.</summary>
    public static NetworkKeys? Of(IReadOnlyCollection<string> names)
        => new[] { Own, Paris }.FirstOrDefault(keys => names.Contains(keys.Published("x_embedder.proj.weight").Name));

    /// <summary>The published name of one of our weights, and its place where several share one tensor.</summary>
    public (string Name, int Part) Published(string own)
    {
        var start = Array.Find(starts, s => own.StartsWith(s.Own, StringComparison.Ordinal));
        var name = start.Own is null ? own : start.Published + own[start.Own.Length..];
        var part = Array.Find(parts, p => name.Contains(p.Own, StringComparison.Ordinal));
        return part.Own is null || start.Own != "blocks." ? (name, 0) : (name.Replace(part.Own, part.Published, StringComparison.Ordinal), part.Part);
    }

    /// <summary>Every tensor of a network under its published name, ordered by it.</summary>
    public IReadOnlyList<PublishedTensor> Layout(TransformerTrunk network)
        => [.. network.TrainableParameters()
            .Select(weight => (weight.Name, weight.Parameter.shape, Key: Published(weight.Name)))
            .GroupBy(weight => weight.Key.Name, StringComparer.Ordinal)
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => Whole(group.Key, [.. group.OrderBy(weight => weight.Key.Part).Select(weight => (weight.Name, weight.shape))]))];

    private static PublishedTensor Whole(string name, (string Own, long[] Shape)[] weights)
        => new(name, [weights.Sum(weight => weight.Shape[0]), .. weights[0].Shape[1..]], [.. weights.Select(weight => (weight.Own, weight.Shape[0]))]);
}

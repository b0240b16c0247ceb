using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>Names of the middle attention's layers: today's, and those of files from before diffusers 0.18, <c>sd-vae-ft-mse</c> among them.</summary>
internal static class VaeKeys
{
    public static readonly string[] Attention = ["to_q", "to_k", "to_v", "to_out.0"];

    private static readonly string[] Old = ["query", "key", "value", "proj_attn"];

    /// <summary>The same tensors under today's names.</summary>
    public static Dictionary<string, Tensor> ToPresent(IReadOnlyDictionary<string, Tensor> tensors)
        => tensors.ToDictionary(t => Present(t.Key), t => t.Value, StringComparer.Ordinal);

    private static string Present(string name)
    {
        const string Where = ".mid_block.attentions.0.";
        var at = name.IndexOf(Where, StringComparison.Ordinal);
        if (at < 0)
        {
            return name;
        }

        var parts = name[(at + Where.Length)..].Split('.');
        var index = Array.IndexOf(Old, parts[0]);
        return index < 0 ? name : $"{name[..(at + Where.Length)]}{Attention[index]}.{string.Join('.', parts[1..])}";
    }
}

using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>Classifier-free guidance (Ho and Salimans 2022).</summary>
public static class Guidance
{
    /// <summary>v_u + s (v_c - v_u).</summary>
    /// <param name="conditional">v_c, [B, C, ...].</param>
    /// <param name="unconditional">v_u, [B, C, ...].</param>
    /// <param name="scale">s; 1: v_c.</param>
    /// <param name="guidedChannels">Leading channels it acts on, the others staying v_c, as in DiT's <c>forward_with_cfg</c>; null: all.</param>
    public static Tensor Combine(Tensor conditional, Tensor unconditional, double scale, int? guidedChannels = null)
    {
        using var all = Arithmetic.Filled([.. Enumerable.Repeat(1L, (int)conditional.dim())], scale, conditional.dtype, conditional.device);
        return Combine(conditional, unconditional, all, guidedChannels);
    }

    /// <summary>v_u + s (v_c - v_u), each row with a scale of its own.</summary>
    /// <param name="conditional">v_c, [B, C, ...].</param>
    /// <param name="unconditional">v_u, [B, C, ...].</param>
    /// <param name="scale">s, [B, 1, ...] of their type.</param>
    /// <param name="guidedChannels">Leading channels it acts on; null: all.</param>
    internal static Tensor Combine(Tensor conditional, Tensor unconditional, Tensor scale, int? guidedChannels)
    {
        if (guidedChannels is not { } guided || guided >= conditional.size(1))
        {
            return unconditional.PlusProduct(conditional.Minus(unconditional), scale);
        }

        var rest = conditional.narrow(1, guided, conditional.size(1) - guided);
        var (c, u) = (conditional.narrow(1, 0, guided), unconditional.narrow(1, 0, guided));
        return cat([u.PlusProduct(c.Minus(u), scale), rest], dim: 1);
    }
}

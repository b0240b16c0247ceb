using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>
/// The straight path from data to noise, x_t = (1 - t) x_0 + t eps, whose velocity is v = eps - x_0 (rectified flow; equations 1 to 8 of the paper with
/// alpha_t = 1 - t, sigma_t = t). Times are [N] and are spread over the rows of [N, ...].
/// </summary>
public static class LinearPath
{
    /// <summary>x_t = (1 - t) x_0 + t eps.</summary>
    public static Tensor Interpolate(Tensor x0, Tensor eps, Tensor t) => lerp(x0, eps, Spread(t, x0));

    /// <summary>v = eps - x_0, the regression target of every expert.</summary>
    public static Tensor Velocity(Tensor x0, Tensor eps) => eps.Minus(x0);

    /// <summary>x_0 = x_t - t v.</summary>
    public static Tensor X0(Tensor xt, Tensor v, Tensor t) => xt.Minus(Spread(t, xt) * v);

    /// <summary>eps = x_t + (1 - t) v.</summary>
    public static Tensor Eps(Tensor xt, Tensor v, Tensor t) => xt.Plus(Spread(t, xt).OneMinus() * v);

    private static Tensor Spread(Tensor t, Tensor like) => t.view([t.size(0), .. Enumerable.Repeat(1L, (int)like.dim() - 1)]);
}

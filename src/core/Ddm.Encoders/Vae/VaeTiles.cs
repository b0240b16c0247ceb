using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>
/// An autoencoder over pictures of any size in bounded memory: picture by picture, and large ones in tiles that overlap by a quarter and are blended there, each tile's weight falling
/// to its rim. The middle's attention then sees a tile, not the picture, as in diffusers' tiled mode; pictures that fit in one tile are exact.
/// </summary>
/// <param name="vae">The network; still the caller's.</param>
/// <param name="tile">Side of a tile in latents: 64 is 512 pixels of Stable Diffusion's.</param>
public sealed class VaeTiles(AutoencoderKL vae, int tile = 64)
{
    private const int OverlapsOfTile = 4;

    /// <summary>As <see cref="AutoencoderKL.Decode"/>.</summary>
    public Tensor Decode(Tensor latent) => Rows(latent, row => Tiled(row, tile, vae.Config.Factor, 1, vae.Config.Channels, vae.Decode));

    /// <summary>As <see cref="AutoencoderKL.Encode"/>.</summary>
    public Tensor Encode(Tensor image) => Rows(image, row => Tiled(row, tile * vae.Config.Factor, 1, vae.Config.Factor, 2 * vae.Config.LatentChannels, vae.Encode));

    /// <summary>Runs a function over overlapping tiles of one picture; a sample of the source becomes <paramref name="grow"/> / <paramref name="shrink"/> of the target.</summary>
    internal static Tensor Tiled(Tensor x, int side, int grow, int shrink, int channels, Func<Tensor, Tensor> run)
    {
        var (height, width) = ((int)x.size(2), (int)x.size(3));
        if (height <= side && width <= side)
        {
            return run(x);
        }

        using var scope = NewDisposeScope();
        var sum = zeros([1, channels, height * grow / shrink, width * grow / shrink]);
        var weights = zeros([1, 1, sum.size(2), sum.size(3)]);
        foreach (var top in Starts(height, side))
        {
            foreach (var left in Starts(width, side))
            {
                using var step = NewDisposeScope();
                var (h, w) = (Math.Min(side, height), Math.Min(side, width));
                var part = run(x.narrow(2, top, h).narrow(3, left, w).contiguous());
                var weight = Ramp(part.size(2)).unsqueeze(1).mul(Ramp(part.size(3)).unsqueeze(0));
                Place(sum).add_(part.mul(weight), Arithmetic.One);
                Place(weights).add_(weight, Arithmetic.One);

                Tensor Place(Tensor all) => all.narrow(2, top * grow / shrink, part.size(2)).narrow(3, left * grow / shrink, part.size(3));
            }
        }

        return sum.div_(weights).MoveToOuterDisposeScope();
    }

    private static Tensor Rows(Tensor x, Func<Tensor, Tensor> one)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        return cat([.. Enumerable.Range(0, (int)x.size(0)).Select(row => one(x.narrow(0, row, 1)))], dim: 0).MoveToOuterDisposeScope();
    }

    // Tiles a step apart, the last at the rim.
    private static IEnumerable<int> Starts(int length, int side)
    {
        if (length <= side)
        {
            return [0];
        }

        var step = side - (side / OverlapsOfTile);
        return Enumerable.Range(0, ((length - side + step - 1) / step) + 1).Select(i => Math.Min(i * step, length - side));
    }

    // 1 in the middle, falling to nearly 0 over a quarter at either end.
    private static Tensor Ramp(long length)
    {
        var edge = (float)Math.Max(1, length / OverlapsOfTile);
        return tensor(Enumerable.Range(0, (int)length).Select(i => Math.Min(1f, Math.Min(i + 1, length - i) / (edge + 1))).ToArray());
    }
}

using Ddm.Encoders;
using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>
/// What an autoencoder learns: mean |x - y| + edges (mean |dx - dy| across neighbours) + kl KL / D, where y decodes a latent drawn from the posterior, KL is its divergence from the
/// standard normal distribution in nats, summed over the latent, and D is the number of the picture's elements. Without the middle term and times D this is the objective of Rombach et al.
/// (arXiv 2112.10752, appendix G) less its perceptual and adversarial parts, for which no weights are at hand.
/// </summary>
internal static class VaeLoss
{
    private static readonly Scalar Half = 0.5;

    /// <summary>The parts of the loss, each summed over the rows, differentiable in the network's weights.</summary>
    /// <param name="network">The autoencoder.</param>
    /// <param name="images">[N, C, H, W] in [-1, 1].</param>
    /// <param name="noise">[N, z, h, w] standard normal.</param>
    /// <returns>0-d: mean absolute errors, mean absolute errors of differences, divergences in nats.</returns>
    public static (Tensor Error, Tensor Edges, Tensor Kl) Sums(AutoencoderKL network, Tensor images, Tensor noise)
    {
        var moments = network.Encode(images).chunk(2, dim: 1);
        var (mean, logvar) = (moments[0], moments[1]);
        var decoded = network.Decode(addcmul(mean, logvar.mul(Half).exp(), noise, Arithmetic.One));
        var difference = decoded.Minus(images);
        return (RowMeans(difference), RowMeans(Steps(difference, 2)).Plus(RowMeans(Steps(difference, 3))), Divergence(mean, logvar));
    }

    // (mean^2 + variance - 1 - log variance) / 2
    private static Tensor Divergence(Tensor mean, Tensor logvar)
        => mean.square().Plus(logvar.exp()).Minus(logvar).add(Arithmetic.MinusOne, Arithmetic.One).sum().mul(Half);

    private static Tensor RowMeans(Tensor x) => x.abs().mean([1, 2, 3]).sum();

    private static Tensor Steps(Tensor x, int dimension)
    {
        var last = x.size(dimension) - 1;
        return x.narrow(dimension, 1, last).Minus(x.narrow(dimension, 0, last));
    }
}

using System.Globalization;
using Ddm.Runs;
using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Encoders;

/// <summary>
/// Stable Diffusion's variational autoencoder (Rombach et al., arXiv 2112.10752) from diffusers' weights: pictures to the moments of a Gaussian over latents an eighth as
/// large, latents back to pictures. With weights that ask for gradients it records them, as any torch network does.
/// </summary>
public sealed class AutoencoderKL : IDisposable
{
    private const double NormEps = 1e-6;

    // The reference's bounds; exp(20 / 2) is already far outside anything useful.
    private static readonly Scalar LeastLogvar = -30, MostLogvar = 20;

    private readonly PublishedWeights weights;
    private readonly bool quant;
    private readonly bool postQuant;

    private AutoencoderKL(VaeConfig config, PublishedWeights weights, bool quant, bool postQuant)
        => (Config, this.weights, this.quant, this.postQuant) = (config, weights, quant, postQuant);

    /// <summary>Its shape.</summary>
    public VaeConfig Config { get; }

    /// <summary>Reads a network.</summary>
    /// <exception cref="UserErrorException">The file is no whole AutoencoderKL; the message names the tensor.</exception>
    public static AutoencoderKL Load(WeightFile file)
    {
        TorchNative.EnsureLoaded();
        var config = VaeConfig.From(file);
        var (quant, postQuant) = (file.Flag("use_quant_conv") ?? true, file.Flag("use_post_quant_conv") ?? true);
        var network = string.Create(CultureInfo.InvariantCulture, $"an AutoencoderKL of widths [{string.Join(", ", config.Widths)}]");
        return new AutoencoderKL(
            config, PublishedWeights.Take(file.Path, network, VaeKeys.ToPresent(file.Tensors), config.Layout(quant, postQuant)), quant, postQuant);
    }

    /// <summary>A network of weights that are in memory, to be trained or measured.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="weights">A tensor for each of <see cref="VaeConfig.Weights"/>, float32; the network computes with these very tensors and takes them over.</param>
    public static AutoencoderKL Of(VaeConfig config, IReadOnlyDictionary<string, Tensor> weights)
        => new(config, PublishedWeights.Of(weights), quant: true, postQuant: true);

    /// <summary>The posterior's moments, not scaled.</summary>
    /// <param name="image">[N, C, H, W] float32 in [-1, 1]; H and W multiples of <see cref="VaeConfig.Factor"/>.</param>
    /// <returns>[N, 2 z, H / f, W / f]: means, then log variances in [-30, 20].</returns>
    public Tensor Encode(Tensor image)
    {
        using var scope = NewDisposeScope();
        var w = weights.At("encoder");
        var x = w.Convolve(image, "conv_in", padding: 1);
        for (var level = 0; level < Config.Widths.Count; level++)
        {
            x = Down(x, w.At(string.Create(CultureInfo.InvariantCulture, $"down_blocks.{level}")), last: level == Config.Widths.Count - 1);
        }

        x = w.Convolve(NormAndSilu(Middle(x, w.At("mid_block")), w, "conv_norm_out"), "conv_out", padding: 1);
        var moments = quant ? F.conv2d(x, weights["quant_conv.weight"], weights["quant_conv.bias"]) : x;
        moments.narrow(1, Config.LatentChannels, Config.LatentChannels).clamp_(LeastLogvar, MostLogvar);
        return moments.MoveToOuterDisposeScope();
    }

    /// <summary>Pictures of latents that are not scaled.</summary>
    /// <param name="latent">[N, z, h, w] float32.</param>
    /// <returns>[N, C, f h, f w], about [-1, 1].</returns>
    public Tensor Decode(Tensor latent)
    {
        using var scope = NewDisposeScope();
        var x = postQuant ? F.conv2d(latent, weights["post_quant_conv.weight"], weights["post_quant_conv.bias"]) : latent;
        var w = weights.At("decoder");
        x = Middle(w.Convolve(x, "conv_in", padding: 1), w.At("mid_block"));
        for (var level = 0; level < Config.Widths.Count; level++)
        {
            x = Up(x, w.At(string.Create(CultureInfo.InvariantCulture, $"up_blocks.{level}")), last: level == Config.Widths.Count - 1);
        }

        return w.Convolve(NormAndSilu(x, w, "conv_norm_out"), "conv_out", padding: 1).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => weights.Dispose();

    private Tensor Down(Tensor x, WeightScope w, bool last)
    {
        using var scope = NewDisposeScope();
        for (var i = 0; i < Config.Layers; i++)
        {
            x = Residual(x, w.At(string.Create(CultureInfo.InvariantCulture, $"resnets.{i}")));
        }

        // The picture grows by a row below and a column to the right, not by half a frame on all sides.
        return (last ? x : w.Convolve(F.pad(x, [0, 1, 0, 1]), "downsamplers.0.conv", stride: 2)).MoveToOuterDisposeScope();
    }

    private Tensor Up(Tensor x, WeightScope w, bool last)
    {
        using var scope = NewDisposeScope();
        for (var i = 0; i <= Config.Layers; i++)
        {
            x = Residual(x, w.At(string.Create(CultureInfo.InvariantCulture, $"resnets.{i}")));
        }

        return (last ? x : w.Convolve(F.interpolate(x, scale_factor: [2, 2], mode: InterpolationMode.Nearest), "upsamplers.0.conv", padding: 1)).MoveToOuterDisposeScope();
    }

    private Tensor Middle(Tensor x, WeightScope w)
    {
        using var scope = NewDisposeScope();
        x = Residual(x, w.At("resnets.0"));
        x = x.Plus(Attention(x, w.At("attentions.0")));
        return Residual(x, w.At("resnets.1")).MoveToOuterDisposeScope();
    }

    private Tensor Residual(Tensor x, WeightScope w)
    {
        using var scope = NewDisposeScope();
        var y = w.Convolve(NormAndSilu(x, w, "norm1"), "conv1", padding: 1);
        y = w.Convolve(NormAndSilu(y, w, "norm2"), "conv2", padding: 1);
        return y.Plus(x.size(1) == y.size(1) ? x : w.Convolve(x, "conv_shortcut")).MoveToOuterDisposeScope();
    }

    // One head over all places.
    private Tensor Attention(Tensor x, WeightScope w)
    {
        var (n, c, height, width) = (x.size(0), x.size(1), x.size(2), x.size(3));
        var places = w.GroupNorm(x, "group_norm", Config.Groups, NormEps).view(n, c, -1).transpose(1, 2); // (N, H W, C)
        var mixed = F.scaled_dot_product_attention(w.Linear(places, "to_q").unsqueeze(1), w.Linear(places, "to_k").unsqueeze(1), w.Linear(places, "to_v").unsqueeze(1));
        return w.Linear(mixed.squeeze(1), "to_out.0").transpose(1, 2).reshape(n, c, height, width);
    }

    private Tensor NormAndSilu(Tensor x, WeightScope w, string layer)
    {
        using var normed = w.GroupNorm(x, layer, Config.Groups, NormEps);
        return F.silu(normed);
    }
}

using System.Globalization;
using System.Text.Json.Nodes;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>A run's autoencoder: 8-bit pictures to the moments of their latents, and scaled latents back to pictures, a picture at a time.</summary>
public sealed class LatentCodec : IDisposable
{
    private const string ScaleEntry = "scaling_factor";
    private const int MostMeasured = 512; // pictures that the standard deviation is measured on

    private static readonly Scalar Low = -1, High = 1;

    private readonly AutoencoderKL vae;
    private readonly VaeTiles tiles;

    private LatentCodec(AutoencoderKL vae, double scale) => (this.vae, tiles, Scale) = (vae, new VaeTiles(vae), scale);

    /// <summary>What latents are multiplied by for diffusion.</summary>
    public double Scale { get; }

    /// <summary>The autoencoder's shape.</summary>
    public VaeConfig Config => vae.Config;

    /// <summary>Refuses an autoencoder that cannot be the spec's, before anything rests on it.</summary>
    /// <param name="spec">The run's spec.</param>
    /// <param name="root">The folder that its paths are relative to.</param>
    /// <exception cref="UserErrorException">There is no such file, it is of another network, or its shape is not what the spec says.</exception>
    public static void Require(RunSpec spec, string root)
    {
        if (spec.Latent.Vae is not null)
        {
            using var file = WeightFile.Open(Path.Combine(root, spec.Latent.Vae));
            Fitting(spec, file).Dispose();
        }
    }

    /// <summary>Copies the autoencoder, its scale in its config: the published one, or for one of one's own 1 / the standard deviation of its latents.</summary>
    /// <param name="spec">The run's spec, which names an autoencoder.</param>
    /// <param name="root">The folder that its paths are relative to.</param>
    /// <param name="sample">Training rows, [N, C, H, W] uint8, to measure on.</param>
    /// <param name="target">Receives what <see cref="Open"/> takes.</param>
    /// <exception cref="UserErrorException">As for <see cref="Require"/>.</exception>
    public static void Prepare(RunSpec spec, string root, Tensor sample, Stream target)
    {
        using var file = WeightFile.Open(Path.Combine(root, spec.Latent.Vae!));
        using var vae = Fitting(spec, file);
        file.Save(target, new Dictionary<string, JsonNode?> { [ScaleEntry] = vae.Config.Scale ?? MeasureScale(vae, sample) });
    }

    /// <summary>1 / the standard deviation of latents drawn for pictures: the scale of an autoencoder of one's own.</summary>
    /// <param name="vae">The autoencoder, on the CPU.</param>
    /// <param name="sample">[N, C, H, W] uint8, of which the first 512 are taken.</param>
    public static double MeasureScale(AutoencoderKL vae, Tensor sample)
    {
        // Of z = mean + deviation n over all elements: Var z = E[mean^2 + deviation^2] - E[mean]^2.
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var moments = new VaeTiles(vae).Encode(Image(sample.narrow(0, 0, Math.Min(MostMeasured, sample.size(0))), vae.Config.Channels)).to(ScalarType.Float64).chunk(2, dim: 1);
        var (mean, variance) = (moments[0], moments[1].exp());
        var square = mean.square().Plus(variance).mean().item<double>();
        return 1 / Math.Sqrt(square - Math.Pow(mean.mean().item<double>(), 2));
    }

    /// <summary>Copies a published autoencoder, its published scale in its config: what <see cref="Open"/> takes.</summary>
    /// <param name="path">Its file or folder.</param>
    /// <param name="target">Receives it.</param>
    /// <returns>Its shape.</returns>
    /// <exception cref="UserErrorException">There is no such file, it is of another network, or it does not say what its latents are multiplied by.</exception>
    public static VaeConfig Copy(string path, Stream target)
    {
        using var file = WeightFile.Open(path, preferHeader: true);
        using var vae = AutoencoderKL.Load(file);
        var scale = vae.Config.Scale
            ?? throw new UserErrorException($"{file.Path} does not say what its latents are multiplied by for diffusion: write {ScaleEntry} in the config.json beside it (0.18215 of Stable Diffusion's).");
        file.Save(target, new Dictionary<string, JsonNode?> { [ScaleEntry] = scale });
        return vae.Config;
    }

    /// <summary>Opens what <see cref="Prepare"/> wrote.</summary>
    /// <param name="name">Its blob, for messages.</param>
    /// <param name="prepared">Its tensors; still the caller's.</param>
    /// <exception cref="InvalidDataException">It has no scale.</exception>
    public static LatentCodec Open(string name, TensorBundle prepared)
    {
        var vae = AutoencoderKL.Load(WeightFile.From(name, prepared));
        return vae.Config.Scale is { } scale ? new LatentCodec(vae, scale) : throw new InvalidDataException($"{name} holds no scale of its latents.");
    }

    /// <summary>Opens the spec's autoencoder from its own file, to see what it costs; one without a scale has 1.</summary>
    /// <exception cref="UserErrorException">As for <see cref="Require"/>.</exception>
    public static LatentCodec OpenFile(RunSpec spec, string root)
    {
        using var file = WeightFile.Open(Path.Combine(root, spec.Latent.Vae!));
        var vae = Fitting(spec, file);
        return new LatentCodec(vae, vae.Config.Scale ?? 1);
    }

    /// <summary>Means and log variances of pictures' latents, not scaled.</summary>
    /// <param name="pixels">[N, C, H, W] uint8.</param>
    /// <returns>[N, 2 z, h, w] float16.</returns>
    public Tensor Moments(Tensor pixels)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        return tiles.Encode(Image(pixels, Config.Channels)).to(ScalarType.Float16).MoveToOuterDisposeScope();
    }

    /// <summary>Pictures of latents.</summary>
    /// <param name="latents">[N, z, h, w] float32, scaled.</param>
    /// <returns>[N, C, H, W] float32 in [-1, 1].</returns>
    public Tensor Decode(Tensor latents)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using Scalar inverse = 1 / Scale;
        return tiles.Decode(latents.mul(inverse)).clamp_(Low, High).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => vae.Dispose();

    private static AutoencoderKL Fitting(RunSpec spec, WeightFile file)
    {
        var vae = AutoencoderKL.Load(file);
        var config = vae.Config;
        if (config.LatentChannels == spec.Latent.Channels && config.Factor == spec.Latent.Factor && (config.Channels == spec.Data.Channels || spec.Data.Channels == 1))
        {
            return vae;
        }

        vae.Dispose();
        throw new UserErrorException(string.Create(
            CultureInfo.InvariantCulture,
            $"{file.Path} turns {config.Channels} channels into {config.LatentChannels} with a side 1/{config.Factor} as long; the spec says data.channels: {spec.Data.Channels}, latent.channels: {spec.Latent.Channels}, latent.factor: {spec.Latent.Factor}. Write what the file has."));
    }

    private static Tensor Image(Tensor pixels, long channels) => EightBit.Images(pixels).expand(-1, channels, -1, -1);
}

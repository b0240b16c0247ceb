using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>The batch of a step as a pure function of (seed, step): which pictures, without replacement in an epoch, and the noise of their latents.</summary>
internal sealed class VaeBatches : IDisposable
{
    private readonly PictureSet pictures;
    private readonly Philox order;
    private readonly Philox noise;
    private readonly Tensor pixels; // [B, C, H, W] uint8
    private readonly Tensor drawn; // [B, z, h, w] float32

    public VaeBatches(PictureSet pictures, VaeSettings settings)
    {
        this.pictures = pictures;
        order = Philox.Create(settings.Seed, VaeStreams.Key, RandomStreams.SampleOrder);
        noise = Philox.Create(settings.Seed, VaeStreams.Key, RandomStreams.LatentNoise);
        var (batch, side, latent) = (settings.Batch, settings.ImageSize, settings.ImageSize / settings.Config.Factor);
        pixels = empty([batch, settings.Channels, side, side], ScalarType.Byte, CPU).DetachFromDisposeScope();
        drawn = empty([batch, settings.LatentChannels, latent, latent], ScalarType.Float32, CPU).DetachFromDisposeScope();
    }

    /// <summary>The batch of the update that follows <paramref name="step"/> others: tensors of the caller's dispose scope, valid until the next batch.</summary>
    /// <returns>Pictures [B, C, H, W] in [-1, 1] and standard normal noise [B, z, h, w].</returns>
    public (Tensor Images, Tensor Noise) Load(long step, Device device)
    {
        var (rows, batch) = (pictures.Training.Count, (int)pixels.size(0));
        var target = pixels.bytes;
        for (var i = 0; i < batch; i++)
        {
            var (epoch, place) = Math.DivRem((step * batch) + i, rows);
            var row = pictures.Training[(int)new FeistelPermutation(rows, order, (ulong)epoch)[place]];
            pictures.Rows.Row(row).CopyTo(target[(i * pictures.Rows.RowBytes)..]);
        }

        NoiseTensor.FillNormal(drawn, noise, (ulong)step, firstRow: 0);
        return (EightBit.Images(pixels.to(device)), drawn.to(device));
    }

    public void Dispose()
    {
        pixels.Dispose();
        drawn.Dispose();
    }
}

using System.Runtime.InteropServices;
using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>CPU buffers that batch after batch is gathered in, and their way to the training device.</summary>
internal sealed class BatchBuffer : IDisposable
{
    private static readonly Scalar One = 1;
    private static readonly Scalar Half = 0.5;

    private readonly int classes;
    private readonly double? scale; // of latents
    private readonly Tensor pixels; // uint8, or moments of latents as float16
    private readonly Tensor? latentNoise;
    private readonly Tensor eps;
    private readonly Tensor times;
    private readonly Tensor labels;
    private readonly Tensor? captions; // int32 tokens or float16 vectors
    private readonly Tensor clusters;

    /// <param name="rows">Rows of one batch.</param>
    /// <param name="config">Shape of what the network sees. Label <c>Classes</c> is the null condition.</param>
    /// <param name="latents">Set where rows are moments of latents.</param>
    public BatchBuffer(int rows, DiTConfig config, ClusterLatents? latents)
    {
        var (channels, size) = (config.Channels, config.ImageSize);
        classes = config.Classes;
        captions = config.Text is { } text ? empty([rows, .. new RowText(text).One], text.Learned ? ScalarType.Int32 : ScalarType.Float16, CPU) : null;
        scale = latents?.Scale;
        pixels = latents is null ? empty([rows, channels, size, size], ScalarType.Byte, CPU) : empty([rows, 2 * channels, size, size], ScalarType.Float16, CPU);
        latentNoise = latents is null ? null : empty([rows, channels, size, size], ScalarType.Float32, CPU);
        eps = empty([rows, channels, size, size], ScalarType.Float32, CPU);
        times = empty([rows], ScalarType.Float32, CPU);
        labels = empty([rows], ScalarType.Int64, CPU);
        clusters = empty([rows], ScalarType.Int64, CPU);
    }

    /// <summary>Copies the rows at these places; a condition is dropped where <paramref name="dropped"/> says so or the row has none, a picture is mirrored where <paramref name="mirrored"/> says so.</summary>
    /// <exception cref="InvalidDataException">A label beyond the classes of the network.</exception>
    public void Gather(IRowSource source, IReadOnlyList<(int Shard, int Row)> places, Func<int, bool> dropped, Func<int, bool>? mirrored = null)
    {
        var image = (int)(pixels.numel() * pixels.element_size() / pixels.size(0));
        var allPixels = pixels.bytes;
        var allLabels = Values<long>(labels);
        var allClusters = Values<long>(clusters);
        var caption = captions is null ? 0 : (int)(captions.numel() * captions.element_size() / captions.size(0));
        for (var i = 0; i < places.Count; i++)
        {
            var (shard, row) = places[i];
            if (captions is not null)
            {
                source.CopyText(shard, dropped(i) ? null : row, captions.bytes.Slice(i * caption, caption));
            }

            Copy(source, places[i], allPixels.Slice(i * image, image), mirrored?.Invoke(i) is true, out var label, out var cluster);
            if (classes > 0 && label >= classes)
            {
                throw new InvalidDataException($"Row {row} of shard {shard} has label {label}, but the data set has {classes} classes.");
            }

            allLabels[i] = label < 0 || dropped(i) ? classes : label;
            allClusters[i] = cluster;
        }
    }

    /// <summary>Sets the times, one a row.</summary>
    public void SetTimes(ReadOnlySpan<float> values) => values.CopyTo(Values<float>(times));

    /// <summary>Draws the noise of every row.</summary>
    public void DrawNoise(Philox philox, ulong step) => NoiseTensor.FillNormal(eps, philox, step, firstRow: 0);

    /// <summary>Draws which latent of its picture's posterior each row is; nothing for pixels.</summary>
    public void DrawLatents(Philox philox, ulong step)
    {
        if (latentNoise is not null)
        {
            NoiseTensor.FillNormal(latentNoise, philox, step, firstRow: 0);
        }
    }

    /// <summary>The batch on the device: tensors of the caller's dispose scope, valid until the buffer is filled again.</summary>
    public Batch On(Device device) => new(
        latentNoise is null ? EightBit.Images(pixels.to(device)) : Latents(device),
        eps.to(device),
        times.to(device),
        captions is not null ? captions.to(device) : classes > 0 ? labels.to(device) : null,
        clusters.to(device));

    public void Dispose()
    {
        foreach (var tensor in new[] { pixels, latentNoise, eps, times, labels, captions, clusters })
        {
            tensor?.Dispose();
        }
    }

    private void Copy(IRowSource source, (int Shard, int Row) place, Span<byte> target, bool isMirrored, out long label, out int cluster)
    {
        if (isMirrored && scale is not null)
        {
            source.CopyMirrored(place.Shard, place.Row, target, out label, out cluster);
            return;
        }

        source.CopyRow(place.Shard, place.Row, target, out label, out cluster);
        if (isMirrored)
        {
            HorizontalFlip.Apply(target, (int)pixels.size(3));
        }
    }

    // scale (mean + deviation n)
    private Tensor Latents(Device device)
    {
        using Scalar factor = scale!.Value;
        var moments = pixels.to(device).to(ScalarType.Float32).chunk(2, dim: 1);
        return addcmul(moments[0], moments[1].mul(Half).exp_(), latentNoise!.to(device), One).mul_(factor);
    }

    private static Span<T> Values<T>(Tensor tensor)
        where T : unmanaged
        => MemoryMarshal.Cast<byte, T>(tensor.bytes);
}

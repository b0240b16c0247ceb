using System.Runtime.InteropServices;
using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>CPU buffers that batch after batch is gathered in, and their way to the training device.</summary>
internal sealed class BatchBuffer : IDisposable
{
    private static readonly Scalar HalfRange = 127.5;
    private static readonly Scalar One = 1;

    private readonly int classes;
    private readonly Tensor pixels;
    private readonly Tensor eps;
    private readonly Tensor times;
    private readonly Tensor labels;
    private readonly Tensor clusters;

    /// <param name="rows">Rows of one batch.</param>
    /// <param name="channels">Channels of an image.</param>
    /// <param name="size">Side of an image.</param>
    /// <param name="classes">Classes of the condition; 0: none. Label <c>classes</c> is the null condition.</param>
    public BatchBuffer(int rows, int channels, int size, int classes)
    {
        this.classes = classes;
        pixels = empty([rows, channels, size, size], ScalarType.Byte, CPU);
        eps = empty([rows, channels, size, size], ScalarType.Float32, CPU);
        times = empty([rows], ScalarType.Float32, CPU);
        labels = empty([rows], ScalarType.Int64, CPU);
        clusters = empty([rows], ScalarType.Int64, CPU);
    }

    /// <summary>Copies the rows at these places; a condition is dropped where <paramref name="dropped"/> says so or the row has none, a picture is mirrored where <paramref name="mirrored"/> says so.</summary>
    /// <exception cref="InvalidDataException">A label beyond the classes of the network.</exception>
    public void Gather(IRowSource source, IReadOnlyList<(int Shard, int Row)> places, Func<int, bool> dropped, Func<int, bool>? mirrored = null)
    {
        var image = (int)(pixels.numel() / pixels.size(0));
        var allPixels = pixels.bytes;
        var allLabels = Values<long>(labels);
        var allClusters = Values<long>(clusters);
        for (var i = 0; i < places.Count; i++)
        {
            var (shard, row) = places[i];
            source.CopyRow(shard, row, allPixels.Slice(i * image, image), out var label, out var cluster);
            if (mirrored?.Invoke(i) is true)
            {
                HorizontalFlip.Apply(allPixels.Slice(i * image, image), (int)pixels.size(3));
            }

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

    /// <summary>The batch on the device: tensors of the caller's dispose scope, valid until the buffer is filled again.</summary>
    public Batch On(Device device) => new(
        pixels.to(device).to(ScalarType.Float32).div_(HalfRange).sub_(One),
        eps.to(device),
        times.to(device),
        classes > 0 ? labels.to(device) : null,
        clusters.to(device));

    public void Dispose()
    {
        foreach (var tensor in new[] { pixels, eps, times, labels, clusters })
        {
            tensor.Dispose();
        }
    }

    private static Span<T> Values<T>(Tensor tensor)
        where T : unmanaged
        => MemoryMarshal.Cast<byte, T>(tensor.bytes);
}

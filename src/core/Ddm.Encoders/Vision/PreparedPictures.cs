using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>Runs an encoder over pictures, prepared and in blocks of so many that their activations stay near the processor.</summary>
/// <param name="preparation">How they are prepared.</param>
internal sealed class PreparedPictures(PicturePreparation preparation) : IDisposable
{
    /// <summary>Pictures of one block.</summary>
    public const int BlockRows = 16;

    private PicturePreprocessing? preprocessing;

    /// <summary>The features of pictures.</summary>
    /// <param name="pixels">[N, C, S, S] uint8.</param>
    /// <param name="dimensions">D.</param>
    /// <param name="features">[n, 3, s, s] float32 -> [n, D].</param>
    /// <returns>[N, D] float32.</returns>
    /// <exception cref="ArgumentException">The pictures are not square.</exception>
    public Tensor Encode(Tensor pixels, int dimensions, Func<Tensor, Tensor> features)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var (count, side) = (pixels.size(0), (int)pixels.size(3));
        if (pixels.size(2) != side)
        {
            throw new ArgumentException($"pictures of shape [{string.Join(", ", pixels.shape)}] are not square", nameof(pixels));
        }

        if (preprocessing?.Source != side)
        {
            preprocessing?.Dispose();
            preprocessing = new PicturePreprocessing(preparation, side);
        }

        var all = empty([count, dimensions], ScalarType.Float32);
        for (long start = 0; start < count; start += BlockRows)
        {
            using var block = NewDisposeScope();
            var rows = Math.Min(BlockRows, count - start);
            all.narrow(0, start, rows).copy_(features(preprocessing.Apply(pixels.narrow(0, start, rows))));
        }

        return all.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => preprocessing?.Dispose();
}

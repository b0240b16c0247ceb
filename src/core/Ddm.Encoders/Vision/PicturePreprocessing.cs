using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>
/// Prepares pictures of one size as a <see cref="PicturePreparation"/> says: resized with Pillow's bicubic filter (8 bits between and after the two passes). Only the middle is
/// computed.
/// </summary>
internal sealed class PicturePreprocessing : IDisposable
{
    private const float HighestValue = 255;

    private static readonly Scalar Low = 0, High = HighestValue;

    private readonly bool isBlueFirst;
    private readonly Tensor resample; // [s, S]
    private readonly Tensor mean, inverseDeviation; // [1, 3, 1, 1], of values to 255

    /// <param name="preparation">What to do.</param>
    /// <param name="side">H = W of the pictures that come in.</param>
    public PicturePreprocessing(PicturePreparation preparation, int side)
    {
        Source = side;
        isBlueFirst = preparation.IsBlueFirst;
        mean = Channels(preparation.Mean.Select(value => value * HighestValue / preparation.Scale));
        inverseDeviation = Channels(preparation.Deviation.Select(value => preparation.Scale / (value * HighestValue)));
        var whole = CubicResampling.Matrix(side, preparation.ShorterSide, (double)side / preparation.ShorterSide, antialias: true);
        var first = (preparation.ShorterSide - preparation.Side) / 2;
        var middle = new double[preparation.Side, side];
        for (var i = 0; i < preparation.Side; i++)
        {
            for (var j = 0; j < side; j++)
            {
                middle[i, j] = whole[first + i, j];
            }
        }

        resample = CubicResampling.ToTensor(middle).DetachFromDisposeScope();
    }

    /// <summary>H = W of the pictures that come in.</summary>
    public int Source { get; }

    /// <summary>[N, C, S, S] uint8, C 1 or 3 -> [N, 3, s, s] float32.</summary>
    public Tensor Apply(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var rows = Round(pixels.to(ScalarType.Float32).matmul(resample.t())); // horizontally first, as Pillow does
        var image = Round(resample.matmul(rows));
        var colours = image.expand(-1, 3, -1, -1);
        return (isBlueFirst ? colours.flip(1) : colours).Minus(mean).mul_(inverseDeviation).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        resample.Dispose();
        mean.Dispose();
        inverseDeviation.Dispose();
    }

    private static Tensor Channels(IEnumerable<float> values)
    {
        using var scope = NewDisposeScope();
        return tensor(values.ToArray()).view(1, 3, 1, 1).DetachFromDisposeScope();
    }

    private static Tensor Round(Tensor x) => x.round_().clamp_(Low, High);
}

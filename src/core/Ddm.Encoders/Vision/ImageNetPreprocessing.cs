using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>
/// What published image encoders were trained behind: shorter side to 256 with Pillow's bicubic filter (8 bits between and after the two passes), the middle 224 x 224, ImageNet's
/// mean and deviation. Only the middle is computed.
/// </summary>
/// <remarks>facebookresearch/dinov2, <c>data/transforms.py</c>, <c>make_classification_eval_transform</c>.</remarks>
internal sealed class ImageNetPreprocessing : IDisposable
{
    /// <summary>H = W of the result.</summary>
    public const int Side = 224;

    private const int ShorterSide = 256;

    private static readonly Scalar Low = 0, High = 255;

    private readonly Tensor resample; // [224, S]
    private readonly Tensor mean = tensor([0.485f * 255, 0.456f * 255, 0.406f * 255]).view(1, 3, 1, 1).DetachFromDisposeScope();
    private readonly Tensor inverseDeviation = tensor([1 / (0.229f * 255), 1 / (0.224f * 255), 1 / (0.225f * 255)]).view(1, 3, 1, 1).DetachFromDisposeScope();

    /// <param name="side">H = W of the pictures that come in.</param>
    public ImageNetPreprocessing(int side)
    {
        Source = side;
        var whole = CubicResampling.Matrix(side, ShorterSide, (double)side / ShorterSide, antialias: true);
        const int first = (ShorterSide - Side) / 2;
        var middle = new double[Side, side];
        for (var i = 0; i < Side; i++)
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

    /// <summary>[N, C, S, S] uint8, C 1 or 3 -> [N, 3, 224, 224] float32.</summary>
    public Tensor Apply(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var rows = Round(pixels.to(ScalarType.Float32).matmul(resample.t())); // horizontally first, as Pillow does
        var image = Round(resample.matmul(rows));
        return image.expand(-1, 3, -1, -1).Minus(mean).mul_(inverseDeviation).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        resample.Dispose();
        mean.Dispose();
        inverseDeviation.Dispose();
    }

    private static Tensor Round(Tensor x) => x.round_().clamp_(Low, High);
}

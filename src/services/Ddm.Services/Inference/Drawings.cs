using Ddm.Data;
using Ddm.Diffusion;
using static TorchSharp.torch;

namespace Ddm.Services;

/// <summary>Tensors of drawn pictures as 8-bit pictures.</summary>
public static class Drawings
{
    /// <summary>[B, C, H, W] in [-1, 1] -> B pictures of [C, H, W] bytes.</summary>
    public static IReadOnlyList<byte[]> ToBytes(Tensor images)
    {
        using var scope = NewDisposeScope();
        var bytes = EightBit.Levels(images).cpu().contiguous();
        var flat = bytes.data<byte>().ToArray();
        var each = flat.Length / (int)images.size(0);
        return [.. Enumerable.Range(0, (int)images.size(0)).Select(i => flat[(i * each)..((i + 1) * each)])];
    }

    /// <summary>A grid PNG of pictures that were drawn elsewhere, all of one size.</summary>
    public static byte[] Grid(IReadOnlyList<PixelImage> pictures, int columns, int scale = 2)
    {
        var first = pictures[0];
        return ImageGrid.Png([.. pictures.Select(picture => ImageCodec.Square(picture, first.Width, first.Channels))], first.Channels, first.Width, columns, scale);
    }

    /// <summary>A grid PNG of drawn pictures.</summary>
    public static byte[] Grid(SampleResult result, int columns, int scale = 2)
        => ImageGrid.Png(ToBytes(result.Images), (int)result.Images.size(1), (int)result.Images.size(2), columns, scale);
}

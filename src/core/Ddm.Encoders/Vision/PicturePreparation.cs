namespace Ddm.Encoders;

/// <summary>What a network's pictures went through when it was trained: shorter side to <see cref="ShorterSide"/>, the middle square, then (value - mean) / deviation.</summary>
/// <param name="Side">H = W of what the network sees.</param>
/// <param name="ShorterSide">What the shorter side is resized to before the middle is taken; at least <paramref name="Side"/>.</param>
/// <param name="Mean">[3], of values from 0 to <paramref name="Scale"/>, in the network's order of channels.</param>
/// <param name="Deviation">[3], likewise.</param>
/// <param name="Scale">The value of a pixel of 255.</param>
/// <param name="IsBlueFirst">Whether the network sees blue, green, red.</param>
internal sealed record PicturePreparation(int Side, int ShorterSide, IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation, float Scale, bool IsBlueFirst)
{
    private const int ImageNetSide = 224, ImageNetShorterSide = 256;

    /// <summary>That of most networks trained on ImageNet, DINOv2's among them.</summary>
    /// <remarks>facebookresearch/dinov2, <c>data/transforms.py</c>, <c>make_classification_eval_transform</c>.</remarks>
    public static PicturePreparation ImageNet { get; } = new(ImageNetSide, ImageNetShorterSide, [0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f], Scale: 1, IsBlueFirst: false);

    /// <summary>The shorter side that leaves as much of a margin as <see cref="ImageNet"/> does.</summary>
    public static int UsualShorterSide(int side) => (int)Math.Round((double)side * ImageNetShorterSide / ImageNetSide);
}

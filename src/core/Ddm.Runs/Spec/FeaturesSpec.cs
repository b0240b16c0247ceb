namespace Ddm.Runs;

/// <summary>The features of a run: what its images are clustered by.</summary>
public sealed record FeaturesSpec
{
    /// <summary><see cref="Encoder"/>: principal components of the pixels.</summary>
    public const string Pixels = "pixels";

    /// <summary><see cref="Encoder"/>: DINOv2 from published weights.</summary>
    public const string DinoV2 = "dinov2";

    /// <summary><see cref="Encoder"/>: an image encoder exported to ONNX.</summary>
    public const string Onnx = "onnx";

    /// <summary>Encoder name.</summary>
    public string Encoder { get; init; } = Pixels;

    /// <summary>Components that <see cref="Pixels"/> keeps.</summary>
    public int Dimensions { get; init; } = 64;

    /// <summary>The published encoder's file or folder, relative to the spec; null where the encoder needs none.</summary>
    public string? Weights { get; init; }

    /// <summary>Which of an image's tokens become its feature.</summary>
    public FeaturePooling Pooling { get; init; } = FeaturePooling.Cls;
}

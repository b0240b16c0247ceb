namespace Ddm.Runs;

/// <summary>The features of a run.</summary>
public sealed record FeaturesSpec
{
    /// <summary>Encoder name; <c>pixels</c>: principal components of the pixels.</summary>
    public string Encoder { get; init; } = "pixels";

    /// <summary>Components that <c>pixels</c> keeps.</summary>
    public int Dimensions { get; init; } = 64;
}

namespace Ddm.Training;

/// <summary>The key of an autoencoder's random streams, beside those of a run's roles.</summary>
internal static class VaeStreams
{
    /// <summary>A number that no role's <c>StreamKey</c> takes.</summary>
    public const uint Key = 0x8000_0002u;
}

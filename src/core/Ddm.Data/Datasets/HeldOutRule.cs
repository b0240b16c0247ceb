using System.Buffers.Binary;

namespace Ddm.Data;

/// <summary>
/// Which images are held out: decided by their group, so that pictures that belong together stand on one side, or, where a picture has none, by its content alone,
/// so that copies of it never stand on both sides.
/// </summary>
internal static class HeldOutRule
{
    /// <summary>Whether a picture is held out.</summary>
    /// <param name="image">The picture, for its group.</param>
    /// <param name="sha256">Of its pixels [C, H, W].</param>
    /// <param name="share">0 to 1.</param>
    public static bool IsHeldOut(RawImage image, ReadOnlySpan<byte> sha256, double share)
        => IsHeldOut(image.Group is null ? sha256 : PictureGroup.Hash(image.Group), share);

    /// <summary>Whether the first 8 bytes of the hash, read as a fraction of 2^64, fall below the share.</summary>
    /// <param name="sha256">Of the group (<see cref="PictureGroup.Hash"/>) or of the pixels [C, H, W].</param>
    /// <param name="share">0 to 1.</param>
    public static bool IsHeldOut(ReadOnlySpan<byte> sha256, double share)
        => BinaryPrimitives.ReadUInt64BigEndian(sha256) * Math.ScaleB(1.0, -64) < share;
}

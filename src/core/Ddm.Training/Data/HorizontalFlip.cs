using Ddm.Tensors;

namespace Ddm.Training;

/// <summary>
/// Mirrors training rows left to right by chance, half of them: a pure function of (seed, role, step, row of the global batch), so that a resumed
/// run and any micro-batch see the same pictures. The router sees them too, for x_t at inference may be of either kind; held-out rows are never mirrored.
/// </summary>
internal sealed class HorizontalFlip(long seed, uint role)
{
    private readonly Philox philox = Philox.Create(seed, role, RandomStreams.HorizontalFlip);

    /// <summary>Whether a row of a step is mirrored.</summary>
    public bool Falls(long step, int row) => philox.Uniform((ulong)step, (uint)row) < 0.5;

    /// <summary>Mirrors one picture in its place.</summary>
    /// <param name="pixels">[C, H, W] uint8.</param>
    /// <param name="width">W.</param>
    public static void Apply(Span<byte> pixels, int width)
    {
        for (var start = 0; start < pixels.Length; start += width)
        {
            pixels.Slice(start, width).Reverse();
        }
    }
}

using System.Runtime.CompilerServices;

namespace Ddm.Tensors;

/// <summary>
/// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). A number is a pure
/// function of its key and counter: nothing is kept between draws, so a stream resumes anywhere and does not depend on the device or on
/// how a batch is cut. Keyed here by (seed, role, stream), counted by (step, row, element).
/// </summary>
public readonly struct Philox
{
    private const uint M0 = 0xD2511F53, M1 = 0xCD9E8D57; // multipliers and Weyl constants of the paper, table 2
    private const uint W0 = 0x9E3779B9, W1 = 0xBB67AE85;
    private const float ToUnit = 1.0f / (1 << 23);

    private readonly uint key0;
    private readonly uint key1;

    private Philox(uint key0, uint key1)
    {
        this.key0 = key0;
        this.key1 = key1;
    }

    /// <summary>The generator of one purpose. The three numbers are mixed into the 64-bit key by one Philox block, so that near seeds give unrelated streams.</summary>
    /// <param name="seed">The run's or the image's seed.</param>
    /// <param name="role">Who draws: <c>Role.StreamKey</c>, or 0 where there is no role.</param>
    /// <param name="stream">What is drawn: see <see cref="RandomStreams"/>.</param>
    public static Philox Create(long seed, uint role, uint stream)
    {
        var mixed = Block((uint)seed, (uint)((ulong)seed >> 32), role, stream, 0x243F6A88, 0x85A308D3);
        return new Philox(mixed.X0, mixed.X1);
    }

    /// <summary>The four words at one counter.</summary>
    /// <param name="step">High half of the counter: the step.</param>
    /// <param name="row">Third word: the row of the global batch.</param>
    /// <param name="block">Lowest word: four elements a block.</param>
    public (uint X0, uint X1, uint X2, uint X3) Words(ulong step, uint row, uint block)
        => Block(block, row, (uint)step, (uint)(step >> 32), key0, key1);

    /// <summary>Uniform numbers in the open interval (0, 1), odd multiples of 2^-24, element i at index i.</summary>
    public void FillUniform(Span<float> destination, ulong step, uint row)
    {
        for (int i = 0, block = 0; i < destination.Length; i += 4, block++)
        {
            var w = Words(step, row, (uint)block);
            Put(destination, i, ToOpenUnit(w.X0), ToOpenUnit(w.X1), ToOpenUnit(w.X2), ToOpenUnit(w.X3));
        }
    }

    /// <summary>Standard normal numbers by Box and Muller's transform, element i at index i.</summary>
    public void FillNormal(Span<float> destination, ulong step, uint row)
    {
        for (int i = 0, block = 0; i < destination.Length; i += 4, block++)
        {
            var w = Words(step, row, (uint)block);
            var (a, b) = BoxMuller(w.X0, w.X1);
            var (c, d) = BoxMuller(w.X2, w.X3);
            Put(destination, i, a, b, c, d);
        }
    }

    /// <summary>One uniform number in (0, 1) with 52 bits, for decisions that need a fine grain.</summary>
    public double Uniform(ulong step, uint row, uint element = 0)
    {
        var w = Words(step, row, element);
        var bits = ((ulong)w.X0 << 20) | (w.X1 >> 12);
        return (bits + 0.5) * (1.0 / (1UL << 52));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static (uint X0, uint X1, uint X2, uint X3) Block(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (var round = 0; round < 10; round++)
        {
            var p0 = (ulong)M0 * c0;
            var p1 = (ulong)M1 * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += W0;
            k1 += W1;
        }

        return (c0, c1, c2, c3);
    }

    // 23 bits and a half fill the 24 of a float: no value rounds up to 1.
    private static float ToOpenUnit(uint word) => ((word >> 9) + 0.5f) * ToUnit;

    private static (float Cosine, float Sine) BoxMuller(uint first, uint second)
    {
        var radius = Math.Sqrt(-2 * PortableMath.Log(ToOpenUnit(first)));
        var (sine, cosine) = PortableMath.SinCosOfTurns(ToOpenUnit(second));
        return ((float)(radius * cosine), (float)(radius * sine));
    }

    private static void Put(Span<float> destination, int at, float a, float b, float c, float d)
    {
        destination[at] = a;
        if (at + 1 < destination.Length)
        {
            destination[at + 1] = b;
        }

        if (at + 2 < destination.Length)
        {
            destination[at + 2] = c;
        }

        if (at + 3 < destination.Length)
        {
            destination[at + 3] = d;
        }
    }
}

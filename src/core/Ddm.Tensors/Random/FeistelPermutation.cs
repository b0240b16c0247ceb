using System.Numerics;

namespace Ddm.Tensors;

/// <summary>
/// A pseudo-random bijection on [0, size) that is computed, not stored: an alternating Feistel network on the next power of two, whose round
/// function is Philox, walked along its cycle until it is back in range (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002).
/// At most two evaluations on average.
/// </summary>
public readonly struct FeistelPermutation
{
    private const uint Rounds = 8; // even, so that the two halves end at their own widths

    private readonly Philox philox;
    private readonly ulong epoch;
    private readonly uint part;
    private readonly int lowBits;
    private readonly int highBits;

    /// <summary>The permutation of one purpose.</summary>
    /// <param name="size">Elements; at least 1.</param>
    /// <param name="philox">Its generator, keyed (seed, role, stream).</param>
    /// <param name="epoch">Which of the purpose's permutations: another epoch, another order.</param>
    /// <param name="part">Which part of the epoch, below 2^28: a window, or 0.</param>
    public FeistelPermutation(long size, Philox philox, ulong epoch = 0, uint part = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, 1L << 62);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(part, 1u << 28);
        Size = size;
        this.philox = philox;
        this.epoch = epoch;
        this.part = part;
        var bits = 64 - BitOperations.LeadingZeroCount((ulong)(size - 1));
        highBits = bits / 2;
        lowBits = bits - highBits;
    }

    /// <summary>Elements.</summary>
    public long Size { get; }

    /// <summary>Where <paramref name="index"/> goes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is not in [0, size).</exception>
    public long this[long index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Size);
            var value = (ulong)index;
            do
            {
                value = Encrypt(value);
            }
            while (value >= (ulong)Size);

            return (long)value;
        }
    }

    // (L, R) -> (R, L xor F(R)); the halves swap widths every round.
    private ulong Encrypt(ulong value)
    {
        var (left, leftBits) = (value >> lowBits, highBits);
        var (right, rightBits) = (value & Mask(lowBits), lowBits);
        for (uint round = 0; round < Rounds; round++)
        {
            var next = left ^ (philox.Words(epoch, (part * 16) + round, (uint)right).X0 & Mask(leftBits));
            (left, leftBits, right, rightBits) = (right, rightBits, next, leftBits);
        }

        return (left << rightBits) | right;
    }

    private static ulong Mask(int bits) => (1UL << bits) - 1;
}

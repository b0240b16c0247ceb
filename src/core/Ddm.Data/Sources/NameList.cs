using System.Runtime.CompilerServices;

namespace Ddm.Data;

/// <summary>
/// Names as UTF-8, one after the other in blocks of bytes, to be read by number. A name costs its bytes, two for its length and half a byte for
/// its place: a million of them are not a million objects.
/// </summary>
internal sealed class NameList
{
    /// <summary>Longest name, bytes: what a path may have on most systems.</summary>
    public const int MostBytes = 4096;

    private const int BlockBytes = 1 << 20, Stride = 16, LengthBytes = sizeof(ushort);

    private readonly List<byte[]> blocks = [];
    private readonly List<long> places = []; // of every 16th name: block << 32 | byte
    private int used = BlockBytes;

    /// <summary>Names held.</summary>
    public int Count { get; private set; }

    /// <summary>Name number <paramref name="index"/>, UTF-8.</summary>
    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count);
            var place = places[index / Stride];
            var (block, at) = ((int)(place >> 32), (int)place);
            for (var skip = index % Stride; ; skip--)
            {
                // A block ends where no length fits, or with a length of zero: no name is empty.
                while (at + LengthBytes > BlockBytes || LengthAt(block, at) == 0)
                {
                    (block, at) = (block + 1, 0);
                }

                if (skip == 0)
                {
                    return blocks[block].AsSpan(at + LengthBytes, LengthAt(block, at));
                }

                at += LengthBytes + LengthAt(block, at);
            }
        }
    }

    /// <summary>Appends a name of 1 to <see cref="MostBytes"/> bytes.</summary>
    public void Add(ReadOnlySpan<byte> name)
    {
        ArgumentOutOfRangeException.ThrowIfZero(name.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, MostBytes);
        if (used + LengthBytes + name.Length > BlockBytes)
        {
            blocks.Add(new byte[BlockBytes]);
            used = 0;
        }

        if (Count % Stride == 0)
        {
            places.Add(((long)(blocks.Count - 1) << 32) | (uint)used);
        }

        Unsafe.WriteUnaligned(ref blocks[^1][used], (ushort)name.Length);
        name.CopyTo(blocks[^1].AsSpan(used + LengthBytes));
        used += LengthBytes + name.Length;
        Count++;
    }

    private int LengthAt(int block, int at) => Unsafe.ReadUnaligned<ushort>(ref blocks[block][at]);
}

using System.Formats.Tar;
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Ddm.Data;

/// <summary>
/// Looks at a tar's next headers before TarReader does, which checks no sums and takes whatever memory a header's extension claims (POSIX pax <c>x</c>
/// and <c>g</c>, GNU long names <c>L</c> and <c>K</c>).
/// </summary>
internal static class TarHeaders
{
    private const int Block = 512, SizeAt = 124, SumAt = 148, TypeAt = 156;
    private const long MostExtensionBytes = 1 << 20;

    /// <summary>Checks the headers that stand at a place, up to the member's own.</summary>
    /// <exception cref="InvalidDataException">A sum is wrong, or an extension too long.</exception>
    public static void Check(SafeFileHandle file, long at)
    {
        Span<byte> header = stackalloc byte[Block];
        while (RandomAccess.Read(file, header, at) == Block && header.ContainsAnyExcept((byte)0))
        {
            if (Octal(header.Slice(SumAt, 8)) != Sum(header))
            {
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"The header at byte {at} does not have its checksum."));
            }

            if (header[TypeAt] is not ((byte)'x' or (byte)'g' or (byte)'L' or (byte)'K'))
            {
                return;
            }

            var size = Octal(header.Slice(SizeAt, 12));
            if (size is < 0 or > MostExtensionBytes)
            {
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"The header at byte {at} claims {size:N0} bytes of names and attributes."));
            }

            at += Block + RoundUp(size);
        }
    }

    /// <summary>Where the header behind a member stands; -1 where that is not known from the member.</summary>
    public static long Behind(TarEntry entry)
        => entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile && entry.DataOffset > 0 ? entry.DataOffset + RoundUp(entry.Length) : -1;

    private static long RoundUp(long size) => (size + Block - 1) / Block * Block;

    // The sum of all bytes, those of the sum itself counted as spaces.
    private static long Sum(ReadOnlySpan<byte> header)
    {
        var sum = 8L * ' ';
        for (var i = 0; i < header.Length; i++)
        {
            sum += i is >= SumAt and < SumAt + 8 ? 0 : header[i];
        }

        return sum;
    }

    // Digits up to a space or zero; -1 for what is none, also for GNU's binary numbers, which only sizes from 8 GiB need.
    private static long Octal(ReadOnlySpan<byte> field)
    {
        field = field.TrimStart((byte)' ');
        var end = field.IndexOfAny((byte)0, (byte)' ');
        field = end < 0 ? field : field[..end];
        var value = 0L;
        foreach (var digit in field)
        {
            if (digit is < (byte)'0' or > (byte)'7')
            {
                return -1;
            }

            value = (8 * value) + (digit - '0');
        }

        return value;
    }
}

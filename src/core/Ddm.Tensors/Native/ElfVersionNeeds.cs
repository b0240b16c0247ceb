using System.Buffers.Binary;
using System.Text;

namespace Ddm.Tensors;

/// <summary>The symbol versions that an ELF64 library needs (section <c>.gnu.version_r</c>; System V ABI, LSB 10.7.2).</summary>
internal static class ElfVersionNeeds
{
    private const uint SectionIsVersionNeeds = 0x6ffffffe; // SHT_GNU_verneed
    private const byte FlagWeak = 2; // VER_FLG_WEAK: the loader warns instead of failing

    /// <summary>Marks the need of <paramref name="version"/> weak, in place.</summary>
    /// <returns>True when the image is a little-endian ELF64 that needs this version.</returns>
    public static bool MarkWeak(Span<byte> image, string version)
    {
        if (image.Length < 64 || U32(image, 0) != 0x464C457F || image[4] != 2 || image[5] != 1)
        {
            return false;
        }

        var sections = (int)U64(image, 0x28);
        int size = U16(image, 0x3A), count = U16(image, 0x3C);
        var found = false;
        for (var i = 0; i < count; i++)
        {
            var section = sections + (i * size);
            if (U32(image, section + 4) == SectionIsVersionNeeds)
            {
                var names = (int)U64(image, sections + ((int)U32(image, section + 0x28) * size) + 0x18);
                found |= MarkWeak(image, (int)U64(image, section + 0x18), names, version);
            }
        }

        return found;
    }

    // A chain of Verneed (one a library), each with a chain of Vernaux (one a version); both link by relative offsets, 0 ends.
    private static bool MarkWeak(Span<byte> image, int need, int names, string version)
    {
        var found = false;
        while (true)
        {
            var entry = need + (int)U32(image, need + 8);
            for (int left = U16(image, need + 2); left > 0; left--)
            {
                if (NameAt(image, names + (int)U32(image, entry + 8)) == version)
                {
                    image[entry + 4] |= FlagWeak;
                    found = true;
                }

                entry += (int)U32(image, entry + 12);
            }

            var next = (int)U32(image, need + 12);
            if (next == 0)
            {
                return found;
            }

            need += next;
        }
    }

    private static string NameAt(Span<byte> image, int offset)
    {
        var name = image[offset..];
        return Encoding.ASCII.GetString(name[..name.IndexOf((byte)0)]);
    }

    private static ulong U64(Span<byte> image, int at) => BinaryPrimitives.ReadUInt64LittleEndian(image[at..]);

    private static uint U32(Span<byte> image, int at) => BinaryPrimitives.ReadUInt32LittleEndian(image[at..]);

    private static ushort U16(Span<byte> image, int at) => BinaryPrimitives.ReadUInt16LittleEndian(image[at..]);
}

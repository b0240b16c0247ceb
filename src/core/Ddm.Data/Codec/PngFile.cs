using System.Buffers.Binary;
using System.IO.Compression;

namespace Ddm.Data;

/// <summary>
/// The PNGs of shards (W3C PNG, third edition): 8 bits, grey or RGB, not interlaced. libvips' pipelines cost some 0.5 ms an image whatever its size;
/// on shards of small images that was most of the time, and a shard's bytes would have hung on libvips' version.
/// </summary>
internal static class PngFile
{
    private const int HeaderLength = 13;

    private static readonly byte[] Signature = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];
    private static readonly uint[] CrcTable = MakeCrcTable();

    /// <summary>Writes [H, W, C] pixels; the same pixels give the same bytes.</summary>
    public static byte[] Encode(byte[] pixels, int width, int height, int channels)
    {
        using var file = new MemoryStream(pixels.Length / 2 + 128);
        file.Write(Signature);
        Span<byte> header = stackalloc byte[HeaderLength];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        header[8] = 8; // bits
        header[9] = (byte)(channels == 1 ? 0 : 2); // grey or RGB
        header[10..].Clear(); // deflate, the five filters, no interlace
        WriteChunk(file, "IHDR"u8, header);
        WriteChunk(file, "IDAT"u8, Deflate(PngFilters.Apply(pixels, width * channels, height, channels)));
        WriteChunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    /// <summary>Reads such a file.</summary>
    /// <exception cref="BadImageException">Another kind of PNG, or a damaged one.</exception>
    public static PixelImage Decode(ReadOnlySpan<byte> file)
    {
        if (!file.StartsWith(Signature))
        {
            throw new BadImageException("no PNG");
        }

        using var packed = new MemoryStream(file.Length);
        var header = Chunks(file[Signature.Length..], packed);
        var (width, height) = (BinaryPrimitives.ReadInt32BigEndian(header), BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4)));
        var channels = header[9] switch { 0 => 1, 2 => 3, _ => 0 };
        if (channels == 0 || header[8] != 8 || header[10] != 0 || header[11] != 0 || header[12] != 0
            || width < 1 || height < 1 || (long)width * height > ImageCodec.MaxPixels)
        {
            throw new BadImageException($"a PNG of {width} x {height}, {header[8]} bits, type {header[9]}: shards hold 8-bit grey or RGB without interlace");
        }

        packed.Position = 0;
        var filtered = Inflate(packed, height * (1 + (long)width * channels));
        return new PixelImage(width, height, channels, PngFilters.Undo(filtered, width * channels, height, channels));
    }

    // Collects the data of all IDAT chunks and returns the header's.
    private static byte[] Chunks(ReadOnlySpan<byte> rest, MemoryStream data)
    {
        byte[]? header = null;
        while (rest.Length >= 12)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(rest);
            if (length < 0 || length > rest.Length - 12)
            {
                break;
            }

            var name = rest.Slice(4, 4);
            var content = rest.Slice(8, length);
            if (Crc(rest.Slice(4, 4 + length)) != BinaryPrimitives.ReadUInt32BigEndian(rest[(8 + length)..]))
            {
                throw new BadImageException("a damaged PNG: a checksum does not match");
            }

            if (name.SequenceEqual("IHDR"u8) && length == HeaderLength)
            {
                header = content.ToArray();
            }
            else if (name.SequenceEqual("IDAT"u8))
            {
                data.Write(content);
            }
            else if (name.SequenceEqual("IEND"u8) && header is not null)
            {
                return header;
            }

            rest = rest[(12 + length)..];
        }

        throw new BadImageException("a PNG that was cut short");
    }

    private static byte[] Deflate(byte[] filtered)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            zlib.Write(filtered);
        }

        return packed.ToArray();
    }

    private static byte[] Inflate(Stream packed, long length)
    {
        var filtered = new byte[length];
        try
        {
            using var zlib = new ZLibStream(packed, CompressionMode.Decompress);
            zlib.ReadExactly(filtered);
            return zlib.ReadByte() < 0 ? filtered : throw new BadImageException("a PNG with more data than pixels");
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw new BadImageException("a damaged PNG: " + error.Message, error);
        }
    }

    private static void WriteChunk(MemoryStream file, ReadOnlySpan<byte> name, ReadOnlySpan<byte> content)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        file.Write(number);
        var start = (int)file.Length;
        file.Write(name);
        file.Write(content);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc(file.GetBuffer().AsSpan(start, name.Length + content.Length)));
        file.Write(number);
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc = CrcTable[(byte)(crc ^ value)] ^ (crc >> 8);
        }

        return ~crc;
    }

    private static uint[] MakeCrcTable()
    {
        var table = new uint[256];
        for (var i = 0u; i < table.Length; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
            }

            table[i] = crc;
        }

        return table;
    }
}

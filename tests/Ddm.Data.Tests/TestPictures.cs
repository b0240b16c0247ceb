using System.Buffers.Binary;
using System.IO.Compression;
using NetVips;

namespace Ddm.Data.Tests;

/// <summary>Real picture files of every kind that the decode rules speak of.</summary>
internal static class TestPictures
{
    /// <summary>A picture of one colour.</summary>
    public static Image Flat(int width, int height, Enums.Interpretation interpretation, params double[] colour)
    {
        var format = interpretation is Enums.Interpretation.Rgb16 or Enums.Interpretation.Grey16 ? Enums.BandFormat.Ushort : Enums.BandFormat.Uchar;
        using var black = Image.Black(width, height, bands: colour.Length);
        using var coloured = black + colour;
        using var cast = coloured.Cast(format);
        return cast.Copy(interpretation: interpretation);
    }

    /// <summary>Red, green, blue and white quarters, in reading order, each <paramref name="side"/> pixels wide.</summary>
    public static Image Quarters(int side)
    {
        using var red = Flat(side, side, Enums.Interpretation.Srgb, 255, 0, 0);
        using var green = Flat(side, side, Enums.Interpretation.Srgb, 0, 255, 0);
        using var blue = Flat(side, side, Enums.Interpretation.Srgb, 0, 0, 255);
        using var white = Flat(side, side, Enums.Interpretation.Srgb, 255, 255, 255);
        return Image.Arrayjoin([red, green, blue, white], across: 2);
    }

    /// <summary>Colour of a pixel of [3, size, size].</summary>
    public static (int R, int G, int B) At(byte[] planes, int size, int x, int y)
        => (planes[y * size + x], planes[(size + y) * size + x], planes[(2 * size + y) * size + x]);

    /// <summary>A PNG of raw rows (each with its filter byte), with other chunks between header and data.</summary>
    public static byte[] Png(int width, int height, byte bits, byte type, byte[] rows, params (string Name, byte[] Content)[] chunks)
    {
        using var file = new MemoryStream();
        file.Write([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (bits, type);
        Chunk(file, "IHDR", header);
        foreach (var (name, content) in chunks)
        {
            Chunk(file, name, content);
        }

        Chunk(file, "IDAT", Deflate(rows));
        Chunk(file, "IEND", []);
        return file.ToArray();
    }

    /// <summary>A flat PNG of any size, made without its pixels in memory: 1 bit a pixel, all black.</summary>
    public static byte[] FlatPng(int width, int height)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            var row = new byte[1 + (width + 7) / 8];
            for (var y = 0; y < height; y++)
            {
                zlib.Write(row);
            }
        }

        var png = Png(width, height, 1, 0, []);
        var dataAt = 8 + 12 + 13;
        using var file = new MemoryStream();
        file.Write(png.AsSpan(0, dataAt));
        Chunk(file, "IDAT", packed.ToArray());
        Chunk(file, "IEND", []);
        return file.ToArray();
    }

    /// <summary><paramref name="length"/> zeros, deflated.</summary>
    public static byte[] DeflatedZeros(long length)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            var block = new byte[1 << 20];
            for (var written = 0L; written < length; written += block.Length)
            {
                zlib.Write(block);
            }
        }

        return packed.ToArray();
    }

    /// <summary>A JPEG without its Adobe segment (APP14), which says among other things that CMYK values are stored inverted.</summary>
    public static byte[] WithoutAdobeSegment(byte[] jpeg)
    {
        for (var at = 2; at + 4 < jpeg.Length && jpeg[at] == 0xFF && jpeg[at + 1] != 0xDA;)
        {
            var length = 2 + BinaryPrimitives.ReadUInt16BigEndian(jpeg.AsSpan(at + 2));
            if (jpeg[at + 1] == 0xEE)
            {
                return [.. jpeg[..at], .. jpeg[(at + length)..]];
            }

            at += length;
        }

        throw new ArgumentException("no Adobe segment", nameof(jpeg));
    }

    /// <summary>Whether a file holds these bytes: proof that a made file is of the kind that a test is about.</summary>
    public static bool Holds(byte[] file, ReadOnlySpan<byte> marker) => file.AsSpan().IndexOf(marker) >= 0;

    private static void Chunk(MemoryStream file, string name, byte[] content)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        file.Write(number);
        byte[] body = [.. System.Text.Encoding.ASCII.GetBytes(name), .. content];
        file.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32(body));
        file.Write(number);
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
            }
        }

        return ~crc;
    }

    private static byte[] Deflate(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            zlib.Write(bytes);
        }

        return packed.ToArray();
    }
}

using System.Buffers.Binary;
using System.IO.Compression;

namespace Ddm.Data.Tests;

/// <summary>A temporary folder with writers of small data sets.</summary>
internal sealed class TestFolder : IDisposable
{
    public TestFolder() => Path = Directory.CreateTempSubdirectory("ddm-data-").FullName;

    public string Path { get; }

    public string Combine(string name) => System.IO.Path.Combine(Path, name);

    public string Write(string name, byte[] bytes)
    {
        var path = Combine(name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>IDX images and labels; image i is filled from a generator that only i decides.</summary>
    public void WriteIdx(int count, int side, int classes = 3, bool gzip = false, int first = 0)
    {
        var images = new byte[count * side * side];
        for (var i = 0; i < count; i++)
        {
            Picture(i + first, side).CopyTo(images, i * side * side);
        }

        var suffix = gzip ? ".gz" : "";
        Write("train-images-idx3-ubyte" + suffix, Pack(Idx(images, count, side, side), gzip));
        Write("train-labels-idx1-ubyte" + suffix, Pack(Idx([.. Enumerable.Range(0, count).Select(i => (byte)(i % classes))], count), gzip));
    }

    public static byte[] Picture(int index, int side)
    {
        var pixels = new byte[side * side];
        for (var p = 0; p < pixels.Length; p++)
        {
            pixels[p] = (byte)((index * 7919 + p * (index % 13 + 1) * 31) % 251);
        }

        return pixels;
    }

    public static byte[] Idx(byte[] data, params int[] dimensions)
    {
        var file = new byte[4 + 4 * dimensions.Length + data.Length];
        file[2] = 8;
        file[3] = (byte)dimensions.Length;
        for (var i = 0; i < dimensions.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4 + 4 * i), dimensions[i]);
        }

        data.CopyTo(file, 4 + 4 * dimensions.Length);
        return file;
    }

    public static byte[] Pack(byte[] bytes, bool gzip)
    {
        if (!gzip)
        {
            return bytes;
        }

        using var packed = new MemoryStream();
        using (var stream = new GZipStream(packed, CompressionLevel.Fastest))
        {
            stream.Write(bytes);
        }

        return packed.ToArray();
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

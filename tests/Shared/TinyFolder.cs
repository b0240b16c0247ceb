using System.Buffers.Binary;
using Ddm.Tensors;

namespace Ddm.Tests;

/// <summary>A spec and its data small enough for a whole run in a test: 240 grey 8x8 images of two kinds, K = 2, networks of 32.</summary>
internal sealed class TinyFolder : IDisposable
{
    public const string RunName = "tiny";
    public const int Rows = 240;
    public const int Side = 8;

    /// <param name="spec">The spec; null: <see cref="DefaultSpec"/>.</param>
    /// <param name="rows">Pictures; fewer than <see cref="Rows"/> where each costs.</param>
    public TinyFolder(string? spec = null, int rows = Rows)
    {
        Folder = Directory.CreateTempSubdirectory("ddm-test-").FullName;
        Home = Path.Combine(Folder, "home");
        SpecFile = Path.Combine(Folder, "tiny.yaml");
        SpecText = spec ?? DefaultSpec;
        Directory.CreateDirectory(Path.Combine(Folder, "pictures"));
        WritePictures(Path.Combine(Folder, "pictures"), rows);
        File.WriteAllText(SpecFile, SpecText);
    }

    public static string DefaultSpec => """
        name: tiny
        seed: 7
        data: { source: pictures, image_size: 8, channels: 1, shard_rows: 100, held_out: 0.1 }
        partition: { experts: 2, fine: 4 }
        model: { hidden: 32, depth: 1, heads: 2, patch: 4 }
        experts: { steps: 12, batch: 16, learning_rate: 1e-3 }
        router: { network: { hidden: 32, depth: 1, heads: 2, patch: 4 }, steps: 8, batch: 16, learning_rate: 1e-3 }
        sampling: { steps: 2 }
        execution: { threads: 1, slice_seconds: 0.01 }
        """;

    public string Folder { get; }

    public string Home { get; }

    public string SpecFile { get; }

    public string SpecText { get; }

    /// <summary>The folder that the spec's <c>data.source</c> names.</summary>
    public string Pictures => Path.Combine(Folder, "pictures");

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    // Even rows are bright on the left, odd rows on the top; each with its own noise, so that none is the same.
    public static byte[] Picture(int row)
    {
        Span<float> noise = stackalloc float[Side * Side];
        Philox.Create(1, 0, 0).FillUniform(noise, (ulong)row, 0);
        var pixels = new byte[Side * Side];
        for (var i = 0; i < noise.Length; i++)
        {
            var bright = row % 2 == 0 ? i % Side < Side / 2 : i / Side < Side / 2;
            pixels[i] = (byte)((bright ? 180 : 20) + (50 * noise[i]));
        }

        return pixels;
    }

    private static void WritePictures(string folder, int rows)
    {
        var images = new byte[16 + (rows * Side * Side)];
        var labels = new byte[8 + rows];
        WriteHeader(images, 0x0803, rows, Side, Side);
        WriteHeader(labels, 0x0801, rows);
        for (var row = 0; row < rows; row++)
        {
            labels[8 + row] = (byte)(row % 2);
            Picture(row).CopyTo(images, 16 + (row * Side * Side));
        }

        File.WriteAllBytes(Path.Combine(folder, "images-idx3-ubyte"), images);
        File.WriteAllBytes(Path.Combine(folder, "labels-idx1-ubyte"), labels);
    }

    private static void WriteHeader(byte[] file, int magic, params int[] sizes)
    {
        BinaryPrimitives.WriteInt32BigEndian(file, magic);
        for (var i = 0; i < sizes.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4 + (4 * i)), sizes[i]);
        }
    }
}

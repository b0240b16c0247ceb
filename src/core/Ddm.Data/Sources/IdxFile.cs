using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using Ddm.Runs;

namespace Ddm.Data;

/// <summary>
/// An IDX file of unsigned bytes, plain or gzip: the format of MNIST (LeCun, Cortes, Burges). Two zero bytes, a type byte (8: unsigned
/// byte), the number of dimensions, each dimension as a big-endian 32-bit number, then the data, last dimension fastest.
/// </summary>
internal sealed record IdxFile(string Path, int[] Dimensions, byte[] Bytes, int DataStart)
{
    private const byte UnsignedByte = 0x08;

    /// <summary>The elements.</summary>
    public ReadOnlySpan<byte> Data => Bytes.AsSpan(DataStart);

    /// <summary>Reads and checks a file.</summary>
    /// <param name="path">The file; read through gzip if its first bytes say so.</param>
    /// <param name="dimensions">How many dimensions it must have: 3 for images, 1 for labels.</param>
    /// <exception cref="UserErrorException">Anything else than such a file; the text says what and what to do.</exception>
    public static IdxFile Read(string path, int dimensions)
    {
        var bytes = ReadBytes(path);
        if (bytes.Length < 4)
        {
            throw Bad(path, $"has {bytes.Length} bytes, an IDX header alone has more", "Fetch the file again.");
        }

        if (bytes[0] != 0 || bytes[1] != 0)
        {
            throw Bad(path, $"starts with the bytes {Convert.ToHexString(bytes, 0, 4)}, not 0000", "Give an IDX file (as MNIST's), plain or gzip, " +
                "or a folder of pictures.");
        }

        if (bytes[2] != UnsignedByte)
        {
            throw Bad(path, $"holds elements of type 0x{bytes[2]:X2}", "Only unsigned bytes (type 0x08) are read: convert the file.");
        }

        if (bytes[3] != dimensions)
        {
            var kind = bytes[3] == 1 ? " (a file of labels?)" : "";
            throw Bad(path, $"has {bytes[3]} dimensions{kind}, {dimensions} were expected", dimensions == 1
                ? "Labels are one number an image."
                : "Images are count x height x width: point data.source to the images file, its labels are found beside it.");
        }

        return Check(path, bytes, dimensions);
    }

    private static IdxFile Check(string path, byte[] bytes, int dimensions)
    {
        var start = 4 + 4 * dimensions;
        if (bytes.Length < start)
        {
            throw Bad(path, "ends inside its header", "Fetch the file again.");
        }

        var sizes = new int[dimensions];
        var product = 1L;
        for (var i = 0; i < dimensions; i++)
        {
            var size = BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(4 + 4 * i));
            product = size > int.MaxValue || product > long.MaxValue / Math.Max(size, 1) ? -1 : product * size;
            if (product < 1)
            {
                throw Bad(path, $"declares {size} elements in dimension {i + 1}", "Fetch the file again.");
            }

            sizes[i] = (int)size;
        }

        var held = bytes.Length - start;
        return held == product
            ? new IdxFile(path, sizes, bytes, start)
            : throw Bad(path, string.Create(CultureInfo.InvariantCulture, $"declares {product} elements ({string.Join(" x ", sizes)}) and holds {held}"),
                held < product ? "It is cut short: fetch it again." : "It has been written over a longer file: fetch it again.");
    }

    private static byte[] ReadBytes(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            Span<byte> magic = stackalloc byte[2];
            var isGzip = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false) == 2 && magic[0] == 0x1F && magic[1] == 0x8B;
            file.Position = 0;
            if (!isGzip && file.Length > Array.MaxLength)
            {
                throw TooLong(path);
            }

            using var gzip = isGzip ? new GZipStream(file, CompressionMode.Decompress) : null;
            using var content = new MemoryStream(isGzip ? 0 : (int)file.Length);
            ((Stream?)gzip ?? file).CopyTo(content);
            return content.ToArray();
        }
        catch (InvalidDataException error)
        {
            throw new UserErrorException($"'{path}' is a damaged gzip file ({error.Message}). Fetch it again.", error);
        }
        catch (IOException error) when (error.Message.Contains("too long", StringComparison.OrdinalIgnoreCase))
        {
            throw TooLong(path); // what MemoryStream says past 2 GiB
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"'{path}' cannot be read: {error.Message}", error);
        }
    }

    private static UserErrorException TooLong(string path)
        => Bad(path, "holds more than 2 GiB", "Split it, or keep the pictures as files in class folders.");

    private static UserErrorException Bad(string path, string what, string remedy) => new($"'{path}' {what}. {remedy}");
}

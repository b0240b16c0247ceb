using Ddm.Encoders;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Copies published weights to files, verified, tensor for tensor.</summary>
internal sealed class WeightsCopy(IBlobStore blobs)
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Reads a blob's header.</summary>
    /// <exception cref="CheckpointException">It is missing.</exception>
    public async Task<SafetensorsHeader> HeaderAsync(string blob, CancellationToken cancellationToken)
    {
        await using var source = await OpenAsync(blob, cancellationToken);
        return SafetensorsHeader.Parse(source);
    }

    /// <summary>Writes a blob to a file.</summary>
    /// <param name="blob">Its name.</param>
    /// <param name="sha256">Its hash.</param>
    /// <param name="file">The new file, on disk when this returns.</param>
    /// <param name="text">Free text that the header is to have besides its own; null: the file is the blob, byte for byte.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="CheckpointException">The blob is missing or damaged.</exception>
    public async Task WriteAsync(string blob, string sha256, string file, (string Key, string Value)? text, CancellationToken cancellationToken)
    {
        await using var source = await OpenAsync(blob, cancellationToken);
        await using var target = new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        if (text is null)
        {
            await HashedCopy.CopyAsync(source, target, sha256, blob, cancellationToken);
        }
        else
        {
            await HashedCopy.CopyAsync(source, Stream.Null, sha256, blob, cancellationToken);
            source.Position = 0;
            Write(source, target, text.Value, cancellationToken);
        }

        target.Flush(flushToDisk: true);
    }

    private static void Write(Stream source, Stream target, (string Key, string Value) text, CancellationToken cancellationToken)
    {
        var header = SafetensorsHeader.Parse(source);
        var buffer = new byte[BufferBytes];
        SafetensorsWriter.Write(
            target,
            [.. header.Tensors.Select(tensor => (tensor.Name, tensor.DType, tensor.Shape))],
            With(header.Metadata, text.Key, text.Value),
            (i, data) => Copy(source, data, header.Tensors[i].Length, buffer, cancellationToken));
    }

    // A config that is replaced is kept beside the new one: so an import gives the bytes that were exported.
    private static Dictionary<string, string> With(IReadOnlyDictionary<string, string> metadata, string key, string value)
    {
        var written = new Dictionary<string, string>(metadata) { [key] = value };
        written.Remove(SafetensorsSeal.Key); // of another header
        if (key == WeightFile.ConfigKey)
        {
            written[WeightFile.OriginalConfigKey] = metadata.GetValueOrDefault(key, "");
        }

        return written;
    }

    private static void Copy(Stream source, Stream target, long length, byte[] buffer, CancellationToken cancellationToken)
    {
        for (var left = length; left > 0;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var piece = buffer.AsSpan(0, (int)Math.Min(left, buffer.Length));
            source.ReadExactly(piece);
            target.Write(piece);
            left -= piece.Length;
        }
    }

    private async Task<Stream> OpenAsync(string blob, CancellationToken cancellationToken)
        => await blobs.OpenReadAsync(blob, cancellationToken) ?? throw new CheckpointException($"{blob} is missing.");
}

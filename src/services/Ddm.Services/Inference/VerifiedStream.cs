using System.Security.Cryptography;

namespace Ddm.Services;

/// <summary>A blob that is read from front to back and hashed on the way: what was read of it is good once <see cref="Require"/> has passed.</summary>
/// <param name="source">The blob, at its beginning. Disposed with this.</param>
internal sealed class VerifiedStream(Stream source) : Stream
{
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => source.Length;

    /// <inheritdoc/>
    public override long Position
    {
        get => source.Position;
        set => throw new NotSupportedException("It is read from front to back.");
    }

    /// <summary>Reads what is left, and refuses a blob that is not the one it should be.</summary>
    /// <param name="sha256">What its SHA-256 must be.</param>
    /// <param name="name">Its name, for the message.</param>
    /// <exception cref="Ddm.Storage.CheckpointException">It has another.</exception>
    public void Require(string sha256, string name)
    {
        CopyTo(Null);
        HashedCopy.Require(Convert.ToHexStringLower(hash.GetHashAndReset()), sha256, name);
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        var read = source.Read(buffer);
        hash.AppendData(buffer[..read]);
        return read;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
        // nothing is written
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("It is read from front to back.");

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException("It is read only.");

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("It is read only.");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            hash.Dispose();
            source.Dispose();
        }

        base.Dispose(disposing);
    }
}

using System.Security.Cryptography;

namespace Ddm.Storage;

/// <summary>
/// Passes writes on and hashes them on the way, large ones on a second thread meanwhile, so that no second pass over gigabytes is needed. Does not own
/// the stream below.
/// </summary>
/// <param name="below">Where the bytes go.</param>
internal sealed class HashingStream(Stream below) : Stream
{
    // From here on another thread costs less than it saves.
    private const int LargeWrite = 1 << 18;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _length;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _length;

    public override long Position
    {
        get => _length;
        set => throw new NotSupportedException();
    }

    /// <summary>SHA-256 of everything written, lower-case hex.</summary>
    public string Sha256 => Convert.ToHexStringLower(_hash.GetCurrentHash());

    /// <summary>Reads a stream to its end through a large buffer.</summary>
    public static async Task<(long Length, string Sha256)> HashAsync(Stream stream, CancellationToken cancellationToken)
    {
        await using var hashing = new HashingStream(Null);
        await stream.CopyToAsync(hashing, bufferSize: 1 << 20, cancellationToken);
        return (hashing.Length, hashing.Sha256);
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (buffer.Length < LargeWrite)
        {
            below.Write(buffer);
            Count(buffer);
            return;
        }

        WriteLarge(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await below.WriteAsync(buffer, cancellationToken);
        Count(buffer.Span);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() => below.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => below.FlushAsync(cancellationToken);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private unsafe void WriteLarge(ReadOnlySpan<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            var (address, length) = ((nint)start, buffer.Length);
            var hashing = Task.Run(() => Count(new ReadOnlySpan<byte>((void*)address, length)));
            try
            {
                below.Write(buffer);
            }
            finally
            {
                hashing.Wait(); // the bytes are the caller's again once this returns, also when the write failed
            }
        }
    }

    private void Count(ReadOnlySpan<byte> written)
    {
        _hash.AppendData(written);
        _length += written.Length;
    }
}

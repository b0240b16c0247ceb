using System.Net.Http.Headers;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;

namespace Ddm.Storage;

/// <summary>
/// A blob read in pieces, the next ones fetched while one is used. Every piece is asked for under the ETag of the first, so that bytes of two contents are
/// never mixed: where the blob was replaced or deleted meanwhile the read fails. A blob of one piece was read whole when it was opened.
/// </summary>
internal sealed class AzureReadStream : Stream
{
    /// <summary>Bytes of a piece.</summary>
    public const int PieceSize = 4 << 20;

    private const int Ahead = 3;

    private readonly AzureRequests _requests;
    private readonly BlobClient _blob;
    private readonly string _name;
    private readonly ETag _etag;
    private readonly CancellationTokenSource _closed = new();

    // Pieces that follow on the one in use, in order.
    private readonly Queue<Task<byte[]>> _next = new();
    private byte[] _piece;
    private long _pieceStart;
    private long _position;

    private AzureReadStream(AzureRequests requests, BlobClient blob, string name, ETag etag, long length, byte[] first)
    {
        (_requests, _blob, _name, _etag, Length, _piece) = (requests, blob, name, etag, length, first);
    }

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length { get; }

    public override long Position
    {
        get => _position;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _position = value;
        }
    }

    /// <summary>Opens a blob; null when there is none.</summary>
    public static async Task<Stream?> OpenAsync(AzureRequests requests, BlobClient blob, string name, CancellationToken cancellationToken)
    {
        var first = await requests.SendAsync($"read {name}", token => FetchAsync(blob, 0, null, token), IsNoPiece, cancellationToken);
        if (first is null)
        {
            // A range of an empty blob is refused too.
            var whole = await requests.SendAsync($"read {name}", token => blob.DownloadContentAsync(token), AzureBlobStore.IsAbsent, cancellationToken);
            return whole is null ? null : new MemoryStream(whole.Value.Content.ToArray(), writable: false);
        }

        return first.Bytes.Length == first.BlobLength
            ? new MemoryStream(first.Bytes, writable: false)
            : new AzureReadStream(requests, blob, name, first.ETag, first.BlobLength, first.Bytes);
    }

    public override int Read(Span<byte> buffer)
    {
        if (!IsInPiece && _position < Length)
        {
            AdvanceAsync().GetAwaiter().GetResult();
        }

        return Copy(buffer);
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!IsInPiece && _position < Length)
        {
            await AdvanceAsync().WaitAsync(cancellationToken);
        }

        return Copy(buffer.Span);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => Length + offset,
    };

    public override void Flush()
    {
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _closed.Cancel();
            _next.Clear();
        }

        base.Dispose(disposing);
    }

    private bool IsInPiece => _position >= _pieceStart && _position < _pieceStart + _piece.Length;

    private int Copy(Span<byte> buffer)
    {
        if (!IsInPiece)
        {
            return 0; // the end
        }

        var at = (int)(_position - _pieceStart);
        var count = Math.Min(buffer.Length, _piece.Length - at);
        _piece.AsSpan(at, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    /// <summary>Makes the piece that holds the position the one in use. Only who reads on in order is read ahead for.</summary>
    private async Task AdvanceAsync()
    {
        var following = _pieceStart + _piece.Length;
        if (_position != following)
        {
            _next.Clear(); // what was fetched ahead lies elsewhere
            _piece = await FetchAsync(_position);
            _pieceStart = _position;
            return;
        }

        for (var start = following + ((long)_next.Count * PieceSize); _next.Count < Ahead && start < Length; start += PieceSize)
        {
            var from = start;
            _next.Enqueue(Task.Run(() => FetchAsync(from)));
        }

        try
        {
            _piece = await _next.Peek();
        }
        catch
        {
            _next.Clear(); // the next try asks for this piece again
            throw;
        }

        _ = _next.Dequeue(); // done
        _pieceStart = following;
    }

    private async Task<byte[]> FetchAsync(long start)
    {
        var piece = await _requests.SendAsync(
            $"read {_name}", token => FetchAsync(_blob, start, _etag, token), e => e.Status is 404 or 412 or 416, _closed.Token)
            ?? throw new IOException($"{_name} was replaced or deleted while it was read. Read it again.");
        return piece.Bytes;
    }

    private static async Task<Piece> FetchAsync(BlobClient blob, long start, ETag? etag, CancellationToken cancellationToken)
    {
        var options = new BlobDownloadOptions { Range = new HttpRange(start, PieceSize), Conditions = etag is null ? null : new BlobRequestConditions { IfMatch = etag } };
        using var reply = (await blob.DownloadStreamingAsync(options, cancellationToken)).Value;
        var details = reply.Details;
        var bytes = new byte[details.ContentLength];
        await reply.Content.ReadExactlyAsync(bytes, cancellationToken);
        var length = ContentRangeHeaderValue.Parse(details.ContentRange).Length
            ?? throw new IOException($"a reply for {blob.Name} does not say how long the blob is: '{details.ContentRange}'.");
        return new Piece(bytes, details.ETag, length);
    }

    private static bool IsNoPiece(RequestFailedException e) => AzureBlobStore.IsAbsent(e) || e.ErrorCode == BlobErrorCode.InvalidRange;

    private sealed record Piece(byte[] Bytes, ETag ETag, long BlobLength);
}

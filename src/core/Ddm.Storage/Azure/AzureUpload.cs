using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Ddm.Storage;

/// <summary>
/// Takes a blob's bytes and uploads them in blocks behind the writer's back, a few at a time, so that memory is bounded whatever the length. Nothing is visible
/// before <see cref="CompleteAsync"/>; blocks that are never committed are dropped by the service within a week. What fits into one block is one request.
/// </summary>
internal sealed class AzureUpload : Stream
{
    /// <summary>Bytes of a block; the service takes 50,000 of them, 195 GiB.</summary>
    public const int BlockSize = 4 << 20;

    private const int MostBlocks = 50_000, MostInFlight = 4;

    private readonly AzureWrites _writes;
    private readonly string _name;
    private readonly CancellationTokenSource _abandoned;
    private readonly Queue<Task> _inFlight = new();
    private readonly List<string> _blocks = [];

    // Writers of one name must not take each other's blocks for their own.
    private readonly string _prefix = RandomNumberGenerator.GetHexString(16, lowercase: true);
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(BlockSize);
    private bool _completed;
    private int _filled;
    private long _length;

    public AzureUpload(AzureWrites writes, string name, CancellationToken cancellationToken)
    {
        (_writes, _name) = (writes, name);
        _abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _length;

    public override long Position
    {
        get => _length;
        set => throw new NotSupportedException();
    }

    /// <summary>Makes what was written the blob's content.</summary>
    /// <returns>Its ETag; null when the condition does not hold.</returns>
    public async Task<string?> CompleteAsync(WriteCondition condition, CancellationToken cancellationToken)
    {
        var etag = await FinishAsync(condition, cancellationToken);
        _completed = true;
        return etag;
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            if (Take(ref buffer) is { } oldest)
            {
                oldest.GetAwaiter().GetResult();
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var rest = buffer.Span;
            var oldest = Take(ref rest);
            buffer = buffer[^rest.Length..];
            if (oldest is not null)
            {
                await oldest.WaitAsync(cancellationToken);
            }
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await _abandoned.CancelAsync();
        while (_inFlight.TryDequeue(out var block))
        {
            await block.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (_completed)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = [];
        _abandoned.Dispose();
        await base.DisposeAsync();
    }

    private async Task<string?> FinishAsync(WriteCondition condition, CancellationToken cancellationToken)
    {
        if (_blocks.Count == 0)
        {
            return await _writes.PutAsync(_name, _buffer.AsMemory(0, _filled), condition, cancellationToken);
        }

        if (_filled > 0)
        {
            Stage();
        }

        while (_inFlight.TryDequeue(out var block))
        {
            await block;
        }

        return await _writes.CommitAsync(_name, _blocks, condition, cancellationToken);
    }

    /// <summary>Takes what fits into the block.</summary>
    /// <returns>An upload to wait for before more may be taken; null: none.</returns>
    private Task? Take(ref ReadOnlySpan<byte> bytes)
    {
        if (_filled == BlockSize)
        {
            Stage();
        }

        var count = Math.Min(bytes.Length, BlockSize - _filled);
        bytes[..count].CopyTo(_buffer.AsSpan(_filled));
        bytes = bytes[count..];
        _filled += count;
        _length += count;
        return _inFlight.Count >= MostInFlight ? _inFlight.Dequeue() : null;
    }

    private void Stage()
    {
        if (_blocks.Count == MostBlocks)
        {
            throw new IOException($"{_name} is longer than {(long)MostBlocks * BlockSize} bytes, the most that is stored as one blob.");
        }

        // All of one length, as the service asks.
        var id = Convert.ToBase64String(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{_prefix}{_blocks.Count:d8}")));
        var (full, length) = (_buffer, _filled);
        _blocks.Add(id);
        _inFlight.Enqueue(Task.Run(() => StageAsync(id, full, length)));
        (_buffer, _filled) = (ArrayPool<byte>.Shared.Rent(BlockSize), 0);
    }

    private async Task StageAsync(string id, byte[] full, int length)
    {
        await _writes.StageAsync(_name, id, full, length, _abandoned.Token);
        ArrayPool<byte>.Shared.Return(full); // only now: a request that was given up may still be reading it
    }
}

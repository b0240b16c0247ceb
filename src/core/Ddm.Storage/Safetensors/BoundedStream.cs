namespace Ddm.Storage;

/// <summary>Takes exactly one tensor's bytes and passes them on; a writer that miscounts is caught before it shifts every tensor behind it.</summary>
internal sealed class BoundedStream(Stream below, TensorInfo tensor) : Stream
{
    private long _written;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => tensor.Length;

    public override long Position
    {
        get => _written;
        set => throw new NotSupportedException();
    }

    public void CheckFull()
    {
        if (_written != tensor.Length)
        {
            throw new InvalidOperationException($"Tensor '{tensor.Name}' was given {_written} bytes where it has {tensor.Length}.");
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (buffer.Length > tensor.Length - _written)
        {
            throw new InvalidOperationException($"Tensor '{tensor.Name}' was given more than its {tensor.Length} bytes.");
        }

        below.Write(buffer);
        _written += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}

namespace Ddm.Tensors.Tests;

/// <summary>A long file that is zero nearly everywhere: pages that hold nothing else are not kept.</summary>
internal sealed class SparseStream : Stream
{
    private const int PageSize = 4096;

    private readonly Dictionary<long, byte[]> pages = [];
    private long length;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => true;

    public override long Length => length;

    public override long Position { get; set; }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            var (page, offset) = Math.DivRem(Position, PageSize);
            var part = buffer[..Math.Min(buffer.Length, PageSize - (int)offset)];
            if (part.ContainsAnyExcept((byte)0))
            {
                pages.TryAdd(page, new byte[PageSize]);
                part.CopyTo(pages[page].AsSpan((int)offset));
            }

            Position += part.Length;
            length = Math.Max(length, Position);
            buffer = buffer[part.Length..];
        }
    }

    public override int Read(Span<byte> buffer)
    {
        var (page, offset) = Math.DivRem(Position, PageSize);
        var part = buffer[..(int)Math.Min(Math.Min(buffer.Length, PageSize - offset), length - Position)];
        if (pages.TryGetValue(page, out var bytes))
        {
            bytes.AsSpan((int)offset, part.Length).CopyTo(part);
        }
        else
        {
            part.Clear();
        }

        Position += part.Length;
        return part.Length;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Flush()
    {
    }
}

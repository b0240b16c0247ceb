namespace Ddm.Data;

/// <summary>
/// The lines of a UTF-8 file with their places, one at a time in bounded memory. A byte order mark at the start and a carriage return before
/// the line feed are taken off; the last line needs no end.
/// </summary>
internal sealed class LineReader(Stream stream)
{
    /// <summary>Longest line, bytes; of a longer one only the length is known.</summary>
    public const int MostBytes = 1 << 20;

    private readonly byte[] buffer = new byte[MostBytes + (64 << 10)];
    private int start, filled;
    private long bufferAt;

    /// <summary>Number of the line last read, from 1.</summary>
    public long Number { get; private set; }

    /// <summary>Where that line begins in the file.</summary>
    public long At { get; private set; }

    /// <summary>Its bytes without its end, however many.</summary>
    public long Length { get; private set; }

    /// <summary>Whether it was over <see cref="MostBytes"/> and was passed over.</summary>
    public bool IsTooLong => Length > MostBytes;

    /// <summary>Reads a line; false at the end of the file.</summary>
    /// <param name="line">The line until the next call; empty when <see cref="IsTooLong"/>.</param>
    public bool TryRead(out ReadOnlySpan<byte> line)
    {
        line = default;
        if (Number == 0)
        {
            Fill();
            start = buffer.AsSpan(0, filled).StartsWith("\uFEFF"u8) ? 3 : 0;
        }

        var seen = 0;
        var skipped = 0L;
        At = bufferAt + start;
        while (true)
        {
            var end = buffer.AsSpan(start + seen, filled - start - seen).IndexOf((byte)'\n');
            if (end >= 0)
            {
                return Take(seen + end, 1, skipped, out line);
            }

            seen = filled - start;
            if (skipped + seen > MostBytes + 1)
            {
                (skipped, seen, start) = (skipped + seen, 0, filled); // too long: only its end is looked for
            }

            if (!Fill())
            {
                return (seen > 0 || skipped > 0) && Take(seen, 0, skipped, out line);
            }
        }
    }

    private bool Take(int length, int endBytes, long skipped, out ReadOnlySpan<byte> line)
    {
        line = buffer.AsSpan(start, length);
        start += length + endBytes;
        Number++;
        if (line.EndsWith((byte)'\r'))
        {
            line = line[..^1];
        }

        Length = skipped + line.Length;
        line = IsTooLong ? default : line;
        return true;
    }

    private bool Fill()
    {
        buffer.AsSpan(start, filled - start).CopyTo(buffer);
        bufferAt += start;
        filled -= start;
        start = 0;
        var read = stream.Read(buffer, filled, buffer.Length - filled);
        filled += read;
        return read > 0;
    }
}

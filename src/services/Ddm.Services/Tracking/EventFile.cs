using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Ddm.Services;

/// <summary>
/// A TensorBoard event file that is only ever appended to: TFRecord framing (length, masked CRC-32C of it, data, masked CRC-32C of them; little endian) around
/// <c>Event</c> messages of tensorflow's event.proto and summary.proto. A record that a crash cut short is cut off when the file is opened again.
/// </summary>
internal sealed class EventFile : IDisposable
{
    private const int FrameBytes = 16;
    private const int MostRecordBytes = 64 << 20;
    private readonly FileStream file;

    private EventFile(FileStream file) => this.file = file;

    /// <summary>Step of the last whole record; 0 in a new file.</summary>
    public long LastStep { get; private set; }

    /// <summary>Opens or begins a file.</summary>
    /// <param name="path">Its path; the folder is created.</param>
    /// <param name="begun">When the run began, for the first record.</param>
    public static EventFile Open(string path, DateTimeOffset begun)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var opened = new EventFile(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read));
        opened.SkipWholeRecords();
        if (opened.file.Position == 0)
        {
            opened.Append(begun, 0, message => Bytes(message, 3, "brain.Event:2"u8));
        }

        return opened;
    }

    /// <summary>Adds figures of one step.</summary>
    public void AddScalars(DateTimeOffset at, long step, IEnumerable<(string Tag, double Value)> values) => Append(at, step, message => Nested(message, 5, summary =>
    {
        foreach (var (tag, value) in values)
        {
            Nested(summary, 1, one =>
            {
                Bytes(one, 1, Encoding.UTF8.GetBytes(tag));
                Key(one, 2, wireType: 5);
                Span<byte> number = stackalloc byte[4];
                BinaryPrimitives.WriteSingleLittleEndian(number, (float)value);
                one.Write(number);
            });
        }
    }));

    /// <summary>Adds a picture.</summary>
    public void AddImage(DateTimeOffset at, long step, string tag, int width, int height, int channels, byte[] png)
        => Append(at, step, message => Nested(message, 5, summary => Nested(summary, 1, one =>
        {
            Bytes(one, 1, Encoding.UTF8.GetBytes(tag));
            Nested(one, 4, image =>
            {
                Number(image, 1, height);
                Number(image, 2, width);
                Number(image, 3, channels);
                Bytes(image, 4, png);
            });
        })));

    public void Flush() => file.Flush();

    public void Dispose() => file.Dispose();

    private void Append(DateTimeOffset at, long step, Action<MemoryStream> write)
    {
        using var message = new MemoryStream();
        Key(message, 1, wireType: 1);
        Span<byte> seconds = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleLittleEndian(seconds, at.ToUnixTimeMilliseconds() / 1000.0);
        message.Write(seconds);
        Number(message, 2, step);
        write(message);

        // One write a record: a crash cuts at most the last one short.
        var data = message.ToArray();
        var record = new byte[data.Length + FrameBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(record, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedCrc(record.AsSpan(0, 8)));
        data.CopyTo(record, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), MaskedCrc(data));
        file.Write(record);
        LastStep = Math.Max(LastStep, step);
    }

    private void SkipWholeRecords()
    {
        var end = 0L;
        var frame = new byte[12];
        while (file.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) == frame.Length)
        {
            var length = BinaryPrimitives.ReadUInt64LittleEndian(frame);
            if (length is < 10 or > MostRecordBytes || BinaryPrimitives.ReadUInt32LittleEndian(frame.AsSpan(8)) != MaskedCrc(frame.AsSpan(0, 8)))
            {
                break;
            }

            var data = new byte[length + 4];
            if (file.ReadAtLeast(data, data.Length, throwOnEndOfStream: false) < data.Length
                || BinaryPrimitives.ReadUInt32LittleEndian(data.AsSpan(^4)) != MaskedCrc(data.AsSpan(0, (int)length)))
            {
                break;
            }

            end = file.Position;
            LastStep = Math.Max(LastStep, StepOf(data));
        }

        file.SetLength(end);
        file.Position = end;
    }

    // Every record of ours begins with its time (9 bytes) and its step.
    private static long StepOf(ReadOnlySpan<byte> data)
    {
        var step = 0L;
        for (var (i, shift) = (10, 0); i < data.Length; i++, shift += 7)
        {
            step |= (long)(data[i] & 0x7F) << shift;
            if (data[i] < 0x80)
            {
                break;
            }
        }

        return step;
    }

    internal static uint MaskedCrc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        crc = ~crc;
        return ((crc >> 15) | (crc << 17)) + 0xA282EAD8;
    }

    private static void Nested(MemoryStream message, int field, Action<MemoryStream> write)
    {
        using var inner = new MemoryStream();
        write(inner);
        Bytes(message, field, inner.ToArray());
    }

    private static void Bytes(MemoryStream message, int field, ReadOnlySpan<byte> value)
    {
        Key(message, field, wireType: 2);
        Varint(message, (ulong)value.Length);
        message.Write(value);
    }

    private static void Number(MemoryStream message, int field, long value)
    {
        Key(message, field, wireType: 0);
        Varint(message, (ulong)value);
    }

    private static void Key(MemoryStream message, int field, int wireType) => Varint(message, (ulong)((field << 3) | wireType));

    private static void Varint(MemoryStream message, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            message.WriteByte((byte)(value | 0x80));
        }

        message.WriteByte((byte)value);
    }
}

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Ddm.Storage;

/// <summary>
/// A file being written whose finished parts go to the disk at once (Linux: <c>sync_file_range</c>), while the next ones are copied and hashed; the flush at the end then has little left to wait
/// for. It promises nothing by itself. Does not own the file.
/// </summary>
/// <param name="file">The file, from its beginning.</param>
internal sealed partial class EarlyWriteback(FileStream file) : Stream
{
    private const int Part = 1 << 24;
    private const uint StartWriting = 2; // SYNC_FILE_RANGE_WRITE

    private long _started;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => file.Length;

    public override long Position
    {
        get => file.Position;
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            var count = Math.Min(buffer.Length, Part);
            file.Write(buffer[..count]);
            buffer = buffer[count..];
            Start();
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await file.WriteAsync(buffer, cancellationToken);
        Start();
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() => file.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => file.FlushAsync(cancellationToken);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private void Start()
    {
        if (file.Position - _started < Part || !OperatingSystem.IsLinux())
        {
            return;
        }

        // What is still in the stream's own buffer starts with the next part. An error is for the flush at the end to find.
        _ = SyncFileRange(file.SafeFileHandle, _started, file.Position - _started, StartWriting);
        _started = file.Position;
    }

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long bytes, uint flags);
}

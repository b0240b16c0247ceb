using Ddm.Storage;
using Ddm.Storage.Tests;

namespace Ddm.Services.Tests;

/// <summary>A store that tells how far one blob is read.</summary>
internal sealed class WatchedStore(IBlobStore below, string blob) : InterceptedBlobStore(below)
{
    private readonly Lock gate = new();
    private readonly List<(long At, TaskCompletionSource Reached)> waits = [];
    private WatchedStream? opened;

    /// <summary>Whether the stream opened last has been closed.</summary>
    public bool IsClosed => opened?.IsClosed ?? false;

    /// <summary>How far it was read since it was last rewound, bytes.</summary>
    public long Position { get; private set; }

    /// <summary>Ends when it has been read up to there, after it was rewound.</summary>
    public Task Reaches(long at)
    {
        lock (gate)
        {
            var wait = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waits.Add((at, wait));
            Note(Position);
            return wait.Task;
        }
    }

    protected override async Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional)
    {
        var result = await run();
        return call == "open " + blob && result is Stream stream ? (T)(object)(opened = new WatchedStream(stream, this)) : result;
    }

    private void Note(long position)
    {
        lock (gate)
        {
            Position = position;
            waits.FindAll(wait => wait.At <= position).ForEach(wait => wait.Reached.TrySetResult());
        }
    }

    private sealed class WatchedStream(Stream below, WatchedStore store) : Stream
    {
        private bool isRewound; // the first time through is the hash

        public bool IsClosed { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => below.Length;

        public override long Position
        {
            get => below.Position;
            set
            {
                isRewound |= value == 0;
                below.Position = value;
            }
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = below.Read(buffer, offset, count);
            if (isRewound)
            {
                store.Note(below.Position);
            }

            return read;
        }

        public override long Seek(long offset, SeekOrigin origin) => below.Seek(offset, origin);

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            IsClosed = true;
            below.Dispose();
            base.Dispose(disposing);
        }
    }
}

using System.Threading.Channels;

namespace Ddm.Services;

/// <summary>Keeps what handlers tell people as events of the run, so that it can be read after the process is gone. Never in the way of the work.</summary>
internal sealed class NoticeRecorder(RunEvents events) : IAsyncDisposable
{
    private const int Most = 1000;
    private readonly Channel<string> notices = Channel.CreateBounded<string>(new BoundedChannelOptions(Most) { FullMode = BoundedChannelFullMode.DropWrite });
    private Task writing = Task.CompletedTask;

    /// <summary>Notes a message; of the run that <see cref="Begin"/> names.</summary>
    public void Note(string message) => notices.Writer.TryWrite(message);

    /// <summary>Begins to write.</summary>
    public void Begin(string run) => writing = Task.Run(() => WriteAsync(run));

    public async ValueTask DisposeAsync()
    {
        notices.Writer.TryComplete();
        await writing;
    }

    private async Task WriteAsync(string run)
    {
        await foreach (var message in notices.Reader.ReadAllAsync())
        {
            try
            {
                await events.AddAsync(run, RunEvent.Notice, message, CancellationToken.None);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // a note that cannot be kept was shown all the same
            }
        }
    }
}

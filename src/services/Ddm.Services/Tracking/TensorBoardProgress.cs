using System.Threading.Channels;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>Writes TensorBoard files beside a running training, after its commits. What goes wrong with them is said once and never stops the training.</summary>
public sealed class TensorBoardProgress : IRunProgress, IAsyncDisposable
{
    private readonly IRunProgress inner;
    private readonly TensorBoardExport export;
    private readonly string run;
    private readonly Channel<bool> wanted = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Task writing;
    private string? lastFailure;
    private bool begun;

    /// <summary>Begins to write.</summary>
    /// <param name="inner">Told everything as well.</param>
    /// <param name="export">What writes.</param>
    /// <param name="run">The run.</param>
    public TensorBoardProgress(IRunProgress inner, TensorBoardExport export, string run)
    {
        (this.inner, this.export, this.run) = (inner, export, run);
        writing = Task.Run(WriteAsync);
    }

    /// <inheritdoc/>
    public void Stage(RunStage stage, int done, int total)
    {
        inner.Stage(stage, done, total);
        wanted.Writer.TryWrite(true);
    }

    /// <inheritdoc/>
    public void Ingest(long done, long total) => inner.Ingest(done, total);

    /// <inheritdoc/>
    public void Encoding(EncodingProgress progress) => inner.Encoding(progress);

    /// <inheritdoc/>
    public void Training(TrainingProgress progress)
    {
        inner.Training(progress);
        if (!progress.Active)
        {
            wanted.Writer.TryWrite(true);
        }
    }

    /// <inheritdoc/>
    public void Notice(string message) => inner.Notice(message);

    /// <inheritdoc/>
    public void Ended(RunDocument document) => inner.Ended(document);

    /// <summary>Writes what was committed last, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        wanted.Writer.TryComplete();
        await writing;
    }

    private async Task WriteAsync()
    {
        while (await wanted.Reader.WaitToReadAsync())
        {
            begun = true; // before the run's first sign of life there is nothing to write, and perhaps no run
            while (wanted.Reader.TryRead(out _))
            {
            }

            await TrySyncAsync();
        }

        if (begun)
        {
            await TrySyncAsync();
        }
    }

    private async Task TrySyncAsync()
    {
        try
        {
            await export.SyncAsync(run, CancellationToken.None);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            if (e.Message != lastFailure)
            {
                lastFailure = e.Message;
                inner.Notice($"TensorBoard files are not written ({e.Message}); training goes on, and 'ddm metrics {run} --tensorboard DIR' makes them later.");
            }
        }
    }
}

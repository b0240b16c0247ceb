namespace Ddm.Serving;

/// <summary>A job that is drawn here.</summary>
internal sealed class RunningJob : IOrderListener
{
    private readonly CancellationTokenSource cancel = new();
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile int done;

    /// <summary>Raised to stop it.</summary>
    public CancellationToken Token => cancel.Token;

    /// <summary>Steps done.</summary>
    public int Done => done;

    /// <summary>Done when nothing more is written of it here.</summary>
    public Task Ended => ended.Task;

    /// <summary>Stops it at the next step.</summary>
    public void Cancel() => cancel.Cancel();

    /// <summary>Nothing more is written of it here.</summary>
    public void End() => ended.TrySetResult();

    /// <inheritdoc/>
    public void Stepped(int done, int steps) => this.done = done;

    /// <inheritdoc/>
    public void Previewed(int picture, int preview, byte[] planes)
    {
        // a job is asked for without previews
    }
}

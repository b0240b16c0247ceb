using Microsoft.Extensions.Hosting;

namespace Ddm.Services;

/// <summary>
/// Waits at the end of a process for what is under way, before the bus is stopped: after the broker was lost a slice belongs to no message any more, so that the
/// bus would not wait for it, and the end of the process would cut off its commit, its event and its successor.
/// </summary>
internal sealed class SliceFarewell(SliceGate gate, StopSignal stop) : IHostedLifecycleService
{
    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        stop.Raise(); // else it would not end
        await gate.IdleAsync().WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // no longer than the host's time to stop
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

using Ddm.Storage;

namespace Ddm.Services;

/// <summary>
/// Keeps a claim's owner record fresh beside whatever its slice does: a load or an upload that takes longer than an owner may be silent is no death. To
/// be ended before the role is given back.
/// </summary>
internal sealed class OwnerRenewal : IAsyncDisposable
{
    private const int RenewalsBeforeTimeout = 3, RetriesBeforeRenewal = 4;
    private readonly CancellationTokenSource stop = new();
    private readonly Task work;
    private volatile bool isLost;

    public OwnerRenewal(CheckpointStore checkpoints, RoleClaim claim, TimeSpan ownerTimeout, TimeProvider time) =>
        work = KeepAsync(checkpoints, claim, ownerTimeout / RenewalsBeforeTimeout, time);

    /// <summary>Whether another has claimed the role.</summary>
    public bool IsLost => isLost;

    public async ValueTask DisposeAsync()
    {
        if (!stop.IsCancellationRequested)
        {
            stop.Cancel(); // not by way of the thread pool: a slice stays on its own thread
        }

        await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        stop.Dispose();
    }

    private async Task KeepAsync(CheckpointStore checkpoints, RoleClaim claim, TimeSpan every, TimeProvider time)
    {
        for (var pause = every; ;)
        {
            await Task.Delay(pause, time, stop.Token);
            try
            {
                if (!await checkpoints.RenewAsync(claim, stop.Token))
                {
                    isLost = true;
                    return;
                }

                pause = every;
            }
            catch (Exception e) when (e is not OperationCanceledException and not OutOfMemoryException)
            {
                pause = every / RetriesBeforeRenewal; // whoever claims it meanwhile fences the next commit
            }
        }
    }
}

using Ddm.Storage;

namespace Ddm.Services;

/// <summary>States that a slice keeps on this machine between its commits, beside the steps; one at a time.</summary>
/// <param name="local">Where; null: nothing is kept.</param>
/// <param name="claim">The slice's claim.</param>
/// <param name="interval">Time between two states that the spec asks for.</param>
/// <param name="time">The clock.</param>
internal sealed class LocalKeeping(LocalRole? local, RoleClaim claim, TimeSpan interval, TimeProvider time)
{
    private static readonly TimeSpan LeastInterval = TimeSpan.FromSeconds(10);
    private long keptAt = time.GetTimestamp();
    private TimeSpan took;
    private (RoleSnapshot Snapshot, CancellationTokenSource Cancel, Task<bool> Work)? underWay;

    /// <summary>Whether anything is kept at all.</summary>
    public bool IsOn => local is not null;

    /// <summary>Whether a state is being kept.</summary>
    public bool IsBusy => underWay is not null;

    /// <summary>Whether it is time for the next state.</summary>
    /// <param name="commitBegan">When the last commit began, which holds as much.</param>
    public bool IsDue(long commitBegan)
    {
        var wanted = interval > LeastInterval ? interval : LeastInterval;
        var cheap = took * WarmRole.CommitShare;
        return IsOn && time.GetElapsedTime(Math.Max(keptAt, commitBegan)) >= (cheap > wanted ? cheap : wanted);
    }

    /// <summary>Copies the trainer's state and begins to keep it.</summary>
    public async Task BeginAsync(IRoleTrainer trainer, Func<RoleSnapshot, CommitRequest> request, CancellationToken cancellationToken)
    {
        keptAt = time.GetTimestamp();
        var snapshot = await trainer.SnapshotAsync();
        var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        underWay = (snapshot, cancel, KeepAsync(request(snapshot), cancel.Token));
    }

    /// <summary>Ends what is under way if it is over.</summary>
    /// <param name="wait">Waits until it is.</param>
    /// <returns>Whether a state was kept.</returns>
    public async Task<bool> EndAsync(bool wait)
    {
        if (underWay is not var (snapshot, cancel, work) || (!wait && !work.IsCompleted))
        {
            return false;
        }

        underWay = null;
        try
        {
            return await work;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        finally
        {
            took = time.GetElapsedTime(keptAt);
            snapshot.Dispose();
            cancel.Dispose();
        }
    }

    /// <summary>Breaks off what is under way, and waits for its end.</summary>
    public Task DropAsync()
    {
        underWay?.Cancel.Cancel(); // not by way of the thread pool: a slice stays on its own thread
        return EndAsync(wait: true);
    }

    private async Task<bool> KeepAsync(CommitRequest request, CancellationToken cancellationToken)
    {
        await Task.Yield();
        return await local!.TryKeepAsync(claim, request, cancellationToken);
    }
}

namespace Ddm.Simulation.Tests;

/// <summary>A timer of a process: late where the process is paused, silent once it is dead.</summary>
internal sealed class ProcessTimer(World world, SimulatedProcess process, TimerCallback callback, object? state) : ITimer
{
    private int generation;

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        Schedule(++generation, dueTime, period);
        return true;
    }

    public void Dispose() => generation++;

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private void Schedule(int mine, TimeSpan due, TimeSpan period)
    {
        if (due == Timeout.InfiniteTimeSpan)
        {
            return;
        }

        world.After(due, () =>
        {
            if (mine == generation)
            {
                process.Context.Post(_ => Fire(mine), null);
                Schedule(mine, period == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : period, period);
            }
        });
    }

    private void Fire(int mine)
    {
        if (mine == generation)
        {
            callback(state);
        }
    }
}

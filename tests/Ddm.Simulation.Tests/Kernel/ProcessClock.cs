namespace Ddm.Simulation.Tests;

/// <summary>A process's clock: its date may be a day off, its timers and intervals are right.</summary>
internal sealed class ProcessClock(World world, SimulatedProcess process, TimeSpan error) : TimeProvider
{
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => World.Beginning + world.Now + error;

    public override long GetTimestamp() => world.Now.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ProcessTimer(world, process, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }
}

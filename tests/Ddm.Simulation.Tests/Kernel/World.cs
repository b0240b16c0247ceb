using System.Diagnostics;

namespace Ddm.Simulation.Tests;

/// <summary>
/// One simulated world: its clock, its dice and everything that is about to happen. One thread; nothing happens but by <see cref="RunUntil"/>, and the
/// seed decides what comes next wherever more than one thing could.
/// </summary>
internal sealed class World(int seed, Trace trace)
{
    private readonly List<(SimulatedProcess Process, SendOrPostCallback Callback, object? State)> ready = [];
    private readonly PriorityQueue<Action, (long Ticks, int Tie)> timeline = new();
    private int thread;

    /// <summary>Where the simulated time begins, for clocks that tell a date.</summary>
    public static DateTimeOffset Beginning { get; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public Random Dice { get; } = new(seed);

    public int Seed => seed;

    public Trace Trace => trace;

    /// <summary>Time since the beginning.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>The first promise that was broken, by whoever saw it.</summary>
    public string? Violation { get; private set; }

    /// <summary>The process whose code runs now; null between events.</summary>
    public SimulatedProcess? Running { get; private set; }

    /// <summary>Lets something happen later, outside every process: a reply arrives, a machine dies.</summary>
    public void After(TimeSpan delay, Action happening)
    {
        if (IsInside())
        {
            timeline.Enqueue(happening, ((Now + delay).Ticks, Dice.Next()));
        }
    }

    /// <summary>Makes a process's code ready to run.</summary>
    public void Ready(SimulatedProcess process, SendOrPostCallback callback, object? state)
    {
        if (IsInside())
        {
            ready.Add((process, callback, state));
        }
    }

    /// <summary>A time between the two, evenly.</summary>
    public TimeSpan Between(TimeSpan least, TimeSpan most) => least + (most - least) * Dice.NextDouble();

    /// <summary>A time of this order: mostly about as long, now and then ten times that.</summary>
    public TimeSpan About(TimeSpan usual) => usual * (0.2 + Dice.NextDouble() + (Dice.Next(20) == 0 ? 10 * Dice.NextDouble() : 0));

    /// <summary>True once in <paramref name="oneIn"/>; never for 0.</summary>
    public bool Chance(int oneIn) => oneIn > 0 && Dice.Next(oneIn) == 0;

    public void Note(string who, string what, string detail = "") => trace.Add(Now, who, what, detail);

    /// <summary>A promise is broken: the world ends at once, whatever the code that runs now makes of it.</summary>
    public void Fail(string violation) => Violation ??= violation;

    /// <summary>Lets things happen until <paramref name="done"/>, asked after each.</summary>
    /// <exception cref="ViolationException">A promise was broken, it was not done within the limit, or nothing is left that could happen.</exception>
    public void RunUntil(Func<bool> done, TimeSpan limit, string what)
    {
        var outside = SynchronizationContext.Current;
        thread = Environment.CurrentManagedThreadId;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            while (!done())
            {
                if (ready.Count > 0)
                {
                    Run(Dice.Next(ready.Count));
                }
                else if (!timeline.TryDequeue(out var happening, out var at))
                {
                    throw new ViolationException($"{what}: nothing is left that could happen, at {Now}");
                }
                else if (at.Ticks > limit.Ticks)
                {
                    throw new ViolationException($"{what}: not by {limit}");
                }
                else
                {
                    Now = new TimeSpan(at.Ticks);
                    happening();
                }

                if (Violation is not null)
                {
                    throw new ViolationException(Violation);
                }
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outside);
        }
    }

    // Code that slipped to the thread pool would make a seed's world another one each time.
    private bool IsInside()
    {
        if (thread == 0 || thread == Environment.CurrentManagedThreadId)
        {
            return true;
        }

        Fail($"something goes on outside the simulation: {Environment.StackTrace}");
        return false;
    }

    private void Run(int index)
    {
        var (process, callback, state) = ready[index];
        ready[index] = ready[^1];
        ready.RemoveAt(ready.Count - 1);
        if (!process.Admit(callback, state))
        {
            return;
        }

        Running = process;
        var began = Stopwatch.GetTimestamp();
        SynchronizationContext.SetSynchronizationContext(process.Context);
        try
        {
            callback(state);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(null);
            Running = null;
            process.Ticks += Stopwatch.GetTimestamp() - began;
        }
    }
}

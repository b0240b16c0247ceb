namespace Ddm.Simulation.Tests;

/// <summary>
/// A process: whatever awaits inside it goes on inside it. Killed, none of its code ever runs again, not even a finally; paused, all of it waits.
/// What it had sent before is on its way all the same.
/// </summary>
internal sealed class SimulatedProcess
{
    private readonly World world;
    private readonly List<(SendOrPostCallback Callback, object? State)> held = [];

    public SimulatedProcess(World world, string name, TimeSpan clockError)
    {
        (this.world, Name) = (world, name);
        Context = new ProcessContext(world, this);
        Clock = new ProcessClock(world, this, clockError);
    }

    /// <summary>Unique in its world.</summary>
    public string Name { get; }

    public ProcessContext Context { get; }

    public ProcessClock Clock { get; }

    public bool Alive { get; private set; } = true;

    public bool Paused { get; private set; }

    /// <summary>Cut off from the store: calls fail, those under way too.</summary>
    public bool StoreCut { get; set; }

    /// <summary>Cut off from the broker: its deliveries are given to others.</summary>
    public bool BusCut { get; set; }

    /// <summary>How many times longer than usual its computing takes.</summary>
    public double Slowness { get; set; } = 1;

    /// <summary>What its code has computed, on the real machine: ticks of <see cref="System.Diagnostics.Stopwatch"/>.</summary>
    public long Ticks { get; set; }

    /// <summary>The world's code that must know of a death, a pause or a waking.</summary>
    public event Action? Changed;

    /// <summary>Starts something; if it fails while the process lives, that is a violation.</summary>
    public void Start(string what, Func<Task> work) => Context.Post(_ => _ = WatchAsync(what, work), null);

    public void Kill()
    {
        Alive = false;
        held.Clear();
        world.Note(Name, "killed");
        Changed?.Invoke();
    }

    public void Pause()
    {
        Paused = true;
        world.Note(Name, "paused");
        Changed?.Invoke();
    }

    public void Wake()
    {
        if (!Paused)
        {
            return;
        }

        Paused = false;
        world.Note(Name, "wakes");
        foreach (var (callback, state) in held)
        {
            world.Ready(this, callback, state);
        }

        held.Clear();
        Changed?.Invoke();
    }

    /// <summary>Whether this code may run now; if the process only pauses, it is kept.</summary>
    public bool Admit(SendOrPostCallback callback, object? state)
    {
        if (Alive && Paused)
        {
            held.Add((callback, state));
        }

        return Alive && !Paused;
    }

    private async Task WatchAsync(string what, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e)
        {
            world.Fail($"{Name}: {what} broke: {e}");
        }
    }
}

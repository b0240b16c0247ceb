using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>One world with one run in it: store, broker, control planes, workers, faults and checks, all from one seed.</summary>
internal sealed class SimulatedRun
{
    private static readonly TimeSpan Recovery = TimeSpan.FromHours(3);
    private const int MostCallsOfACommit = 40; // some of which take ten times as long as usual
    private readonly Planted planted;
    private bool finished;

    public SimulatedRun(int seed, bool traceAll, Planted? planted = null, FaultPlan? faults = null, Poison? poison = null, Shape? shape = null)
    {
        this.planted = planted ?? Planted.Nothing;
        Poison = poison;
        World = new World(seed, new Trace(traceAll));
        Shape = shape ?? Shape.Draw(World.Dice);
        Faults = faults ?? FaultPlan.Draw(World.Dice);
        Store = new SimulatedStore(World, ClockError());
        Bus = new SimulatedBus(World, Faults, Tally);
        Chain = new HashChain(seed);
        Watch = new RunWatch(World, Store, Bus, Shape.Submit(seed), Chain, Tally, poison?.Role);
        Fleet = new Fleet(this);
        Store.Changed += _ => finished = Watch.Document.Status == (Poison is null ? RunStatus.Succeeded : RunStatus.Failed);
    }

    public World World { get; }

    public Shape Shape { get; }

    public FaultPlan Faults { get; }

    public SimulatedStore Store { get; }

    public SimulatedBus Bus { get; }

    public HashChain Chain { get; }

    public RunWatch Watch { get; }

    public Tally Tally { get; } = new();

    public CallBook Calls { get; } = new();

    public Fleet Fleet { get; }

    public Poison? Poison { get; }

    /// <summary>With so many faults a healthy role may fail often: poison is looked for only where there is some.</summary>
    public AttemptPolicy Attempts => Poison is null ? new WorkerSettings().Attempts with { Most = 1000 } : new WorkerSettings().Attempts;

    /// <summary>From submission to success, with every promise held against every change.</summary>
    /// <exception cref="ViolationException">One was broken.</exception>
    public void Play()
    {
        Begin();
        World.RunUntil(() => finished, Faults.Until + Recovery, "the run does not succeed");
        Tally.Recovery = World.Now - Faults.Until;
        if (Poison is null)
        {
            Watch.CheckEnd(Tally, Faults, MostStepsBetweenCommits);
        }
    }

    /// <summary>Goes on until <paramref name="done"/>, with every promise held against every change.</summary>
    /// <exception cref="ViolationException">One was broken.</exception>
    public void PlayUntil(Func<bool> done)
    {
        if (World.Now == TimeSpan.Zero)
        {
            Begin();
        }

        World.RunUntil(done, TimeSpan.FromDays(1), "the slices are not made");
    }

    /// <summary>How long a step takes in a process.</summary>
    public TimeSpan StepTime(SimulatedProcess process) => Shape.StepTime * process.Slowness;

    public TimeSpan ClockError() => World.Chance(2) ? TimeSpan.Zero : TimeSpan.FromHours(48 * World.Dice.NextDouble() - 24);

    /// <summary>The ports of a process.</summary>
    public ProcessPorts PortsOf(SimulatedProcess process, string? pool) => new(this, process, pool is null ? Planted.Nothing : planted, pool ?? PoolName.Local);

    private void Begin()
    {
        var document = Watch.Document;
        Store.TryWrite("submission", BlobNames.RunDocument(document.Name), BlobJson.Serialize(document), WriteCondition.IfAbsent);
        Fleet.Start();
        new Injector(this).Start();
    }

    // A commit costs a twentieth of the time at most, so that a slow store makes the steps between two more; and the next are made while it is under way.
    private long MostStepsBetweenCommits
    {
        get
        {
            var commit = MostCallsOfACommit * ProcessStore.Usual.TotalSeconds * Faults.StoreSlowness;
            return 3 + (long)((Math.Max(Shape.CommitSeconds, 20 * commit) + (2 * commit)) / (Shape.StepTime.TotalSeconds * Fleet.FastestStep));
        }
    }
}

using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>One world with one run in it: store, broker, control planes, workers, faults and checks, all from one seed.</summary>
internal sealed class SimulatedRun
{
    private static readonly TimeSpan Recovery = TimeSpan.FromHours(3);
    private readonly Planted planted;
    private bool finished;

    public SimulatedRun(int seed, bool traceAll, Planted? planted = null, FaultPlan? faults = null)
    {
        this.planted = planted ?? Planted.Nothing;
        World = new World(seed, new Trace(traceAll));
        Shape = Shape.Draw(World.Dice);
        Faults = faults ?? FaultPlan.Draw(World.Dice);
        Store = new SimulatedStore(World, ClockError());
        Bus = new SimulatedBus(World, Faults, Tally);
        Chain = new HashChain(seed);
        Watch = new RunWatch(World, Store, Bus, Shape.Submit(seed), Chain, Tally);
        Fleet = new Fleet(this);
        Store.Changed += _ => finished = Watch.Document.Status == RunStatus.Succeeded;
    }

    public World World { get; }

    public Shape Shape { get; }

    public FaultPlan Faults { get; }

    public SimulatedStore Store { get; }

    public SimulatedBus Bus { get; }

    public HashChain Chain { get; }

    public RunWatch Watch { get; }

    public Tally Tally { get; } = new();

    public Fleet Fleet { get; }

    /// <summary>From submission to success, with every promise held against every change.</summary>
    /// <exception cref="ViolationException">One was broken.</exception>
    public void Play()
    {
        var document = Watch.Document;
        Store.TryWrite("submission", BlobNames.RunDocument(document.Name), BlobJson.Serialize(document), WriteCondition.IfAbsent);
        Fleet.Start();
        new Injector(this).Start();
        World.RunUntil(() => finished, Faults.Until + Recovery, "the run does not succeed");
        Tally.Recovery = World.Now - Faults.Until;
        Watch.CheckEnd(Tally, Faults, MostStepsOfASlice);
    }

    /// <summary>How long a step takes in a process.</summary>
    public TimeSpan StepTime(SimulatedProcess process) => Shape.StepTime * process.Slowness;

    public TimeSpan ClockError() => World.Chance(2) ? TimeSpan.Zero : TimeSpan.FromHours(48 * World.Dice.NextDouble() - 24);

    /// <summary>The ports of a process.</summary>
    public ProcessPorts PortsOf(SimulatedProcess process, bool isWorker) => new(this, process, isWorker ? planted : Planted.Nothing);

    private long MostStepsOfASlice => 2 + (long)(Shape.SliceSeconds / (Shape.StepTime.TotalSeconds * Fleet.FastestStep));
}

using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>What the product's own code gets in a simulated process: everything it would get in a real one.</summary>
internal sealed class ProcessPorts
{
    public ProcessPorts(SimulatedRun run, SimulatedProcess process, Planted planted)
    {
        Process = process;
        Logger = new TraceLogger(run.World, process);
        Sender = new ProcessSender(run.World, run.Bus, process, run.Faults);
        Blobs = planted.Store(new ProcessStore(run.World, run.Store, process, run.Faults, run.Waste), Sender, process);
        Worker = new WorkerIdentity(process.Name, planted.IsKnownDead);
        Progress = new TraceProgress(run.World, process);
        Checkpoints = new CheckpointStore(Blobs, process.Clock, Logger);
        Runs = new RunRepository(Blobs);
        Events = new RunEvents(Blobs, Worker, process.Clock);
    }

    public SimulatedProcess Process { get; }

    public TraceLogger Logger { get; }

    public IBlobStore Blobs { get; }

    public ICommandSender Sender { get; }

    public WorkerIdentity Worker { get; }

    public IRunProgress Progress { get; }

    public CheckpointStore Checkpoints { get; }

    public RunRepository Runs { get; }

    public RunEvents Events { get; }

    /// <summary>SIGTERM.</summary>
    public StopSignal Stop { get; } = new();
}

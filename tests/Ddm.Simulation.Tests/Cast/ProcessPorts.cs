using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Microsoft.Extensions.Logging;

namespace Ddm.Simulation.Tests;

/// <summary>What the product's own code gets in a simulated process: everything it would get in a real one.</summary>
internal sealed class ProcessPorts
{
    public ProcessPorts(SimulatedRun run, SimulatedProcess process, Planted planted, string pool)
    {
        Run = run;
        Process = process;
        Sender = new ProcessSender(run.World, run.Bus, process, run.Faults);
        Blobs = planted.Store(new ProcessStore(run.World, run.Store, process, run.Faults, run.Tally, run.Calls), Sender, process);
        Worker = new WorkerIdentity(process.Name, planted.IsKnownDead) { Host = Slot };
        Settings = new WorkerSettings { Pool = pool, Attempts = run.Attempts };
        Queue = new ProcessQueueDepth(run.World, run.Bus, process);
        Progress = new TraceProgress(run.World, process);
        Checkpoints = new CheckpointStore(Blobs, process.Clock, LoggerOf<CheckpointStore>());
        Runs = new RunRepository(Blobs);
        Events = new RunEvents(Blobs, Worker, process.Clock);
    }

    public SimulatedRun Run { get; }

    public SimulatedProcess Process { get; }

    public IBlobStore Blobs { get; }

    public ICommandSender Sender { get; }

    public WorkerIdentity Worker { get; }

    /// <summary>The machine, whatever process it has now.</summary>
    public string Slot => Process.Name.Split('.')[0];

    public WorkerSettings Settings { get; }

    public IQueueDepth Queue { get; }

    public IRunProgress Progress { get; }

    public CheckpointStore Checkpoints { get; }

    public RunRepository Runs { get; }

    public RunEvents Events { get; }

    /// <summary>When a control plane looked at all roles last; null: never.</summary>
    public TimeSpan? Looked { get; set; }

    /// <summary>Whether a worker has taken over what its machine's dead processes left.</summary>
    public bool HasInherited { get; set; }

    /// <summary>SIGTERM.</summary>
    public StopSignal Stop { get; } = new();

    /// <summary>One slice at a time in the process.</summary>
    public SliceGate Gate { get; } = new();

    public ILogger<T> LoggerOf<T>() => new TraceLogger<T>(Run, Process);

    /// <summary>What stands around every handler of a service.</summary>
    public Func<object, Task> Serve<TCommand>(ICommandHandler<TCommand> handler)
        where TCommand : class, IRunCommand
    {
        var patience = CommandPatience.Unattended(Settings);
        var runner = new CommandRunner<TCommand>(handler, Runs, Sender, Gate, patience, Stop, Progress, Process.Clock, LoggerOf<CommandRunner<TCommand>>());
        return message => runner.RunAsync((TCommand)message, CancellationToken.None);
    }
}

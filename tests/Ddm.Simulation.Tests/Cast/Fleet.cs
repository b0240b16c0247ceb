using System.Globalization;
using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Simulation.Tests;

/// <summary>The processes of a world: whatever dies is started again after a while, under a new name.</summary>
internal sealed class Fleet(SimulatedRun run)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(30);
    private readonly Dictionary<string, int> lives = new(StringComparer.Ordinal);

    /// <summary>Living workers and what they were given.</summary>
    public List<ProcessPorts> Workers { get; } = [];

    /// <summary>Living control planes.</summary>
    public List<ProcessPorts> ControlPlanes { get; } = [];

    public void Start()
    {
        for (var i = 0; i < run.Shape.Workers; i++)
        {
            StartWorker($"worker-{i}");
        }

        for (var i = 0; i < run.Shape.ControlPlanes; i++)
        {
            StartControlPlane($"control-{i}");
        }

        StartStages("stages");
    }

    /// <summary>Kills a process now; its successor starts after a while.</summary>
    public void Kill(ProcessPorts ports, TimeSpan away)
    {
        ports.Process.Kill();
        var slot = ports.Process.Name.Split('.')[0];
        Action<string> start = Workers.Remove(ports) ? StartWorker : ControlPlanes.Remove(ports) ? StartControlPlane : throw new InvalidOperationException(slot);
        run.World.After(away, () => start(slot));
    }

    private void StartWorker(string slot)
    {
        var ports = Begin(slot);
        Workers.Add(ports);
        var handler = new TrainSliceHandler(
            ports.Blobs, ports.Checkpoints, ports.Runs, new ChainTrainers(run, ports.Process), ports.Worker, ports.Sender, ports.Events, ports.Stop, ports.Progress, ports.Process.Clock);
        run.Bus.Consume(ports.Process, QueueNames.TrainLocal, message => Patience.HandleAsync(run.World, ports.Process, handler, (TrainSlice)message, ports.Sender, ports.Stop));
    }

    private void StartControlPlane(string slot)
    {
        var ports = Begin(slot);
        ControlPlanes.Add(ports);
        var observer = new RunObserver(ports.Blobs, ports.Checkpoints, ports.Worker);
        var reconciler = new Reconciler(ports.Runs, observer, ports.Events, ports.Sender, new DispatchLedger(ports.Process.Clock), ports.Progress);
        run.Bus.Consume(ports.Process, QueueNames.ControlPlane, _ => LookAsync(ports, reconciler));
        ports.Process.Start("its periodic look", async () =>
        {
            while (true)
            {
                await LookAsync(ports, reconciler);
                await Task.Delay(LookEvery, ports.Process.Clock);
            }
        });
    }

    private void StartStages(string slot)
    {
        var ports = Begin(slot);
        var stub = new StageStub(run, ports.Process, ports.Blobs, ports.Checkpoints, ports.Runs, ports.Sender);
        foreach (var queue in new[] { QueueNames.Ingest, QueueNames.Features, QueueNames.Clustering, QueueNames.Publishing })
        {
            run.Bus.Consume(ports.Process, queue, message => Patience.HandleAsync(run.World, ports.Process, stub, (IRunCommand)message, ports.Sender, ports.Stop));
        }
    }

    private async Task LookAsync(ProcessPorts ports, Reconciler reconciler)
    {
        try
        {
            await reconciler.ReconcileAsync(Shape.Run, CancellationToken.None);
        }
        catch (IOException e)
        {
            run.World.Note(ports.Process.Name, "fails", e.Message);
        }
    }

    private ProcessPorts Begin(string slot)
    {
        var life = lives[slot] = lives.GetValueOrDefault(slot) + 1;
        var process = new SimulatedProcess(run.World, string.Create(CultureInfo.InvariantCulture, $"{slot}.{life}"), run.ClockError())
        {
            Slowness = 0.5 + run.World.Dice.NextDouble(),
        };
        run.World.Note(process.Name, "starts");
        return run.PortsOf(process);
    }
}

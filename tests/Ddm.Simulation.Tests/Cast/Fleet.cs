using System.Globalization;
using Ddm.Services;

namespace Ddm.Simulation.Tests;

/// <summary>The processes of a world: whatever dies is started again after a while, under a new name.</summary>
internal sealed class Fleet(SimulatedRun run)
{
    /// <summary>How long a step takes on the fastest machine, in usual ones.</summary>
    public const double FastestStep = 0.5;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);
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
        var ports = Begin(slot, isWorker: true);
        Workers.Add(ports);
        var handler = new TrainSliceHandler(
            ports.Blobs, ports.Checkpoints, ports.Runs, new ChainTrainers(run, ports.Process), ports.Worker, ports.Sender, ports.Events, ports.Stop, ports.Progress, ports.Process.Clock);
        var serve = ports.Serve(handler);
        run.Bus.Consume(ports.Process, QueueNames.Train(QueueNames.LocalPool), serve);
        run.Bus.Consume(ports.Process, QueueNames.Train(QueueNames.RouterPool), serve);
    }

    private void StartControlPlane(string slot)
    {
        var ports = Begin(slot, isWorker: false);
        ControlPlanes.Add(ports);
        var observer = new RunObserver(ports.Blobs, ports.Checkpoints, ports.Worker);
        var reconciler = new Reconciler(ports.Runs, observer, ports.Events, ports.Sender, new DispatchLedger(ports.Process.Clock), ports.Progress);
        var leases = new ReconcilerLeases(ports.Blobs, ports.Worker, ports.Process.Clock);
        run.Bus.Consume(ports.Process, $"{QueueNames.ControlPlane}:{ports.Process.Name}", _ => LookAsync(ports, reconciler, leases));
        ports.Process.Start("its periodic look", async () =>
        {
            while (true)
            {
                await LookAsync(ports, reconciler, leases);
                await Task.Delay(LookEvery, ports.Process.Clock);
            }
        });
    }

    private void StartStages(string slot)
    {
        var ports = Begin(slot, isWorker: false);
        var serve = ports.Serve(new StageStub(run, ports.Process, ports.Blobs, ports.Checkpoints, ports.Runs, ports.Sender));
        foreach (var queue in new[] { QueueNames.Ingest, QueueNames.Features, QueueNames.Clustering, QueueNames.Publishing })
        {
            run.Bus.Consume(ports.Process, queue, serve);
        }
    }

    // What a control plane does each time; its own loop waits on real time, which there is none of here.
    private async Task LookAsync(ProcessPorts ports, Reconciler reconciler, ReconcilerLeases leases)
    {
        try
        {
            if (await leases.HoldAsync(Shape.Run, CancellationToken.None))
            {
                await reconciler.ReconcileAsync(Shape.Run, CancellationToken.None);
            }
        }
        catch (IOException e)
        {
            run.World.Note(ports.Process.Name, "fails", e.Message);
        }
    }

    private ProcessPorts Begin(string slot, bool isWorker)
    {
        var life = lives[slot] = lives.GetValueOrDefault(slot) + 1;
        var process = new SimulatedProcess(run.World, string.Create(CultureInfo.InvariantCulture, $"{slot}.{life}"), run.ClockError())
        {
            Slowness = FastestStep + run.World.Dice.NextDouble(),
        };
        run.World.Note(process.Name, "starts");
        return run.PortsOf(process, isWorker);
    }
}

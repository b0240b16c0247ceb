using System.Globalization;
using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Simulation.Tests;

/// <summary>The processes of a world: whatever dies is started again after a while, under a new name.</summary>
internal sealed class Fleet(SimulatedRun run)
{
    /// <summary>How long a step takes on the fastest machine, in usual ones.</summary>
    public const double FastestStep = 0.5;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PresenceEvery = WorkerDirectory.Timeout / 4;
    private readonly Dictionary<string, int> lives = new(StringComparer.Ordinal);

    /// <summary>Living workers and what they were given.</summary>
    public List<ProcessPorts> Workers { get; } = [];

    /// <summary>Workers that killed themselves.</summary>
    public int Deaths { get; private set; }

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
        if (run.Faults.SweepsEvery > TimeSpan.Zero)
        {
            StartSweeper("sweeper");
        }
    }

    /// <summary>Kills a process now; its successor starts after a while.</summary>
    public void Kill(ProcessPorts ports, TimeSpan away)
    {
        ports.Process.Kill();
        var slot = ports.Process.Name.Split('.')[0];
        Action<string> start = Workers.Remove(ports) ? StartWorker : ControlPlanes.Remove(ports) ? StartControlPlane : throw new InvalidOperationException(slot);
        run.World.After(away, () => start(slot));
    }

    /// <summary>A process kills itself.</summary>
    public void Die(SimulatedProcess process)
    {
        Deaths++;
        Kill(Workers.Single(worker => worker.Process == process), run.World.About(TimeSpan.FromSeconds(10)));
    }

    private void StartWorker(string slot)
    {
        var ports = Begin(slot, run.Shape.PoolOf(int.Parse(slot.AsSpan("worker-".Length), CultureInfo.InvariantCulture)));
        Workers.Add(ports);
        var trainers = new ChainTrainers(run, ports.Process);
        var presence = new WorkerPresence(ports.Blobs, ports.Worker, ports.Settings, trainers, ports.Process.Clock);
        var handler = new TrainSliceHandler(
            ports.Checkpoints, ports.Runs, trainers, ports.Worker, ports.Settings, presence, ports.Gate, ports.Queue, ports.Sender,
            new StoreReports(ports.Blobs, ports.Runs, ports.Events), ports.Stop, ports.Progress, ports.Process.Clock);
        run.Bus.Consume(ports.Process, QueueNames.Train(ports.Settings.Pool), ports.Serve(handler));
        Repeat(ports, "its presence", PresenceEvery, async () =>
        {
            if (!ports.HasInherited)
            {
                await presence.InheritAsync(await new WorkerDirectory(ports.Blobs).ReadAsync(CancellationToken.None), CancellationToken.None);
                ports.HasInherited = true;
            }

            await presence.RenewAsync(CancellationToken.None);
        });
    }

    private void StartControlPlane(string slot)
    {
        var ports = Begin(slot, pool: null);
        ControlPlanes.Add(ports);
        var placement = new PoolPlacement(ports.Checkpoints, new KnownWorkers(ports.Blobs, new WorkerDirectory(ports.Blobs), ports.Process.Clock), ports.Events, ports.Queue, ports.Settings);
        var reconciler = new Reconciler(
            ports.Runs, new RunObserver(ports.Blobs, ports.Checkpoints, ports.Worker, ports.Settings), ports.Checkpoints, ports.Events, ports.Sender,
            new DispatchLedger(ports.Settings, ports.Process.Clock), placement, ports.Progress);
        var leases = new ReconcilerLeases(ports.Blobs, ports.Worker, ports.Events, ports.Process.Clock);
        run.Bus.Consume(
            ports.Process, $"{QueueNames.ControlPlane}:{ports.Process.Name}", message => TryAsync(ports, () => LookAsync(ports, reconciler, leases, ((RunAdvanced)message).Role, isWoken: true)));
        Repeat(ports, "its periodic look", LookEvery, () => LookAsync(ports, reconciler, leases, null, isWoken: false));
    }

    private void StartStages(string slot)
    {
        var ports = Begin(slot, pool: null);
        var serve = ports.Serve(new StageStub(run, ports));
        foreach (var queue in new[] { QueueNames.Ingest, QueueNames.Features, QueueNames.Clustering, QueueNames.Publishing })
        {
            run.Bus.Consume(ports.Process, queue, serve);
        }
    }

    private void StartSweeper(string slot)
    {
        var ports = Begin(slot, PoolName.Local); // with the workers' bugs, if they have any
        Repeat(ports, "its sweep", run.Faults.SweepsEvery, async () =>
        {
            foreach (var role in run.Watch.Roles)
            {
                await ports.Checkpoints.SweepAsync(Shape.Run, role.Role, run.Shape.Retention, CancellationToken.None);
            }
        });
    }

    // What a control plane does each time; its own loop waits on real time, which there is none of here.
    private async Task LookAsync(ProcessPorts ports, Reconciler reconciler, ReconcilerLeases leases, string? role, bool isWoken)
    {
        if ((await ports.Runs.FindAsync(Shape.Run, CancellationToken.None))?.Value is { Status: RunStatus.Running } document
            && await leases.HoldAsync(Shape.Run, CancellationToken.None)
            && (isWoken || ports.Looked is not { } looked || RunKeeper.IsDue(document, run.World.Now - looked)))
        {
            ports.Looked = role is null ? run.World.Now : ports.Looked;
            await reconciler.ReconcileAsync(Shape.Run, role, CancellationToken.None);
        }
    }

    private void Repeat(ProcessPorts ports, string what, TimeSpan every, Func<Task> work) => ports.Process.Start(what, async () =>
    {
        while (true)
        {
            await TryAsync(ports, work);
            await Task.Delay(every, ports.Process.Clock);
        }
    });

    private async Task TryAsync(ProcessPorts ports, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (IOException e)
        {
            run.World.Note(ports.Process.Name, "fails", e.Message);
        }
    }

    private ProcessPorts Begin(string slot, string? pool)
    {
        var life = lives[slot] = lives.GetValueOrDefault(slot) + 1;
        var process = new SimulatedProcess(run.World, string.Create(CultureInfo.InvariantCulture, $"{slot}.{life}"), run.ClockError())
        {
            Slowness = FastestStep + run.World.Dice.NextDouble(),
        };
        run.World.Note(process.Name, "starts");
        return run.PortsOf(process, pool);
    }
}

namespace Ddm.Simulation.Tests;

/// <summary>Lets the faults of a plan happen, one after another, until the trouble ends.</summary>
internal sealed class Injector(SimulatedRun run)
{
    private static readonly TimeSpan Notice = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan BetweenLookAndUse = TimeSpan.FromMinutes(1);
    private readonly World world = run.World;

    public void Start()
    {
        if (run.Faults.Kinds.Count > 0)
        {
            Schedule();
        }
    }

    private void Schedule() => world.After(world.About(run.Faults.Every), () =>
    {
        if (world.Now < run.Faults.Until)
        {
            Happen(run.Faults.Kinds[world.Dice.Next(run.Faults.Kinds.Count)]);
            Schedule();
        }
    });

    private void Happen(FaultKind kind)
    {
        var minutes = world.Chance(12)
            ? world.Between(TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(60)) : world.Between(TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(4));
        switch (kind)
        {
            case FaultKind.ConnectionsClose:
                world.Note("broker", "closes all connections");
                run.Bus.CloseConnections();
                break;
            case FaultKind.BrokerRestarts or FaultKind.BrokerIsWiped:
                BreakBroker(minutes, empty: kind == FaultKind.BrokerIsWiped);
                break;
            case FaultKind.ControlPlaneDies:
                if (Pick(run.Fleet.ControlPlanes) is { } control)
                {
                    run.Fleet.Kill(control, minutes);
                }

                break;
            case FaultKind.CheckpointRots:
                Rot();
                break;
            default:
                if (Pick(run.Fleet.Workers) is { } worker)
                {
                    Trouble(worker, kind, minutes);
                }

                break;
        }
    }

    private void BreakBroker(TimeSpan time, bool empty)
    {
        if (run.Bus.IsUp)
        {
            run.Bus.GoDown();
            world.After(time, () => run.Bus.ComeUp(empty));
        }
    }

    private void Trouble(ProcessPorts worker, FaultKind kind, TimeSpan time)
    {
        var process = worker.Process;
        switch (kind)
        {
            case FaultKind.WorkerDies:
                run.Tally.Faults++;
                run.Fleet.Kill(worker, time);
                break;
            case FaultKind.WorkerIsPreempted:
                run.Tally.Faults++;
                world.Note(process.Name, "is told to stop");
                process.Start("its stop", () =>
                {
                    worker.Stop.Raise();
                    return Task.CompletedTask;
                });
                world.After(Notice, () =>
                {
                    if (process.Alive)
                    {
                        run.Fleet.Kill(worker, time);
                    }
                });
                break;
            case FaultKind.WorkerPauses when !process.Paused:
                run.Tally.Faults++;
                process.Pause();
                world.After(time, process.Wake);
                break;
            case FaultKind.WorkerLosesStore when !process.StoreCut:
                run.Tally.Faults++;
                process.StoreCut = true;
                world.Note(process.Name, "loses the store");
                world.After(time, () =>
                {
                    process.StoreCut = false;
                    world.Note(process.Name, "finds the store");
                });
                break;
            case FaultKind.WorkerLosesBroker when !process.BusCut:
                run.Bus.Cut(process, time);
                break;
            case FaultKind.WorkerIsSlow when process.Slowness < 2:
                run.Tally.Faults++;
                var usual = process.Slowness;
                process.Slowness = 10 * usual;
                world.Note(process.Name, "is slow");
                world.After(time, () => process.Slowness = usual);
                break;
        }
    }

    private void Rot()
    {
        var role = Pick([.. run.Watch.Roles.Where(role => role.Step > 0)]);
        if (role?.FindExpendable() is not { } folder)
        {
            return;
        }

        var inManifest = world.Chance(2);
        var name = folder + (inManifest ? "manifest.json" : ChainTrainer.Weights);
        if (world.Now - run.Store.LastRead(name) < BetweenLookAndUse)
        {
            return; // verified, and about to be loaded: that it stays so in between is believed
        }

        run.Tally.Faults++;
        role.Damaged(folder, inManifest);
        var bytes = run.Store.Read(name)!.Bytes.ToArray();
        bytes[world.Dice.Next(bytes.Length)] ^= 1;
        run.Store.Damage(name, bytes);
        world.Note("disk", "flips a bit", name);
    }

    private T? Pick<T>(List<T> list)
        where T : class => list.Count == 0 ? null : list[world.Dice.Next(list.Count)];
}

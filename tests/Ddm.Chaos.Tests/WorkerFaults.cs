using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Chaos.Tests;

/// <summary>What is done to processes.</summary>
internal sealed class WorkerFaults(ChaosRun run, Random random, ChaosLog log)
{
    /// <summary>A signal that ends a trainer at work; its place is taken, and its role goes on under another claim.</summary>
    public async Task<Fault> EndTrainerAsync(int number, FaultKind kind)
    {
        var (process, role, head) = await FindTrainerAsync();
        var fault = new Fault(number, kind, DateTimeOffset.UtcNow) { Process = process, Role = role };
        log.Add($"fault {number}: {kind} of {Supervisor.Name(process)}, which trains {role} from step {head.Step} at epoch {head.Epoch}");
        run.Services.End(process, kind == FaultKind.Kill ? Signals.Kill : Signals.Terminate);
        await RecoverAsync(process, kind);
        await TakenOnAsync(role, head);
        return fault;
    }

    /// <summary>A signal that ends a control plane: any number may stand by, and training asks none.</summary>
    public async Task<Fault> EndControlPlaneAsync(int number, FaultKind kind)
    {
        var all = run.Services.Running.Where(process => process.Name == "ControlPlane").ToArray();
        var process = all[random.Next(all.Length)];
        var heads = await run.HeadsAsync(TestContext.Current.CancellationToken);
        var lease = await run.Blobs.ReadJsonAsync<ReconcilerLease>(BlobNames.Reconciler(ChaosRun.Name), TestContext.Current.CancellationToken);
        var fault = new Fault(number, kind, DateTimeOffset.UtcNow) { Process = process, HeldLease = lease is { Value: var known } && Supervisor.IsOf(known.Worker, process) };
        log.Add($"fault {number}: {kind} of {Supervisor.Name(process)}{(fault.HeldLease ? ", which looks after the run" : "")}");
        run.Services.End(process, kind == FaultKind.Kill ? Signals.Kill : Signals.Terminate);
        await RecoverAsync(process, kind);
        await run.MovesOnAsync(heads, all: false);
        return fault;
    }

    /// <summary>A trainer that stands still until its role is another's, and then goes on as if nothing had been.</summary>
    public async Task<Fault> FreezeTrainerAsync(int number)
    {
        while (true)
        {
            var (process, role, head) = await FindTrainerAsync();
            var fault = new Fault(number, FaultKind.Freeze, DateTimeOffset.UtcNow) { Process = process, Role = role, Epoch = head.Epoch };
            process.Signal(Signals.Stop);
            try
            {
                if (await run.OwnerAsync(role, TestContext.Current.CancellationToken) != process)
                {
                    continue; // it had given the role back just before
                }

                log.Add($"fault {number}: Freeze of {Supervisor.Name(process)}, which trains {role} from step {head.Step} at epoch {head.Epoch}");
                await run.WaitAsync($"another takes {role} from a frozen worker", async token => await run.OwnerAsync(role, token) is { } owner && owner != process
                    || (await run.HeadsAsync(token))[role].Epoch > head.Epoch + 1);
                log.Add($"  {role} is another's; {Supervisor.Name(process)} wakes up");
            }
            finally
            {
                process.Signal(Signals.Continue);
            }

            await TakenOnAsync(role, head);
            return fault;
        }
    }

    private async Task RecoverAsync(ServiceProcess process, FaultKind kind)
    {
        await run.Services.ReplacedAsync(process);
        if (kind == FaultKind.Terminate)
        {
            Assert.True(process.ExitCode == 0, $"{Supervisor.Name(process)} ended of SIGTERM with exit code {process.ExitCode}{Environment.NewLine}{process.Output}");
        }
    }

    private Task TakenOnAsync(Role role, RoleHead before) => run.WaitAsync($"{role} goes on under another claim", async token =>
        (await run.HeadsAsync(token))[role] is var now && run.HasMoved(role, before, now) && (now.Epoch > before.Epoch || now.Step >= run.Targets[role]));

    private async Task<(ServiceProcess Process, Role Role, RoleHead Head)> FindTrainerAsync()
    {
        (ServiceProcess, Role, RoleHead)? found = null;
        await run.WaitAsync("a trainer is at work", async token =>
        {
            var heads = await run.HeadsAsync(token);
            var unfinished = run.Targets.Keys.Where(role => !run.IsDone(role, heads)).ToArray();
            Assert.True(unfinished.Length > 0, "The run has its steps before all faults were tried: give it more.");
            random.Shuffle(unfinished);
            foreach (var role in unfinished)
            {
                if (await run.OwnerAsync(role, token) is { } process)
                {
                    found = (process, role, heads[role]);
                    return true;
                }
            }

            return false;
        });
        return found!.Value;
    }
}

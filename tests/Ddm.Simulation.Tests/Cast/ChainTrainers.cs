using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Simulation.Tests;

/// <summary>Trainers of a process in a simulated run.</summary>
internal sealed class ChainTrainers(SimulatedRun run, SimulatedProcess process) : IRoleTrainers
{
    public async Task<IRoleTrainer> OpenAsync(RunDocument document, Role role, CancellationToken cancellationToken)
    {
        await Task.Delay(run.World.About(TimeSpan.FromSeconds(1)), process.Clock, cancellationToken); // reading the cluster
        return new ChainTrainer(run, process, role);
    }
}

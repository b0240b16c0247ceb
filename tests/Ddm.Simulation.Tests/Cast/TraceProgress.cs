using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Simulation.Tests;

/// <summary>What a process tells people, in the trace.</summary>
internal sealed class TraceProgress(World world, SimulatedProcess process) : IRunProgress
{
    public void Stage(RunStage stage, int done, int total)
    {
    }

    public void Training(TrainingProgress progress)
    {
    }

    public void Notice(string message) => world.Note(process.Name, "says", message);

    public void Ended(RunDocument document)
    {
    }
}

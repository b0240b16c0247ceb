using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Cli;

/// <summary>Of a command that does one thing to a run: what a person should know of it goes beside its answer.</summary>
internal sealed class NoticePrinter : IRunProgress
{
    public void Stage(RunStage stage, int done, int total)
    {
    }

    public void Training(TrainingProgress progress)
    {
    }

    public void Notice(string message) => Console.Error.WriteLine(message);

    public void Ended(RunDocument document)
    {
    }
}

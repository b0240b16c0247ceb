using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Cli;

/// <summary>Shows a run that is watched from outside as one that runs here is shown: what changed, and no more.</summary>
internal sealed class WatchedRun(ProgressDisplay display)
{
    private readonly Dictionary<string, RoleFacts> shown = new(StringComparer.Ordinal);

    /// <summary>How the run stood last.</summary>
    public RunFacts? Latest { get; private set; }

    /// <summary>Shows what was seen.</summary>
    public void Show(RunSighting sighting)
    {
        switch (sighting)
        {
            case RunSighting.Standing { Facts: var facts }:
                Show(facts);
                break;
            case RunSighting.Happening { Event: { Kind: not (RunEvent.Stage or RunEvent.Submitted or RunEvent.Failed) } e }:
                display.Notice(e.Kind == RunEvent.Notice ? Printable.Line(e.Text) : $"{e.Kind}: {Printable.Line(e.Text)}");
                break;
            case RunSighting.Note { Text: var text }:
                display.Notice(text);
                break;
        }
    }

    private void Show(RunFacts facts)
    {
        if (facts.Stage != Latest?.Stage)
        {
            display.Stage(facts.Stage, 0, 1);
        }

        if (facts.Status == RunStatus.Paused && Latest?.Status != RunStatus.Paused)
        {
            display.Notice($"{facts.Run} is paused; go on with: ddm resume {facts.Run}");
        }

        foreach (var role in facts.Roles)
        {
            if (shown.GetValueOrDefault(role.Role) is { } before && before == role)
            {
                continue;
            }

            shown[role.Role] = role;
            display.Training(new TrainingProgress(
                Role.Parse(role.Role), role.Step, role.Target, role.ImagesPerSecond ?? 0, role.Loss, role.Step, role.CommittedAt, role.Worker is not null));
        }

        Latest = facts;
        if (facts.HasEnded)
        {
            display.Ended(facts);
        }
    }
}

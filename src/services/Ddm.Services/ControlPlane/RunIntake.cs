using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>
/// Takes specs in from people who are not on this machine, by HTTP or by message: the same checks as <see cref="RunSubmission"/>, and paths only under
/// <see cref="SourceRoots"/>. By name it is idempotent: the same spec again changes nothing, also where its run failed.
/// </summary>
public sealed class RunIntake(RunRepository runs, RunSubmission submission, SourceRoots roots, ICommandSender sender, ILogger<RunIntake> log)
{
    /// <summary>What mistakes call the text.</summary>
    public const string TextName = "spec";

    // The decision stands once its document does; a broker that is away must not hold up the answer.
    private static readonly TimeSpan LongestWakeUp = TimeSpan.FromSeconds(5);

    /// <summary>Creates the run of a spec unless it exists.</summary>
    /// <param name="specText">The YAML, or the JSON that means the same.</param>
    /// <param name="root">Folder on this machine that its paths start at; null: the first of <see cref="SourceRoots"/>.</param>
    /// <param name="cancellationToken">Stops the submission.</param>
    public async Task<IntakeOutcome> TakeAsync(string specText, string? root, CancellationToken cancellationToken)
    {
        var reading = RunSpecReader.Check(specText, TextName);
        if (reading.Spec is not { } spec)
        {
            return new IntakeOutcome.Mistaken(reading.Mistakes);
        }

        if (await FindAsync(spec, cancellationToken) is { } found)
        {
            // Whoever created it may have been cut off before anyone was woken for it.
            if (found is IntakeOutcome.Existing { Document: { Status: RunStatus.Running } waiting })
            {
                await WakeAsync(waiting.Name, cancellationToken);
            }

            return found;
        }

        RunDocument? document;
        try
        {
            var folder = root ?? roots.Default;
            roots.Require(spec, folder);
            document = await submission.TryCreateAsync(spec, specText, Path.Combine(folder, spec.Name + ".yaml"), cancellationToken);
        }
        catch (UserErrorException e) when (!e.MayPass) // else it is the store's trouble, not the spec's
        {
            return new IntakeOutcome.Refused(e.Message);
        }

        if (document is null)
        {
            // Somebody else was first: what that run says counts.
            return await FindAsync(spec, cancellationToken) ?? new IntakeOutcome.Refused($"Run '{spec.Name}' was removed at this moment; submit it again.");
        }

        await WakeAsync(document.Name, cancellationToken);
        return new IntakeOutcome.Created(document);
    }

    private async Task<IntakeOutcome?> FindAsync(RunSpec asked, CancellationToken cancellationToken)
    {
        if (await runs.FindAsync(asked.Name, cancellationToken) is not { } existing)
        {
            return null;
        }

        var differences = RunSpecReader.Differences(existing.Value.Spec, asked);
        return differences.Count == 0 && existing.Value.Status != RunStatus.Removing
            ? new IntakeOutcome.Existing(existing.Value)
            : new IntakeOutcome.Taken(existing.Value.Name, differences);
    }

    private async Task WakeAsync(string run, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(LongestWakeUp);
        try
        {
            await sender.AdvancedAsync(run, patience.Token);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            log.LogWarning(e, "Run {Run} is created, but nobody could be woken for it; the next look at all runs finds it", run);
        }
    }
}

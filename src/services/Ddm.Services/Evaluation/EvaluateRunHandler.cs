using Ddm.Evaluation;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Measures a finished run and writes its report: grids first, then the page, then the manifest that says the stage is over.</summary>
public sealed class EvaluateRunHandler(IBlobStore blobs, RunRepository runs, ModelCatalog catalog, LostSteps lost, RunReportBuilder reports, ICommandSender sender) : ICommandHandler<EvaluateRun>
{
    /// <inheritdoc/>
    public async Task HandleAsync(EvaluateRun command, CancellationToken cancellationToken)
    {
        var document = await runs.GetAsync(command.Run, cancellationToken);
        if (document.Stage != RunStage.Evaluate)
        {
            return; // a message that comes late: it is done, or the run was sent back and has no last steps to measure
        }

        var model = await catalog.OfRunAsync(document, cancellationToken);
        if (await lost.SendBackAsync(document, [.. model.Experts, model.Router], cancellationToken))
        {
            await sender.AdvancedAsync(command.Run, cancellationToken);
            return;
        }

        var report = await reports.BuildAsync(document, model, cancellationToken);
        var html = System.Text.Encoding.UTF8.GetBytes(ReportWriter.Write(report));
        await blobs.TryWriteAsync(BlobNames.SampleGrid(command.Run), report.Grids[0].Png, WriteCondition.Any, cancellationToken);
        await blobs.TryWriteAsync(BlobNames.Report(command.Run), html, WriteCondition.Any, cancellationToken);
        var summary = new EvaluationSummary(report.WrittenAt, report.Router, report.Roles.Sum(r => r.TrainingFlops), RouterShare(report), report.Captions);
        await blobs.TryWriteJsonAsync(BlobNames.EvaluationManifest(command.Run), summary, WriteCondition.Any, cancellationToken);
        await sender.AdvancedAsync(command.Run, cancellationToken);
    }

    private static double RouterShare(ReportModel report)
        => report.Roles.Where(r => r.IsRouter).Sum(r => r.TrainingFlops) / report.Roles.Sum(r => r.TrainingFlops);
}

/// <summary>The evaluation's figures for machines.</summary>
/// <param name="At">When it was measured.</param>
/// <param name="Router">The router on held-out rows.</param>
/// <param name="TrainingFlops">All roles together.</param>
/// <param name="RouterShare">The router's part of them, 0 to 1.</param>
/// <param name="Captions">What captions are worth; null without captions.</param>
public sealed record EvaluationSummary(DateTimeOffset At, RouterReport? Router, double TrainingFlops, double RouterShare, CaptionReport? Captions = null);

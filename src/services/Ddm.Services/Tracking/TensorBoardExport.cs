using System.Globalization;
using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>
/// Brings TensorBoard event files up to what a run's blobs hold, a folder a role: <c>{folder}/{run}/experts/0/</c>. Only committed steps are written, each
/// once, whether it is called after every commit, once at the end or again after a crash: a file goes on after the last step it holds.
/// </summary>
public sealed class TensorBoardExport(IBlobStore blobs, CheckpointStore checkpoints, RunRepository runs, string folder)
{
    private const string SamplesTag = "samples";

    /// <summary>Adds what is committed and not yet there.</summary>
    /// <returns>Steps added.</returns>
    /// <exception cref="UserErrorException">There is no such run.</exception>
    public async Task<long> SyncAsync(string run, CancellationToken cancellationToken)
    {
        var document = await runs.GetAsync(run, cancellationToken);
        var added = 0L;
        foreach (var role in document.Roles.Select(r => Role.Parse(r.Role)))
        {
            using var file = Open(document, role.Path);
            foreach (var (at, metrics) in await SinceAsync(run, role, file.LastStep, cancellationToken))
            {
                file.AddScalars(at, metrics.Step, Scalars(metrics));
                added++;
            }
        }

        await AddSamplesAsync(document, cancellationToken);
        return added;
    }

    private static IEnumerable<(string Tag, double Value)> Scalars(StepMetrics metrics)
    {
        yield return ("loss", metrics.Loss);
        yield return ("grad_norm", metrics.GradNorm);
        yield return ("learning_rate", metrics.LearningRate);
        yield return ("images_per_second", metrics.Images / metrics.Seconds);
        if (metrics.HeldOutLoss is { } heldOut)
        {
            yield return ("held_out_loss", heldOut);
        }
    }

    // One name for one run, so that a later call finds the file of an earlier one.
    private EventFile Open(RunDocument document, string part)
    {
        var begun = document.SubmittedAt.ToUnixTimeSeconds();
        var name = string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{begun:D10}.ddm");
        return EventFile.Open(Path.Combine([folder, document.Name, .. part.Split('/'), name]), document.SubmittedAt);
    }

    private async Task<List<(DateTimeOffset At, StepMetrics Metrics)>> SinceAsync(string run, Role role, long step, CancellationToken cancellationToken)
    {
        var found = new List<(DateTimeOffset, StepMetrics)>();
        foreach (var checkpoint in (await checkpoints.HistoryAsync(run, role, step, cancellationToken)).Reverse())
        {
            var steps = await RunMetrics.ReadAsync(blobs, checkpoint.Folder, cancellationToken);
            var left = steps.Sum(m => m.Seconds); // the commit's time is known, the steps' are counted back from it
            foreach (var metrics in steps)
            {
                left -= metrics.Seconds;
                if (metrics.Step > step)
                {
                    found.Add((checkpoint.Manifest.CommittedAt.AddSeconds(-left), metrics));
                }
            }
        }

        return found;
    }

    private async Task AddSamplesAsync(RunDocument document, CancellationToken cancellationToken)
    {
        if (await blobs.ReadAsync(BlobNames.SampleGrid(document.Name), cancellationToken) is not { } grid)
        {
            return;
        }

        var step = document.Spec.Experts.Steps;
        using var file = Open(document, SamplesTag);
        if (file.LastStep < step)
        {
            var picture = ImageCodec.DecodePng(grid.Bytes);
            file.AddImage(grid.LastModified, step, SamplesTag, picture.Width, picture.Height, picture.Channels, grid.Bytes);
        }
    }
}

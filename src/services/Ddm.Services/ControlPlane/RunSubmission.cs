using System.Diagnostics;
using System.Globalization;
using Ddm.Data;
using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Takes a spec in: creates its run, or finds the run it already made.</summary>
public sealed class RunSubmission(
    IBlobStore blobs, CheckpointStore checkpoints, RunRepository runs, OpenSources sources, RoleNumerics numerics, RunEvents events, RunRepair repair, IRunProgress progress, TimeProvider time)
{
    /// <summary>Creates the run of a spec, or resumes it when it exists with the same spec.</summary>
    /// <param name="specText">The YAML.</param>
    /// <param name="specFile">Its file, for messages and for paths relative to it.</param>
    /// <param name="cancellationToken">Stops the submission.</param>
    /// <returns>The run's document, and whether it existed.</returns>
    /// <exception cref="UserErrorException">The spec is wrong, the data cannot be read, or the run exists with another spec.</exception>
    public async Task<(RunDocument Document, bool Resumed)> SubmitAsync(string specText, string specFile, CancellationToken cancellationToken)
    {
        var spec = RunSpecReader.Read(specText, specFile);
        if (await runs.FindAsync(spec.Name, cancellationToken) is { } existing)
        {
            return (await ResumeAsync(existing.Value, spec, specFile, cancellationToken), true);
        }

        // Null: somebody else was first, and now it exists.
        return await TryCreateAsync(spec, specText, specFile, cancellationToken) is { } created
            ? (created, false)
            : await SubmitAsync(specText, specFile, cancellationToken);
    }

    /// <summary>Creates the run of a spec that was read from <paramref name="specText"/>; null, and nothing was changed, when its name is taken.</summary>
    /// <exception cref="UserErrorException">The data or a weights file cannot be read, or does not fit.</exception>
    internal async Task<RunDocument?> TryCreateAsync(RunSpec spec, string specText, string specFile, CancellationToken cancellationToken)
    {
        var root = Path.GetDirectoryName(Path.GetFullPath(specFile))!;
        ImageEncoders.Require(spec.Features, root);
        LatentCodec.Require(spec, root);
        ShardBytes.Require(spec, CaptionEncoders.Expected(spec.Text, root));
        var source = sources.Open(spec.Data, root);
        var seed = RunSeeds.Look(spec, root, source.Source.ClassNames.Count);
        var version = await NextVersionAsync(spec.Name, cancellationToken);
        var document = Create(spec, specText, root, source, version) with
        {
            Init = seed is null ? null : new RunSeed(seed.File, seed.Sha256),
            Numerics = await numerics.ChooseAsync(spec, cancellationToken),
        };
        if (!await runs.TryCreateAsync(document, cancellationToken))
        {
            return null;
        }

        await repair.RepairAsync(document, cancellationToken); // the document may be all that was lost
        await events.AddAsync(document.Name, RunEvent.Submitted, specFile, cancellationToken);
        await events.AddAsync(document.Name, RunEvent.Stage, document.Stage.ToString(), cancellationToken);
        if (seed is not null)
        {
            progress.Notice(seed.Describe());
        }

        return document;
    }

    // A run that was removed may have left published versions of its name: they are never replaced.
    private async Task<string> NextVersionAsync(string name, CancellationToken cancellationToken)
    {
        var newest = 0;
        await foreach (var blob in blobs.ListAsync($"{BlobNames.Models}{name}/", cancellationToken))
        {
            var version = blob.Name.Split('/')[2];
            if (version.StartsWith('v') && int.TryParse(version.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                newest = Math.Max(newest, number);
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"v{newest + 1}");
    }

    private RunDocument Create(RunSpec spec, string specText, string root, (string DatasetId, IImageSource Images) source, string version)
    {
        return new RunDocument
        {
            Name = spec.Name,
            Spec = spec,
            SpecText = specText,
            SourceRoot = root,
            SubmittedAt = time.GetUtcNow(),
            Trace = Activity.Current?.Id,
            DatasetId = source.DatasetId,
            ShardCount = DatasetIngest.ShardCount(spec.Data, source.Images),
            ModelVersion = version,
        };
    }

    // A run that failed is taken up again: what stopped it may be mended, and nothing that was committed is lost.
    private async Task<RunDocument> ResumeAsync(RunDocument document, RunSpec asked, string specFile, CancellationToken cancellationToken)
    {
        if (document.Status == RunStatus.Removing)
        {
            throw new UserErrorException($"run '{document.Name}' is half removed. Finish with 'ddm rm {document.Name}', then start it anew.");
        }

        var differences = RunSpecReader.Differences(document.Spec, asked);
        if (differences.Count > 0)
        {
            throw new UserErrorException(
                $"{specFile}: run '{asked.Name}' exists with another spec:{Environment.NewLine}"
                + string.Join(Environment.NewLine, differences.Select(d => "  " + d)) + Environment.NewLine
                + "A run's spec never changes. Give the new spec another 'name:', or undo the change to go on with this run.");
        }

        if (document.Status is RunStatus.Paused or RunStatus.Cancelled)
        {
            return document; // a person stopped it: only a person's word takes it up again
        }

        await events.AddAsync(document.Name, RunEvent.Resumed, document.Failure ?? $"at stage {document.Stage}", cancellationToken);
        foreach (var role in document.Roles)
        {
            await blobs.DeleteAsync(BlobNames.RoleFailure(document.Name, Role.Parse(role.Role)), cancellationToken);
        }

        await repair.RepairAsync(document, cancellationToken);
        foreach (var role in document.Roles.Where(role => role.Status != RoleStatus.Complete))
        {
            await checkpoints.FreeAsync(document.Name, Role.Parse(role.Role), cancellationToken); // whoever takes it up again has seen its failures
        }

        var relisted = await RelistAsync(document, cancellationToken);
        return await runs.UpdateAsync(document.Name, d => relisted(d.Status == RunStatus.Failed ? RunControl.Reopen(d) : d), cancellationToken);
    }

    // Until the data set is sealed nothing rests on it: pictures that were mended, removed or added since are listed anew.
    private async Task<Func<RunDocument, RunDocument>> RelistAsync(RunDocument document, CancellationToken cancellationToken)
    {
        if (document.Stage > RunStage.FitFeatures || await blobs.ExistsAsync(BlobNames.DatasetManifest(document.DatasetId!), cancellationToken))
        {
            return d => d;
        }

        var (id, source) = sources.Open(document.Spec.Data, document.SourceRoot);
        var shards = DatasetIngest.ShardCount(document.Spec.Data, source);
        return id == document.DatasetId ? d => d : d => d with { DatasetId = id, ShardCount = shards, Stage = RunStage.Ingest };
    }
}

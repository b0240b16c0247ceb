using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using Ddm.Training;
using TorchSharp;

namespace Ddm.Services;

/// <summary>Takes a spec in: creates its run, or finds the run it already made.</summary>
public sealed class RunSubmission(
    IBlobStore blobs, RunRepository runs, OpenSources sources, RunEvents events, RunRepair repair, TimeProvider time)
{
    private const string FirstVersion = "v1";

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

        var root = Path.GetDirectoryName(Path.GetFullPath(specFile))!;
        var document = Create(spec, specText, root, sources.Open(spec.Data, root));
        if (!await runs.TryCreateAsync(document, cancellationToken))
        {
            return await SubmitAsync(specText, specFile, cancellationToken); // somebody else was first: now it exists
        }

        await repair.RepairAsync(document, cancellationToken); // the document may be all that was lost
        await events.AddAsync(document.Name, RunEvent.Submitted, specFile, cancellationToken);
        await events.AddAsync(document.Name, RunEvent.Stage, document.Stage.ToString(), cancellationToken);
        return (document, false);
    }

    private RunDocument Create(RunSpec spec, string specText, string root, (string DatasetId, IImageSource Images) source)
    {
        var experts = Enumerable.Range(0, spec.Partition.Experts).Select(Role.Expert);
        var roles = experts.Append(Role.Router);
        var device = torch.cuda.is_available() ? torch.CUDA : torch.CPU;
        var threads = spec.Execution.Threads ?? Environment.ProcessorCount;
        return new RunDocument
        {
            Name = spec.Name,
            Spec = spec,
            SpecText = specText,
            SourceRoot = root,
            SubmittedAt = time.GetUtcNow(),
            DatasetId = source.DatasetId,
            ShardCount = DatasetIngest.ShardCount(spec.Data, source.Images),
            Numerics = roles.ToDictionary(
                role => role.Path,
                role => TorchRuntime.Describe(device, spec.Execution.MicroBatch ?? Roles.Training(spec, role).Batch, threads)),
            ModelVersion = FirstVersion,
        };
    }

    // A run that failed is taken up again: what stopped it may be mended, and nothing that was committed is lost.
    private async Task<RunDocument> ResumeAsync(RunDocument document, RunSpec asked, string specFile, CancellationToken cancellationToken)
    {
        var differences = RunSpecReader.Differences(document.Spec, asked);
        if (differences.Count > 0)
        {
            throw new UserErrorException(
                $"{specFile}: run '{asked.Name}' exists with another spec:{Environment.NewLine}"
                + string.Join(Environment.NewLine, differences.Select(d => "  " + d)) + Environment.NewLine
                + "A run's spec never changes. Give the new spec another 'name:', or undo the change to go on with this run.");
        }

        await events.AddAsync(document.Name, RunEvent.Resumed, document.Failure ?? $"at stage {document.Stage}", cancellationToken);
        foreach (var role in document.Roles)
        {
            await blobs.DeleteAsync(BlobNames.RoleFailure(document.Name, Role.Parse(role.Role)), cancellationToken);
        }

        await repair.RepairAsync(document, cancellationToken);
        return await runs.UpdateAsync(document.Name, d => d.Status == RunStatus.Failed ? Reopen(d) : d, cancellationToken);
    }

    private static RunDocument Reopen(RunDocument document) => document with
    {
        Status = RunStatus.Running,
        Failure = null,
        Refused = false,
        Roles = [.. document.Roles.Select(r => r.Status == RoleStatus.Failed ? r with { Status = RoleStatus.Training, Failure = null } : r)],
    };
}

using Ddm.Runs;
using Ddm.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services;

/// <summary>A blob that nothing references.</summary>
/// <param name="Kind">Why it may go: <c>superseded checkpoint</c>, <c>data set no run uses</c>, ...</param>
/// <param name="Name">Its name.</param>
/// <param name="Bytes">Its length.</param>
public sealed record Garbage(string Kind, string Name, long Bytes);

/// <summary>
/// Finds what nothing references and removes it, beside running processes too: a blob younger than an hour by the store's own clock is never touched where
/// something may be about to name it, and what goes, goes in an order that leaves nothing half there that looks whole.
/// </summary>
public sealed class GarbageCollection(IBlobStore blobs)
{
    /// <summary>Kinds of garbage.</summary>
    public const string Checkpoint = "superseded or orphan checkpoint", Weights = "weights no model names", Dataset = "data set no run uses", Removed = "half-removed run",
        Leftover = "leftover of a crashed write";

    /// <summary>How old a blob that nothing names must be.</summary>
    public static readonly TimeSpan SafeAge = TimeSpan.FromHours(1);

    private readonly RunRepository runs = new(blobs);

    /// <summary>All there is, in the order in which it must go.</summary>
    /// <param name="taken">Runs that a process works on; one of these without a document is about to begin, and data sets stay for its sake.</param>
    /// <param name="cancellationToken">Stops the look.</param>
    public async Task<IReadOnlyList<Garbage>> FindAsync(IReadOnlyCollection<string> taken, CancellationToken cancellationToken)
    {
        var now = await blobs.ReadClockAsync(cancellationToken);
        var documents = new List<RunDocument>();
        foreach (var name in await runs.NamesAsync(cancellationToken))
        {
            if (await runs.FindAsync(name, cancellationToken) is { } found)
            {
                documents.Add(found.Value);
            }
        }

        var garbage = new List<Garbage>();
        foreach (var document in documents)
        {
            garbage.AddRange(document.Status != RunStatus.Removing ? await CheckpointsAsync(document, cancellationToken)
                : taken.Contains(document.Name) ? [] : await RemovedAsync(document, cancellationToken));
        }

        garbage.AddRange(await WeightsAsync(documents, now, cancellationToken));
        if (taken.All(run => documents.Any(document => document.Name == run)))
        {
            garbage.AddRange(await DatasetsAsync(documents, now, cancellationToken));
        }

        return garbage;
    }

    /// <summary>Removes what was found.</summary>
    public async Task RemoveAsync(IEnumerable<Garbage> garbage, CancellationToken cancellationToken)
    {
        foreach (var blob in garbage)
        {
            await blobs.DeleteAsync(blob.Name, cancellationToken);
        }
    }

    private async Task<List<Garbage>> CheckpointsAsync(RunDocument document, CancellationToken cancellationToken)
    {
        var garbage = new List<Garbage>();
        foreach (var role in document.Roles.Select(r => Role.Parse(r.Role)))
        {
            var found = await Checkpoints().FindSweepableAsync(document.Name, role, document.Spec.Execution.Retention, cancellationToken);
            garbage.AddRange(found.Select(blob => new Garbage(Checkpoint, blob.Name, blob.Length)));
        }

        return garbage;
    }

    private async Task<List<Garbage>> RemovedAsync(RunDocument document, CancellationToken cancellationToken)
    {
        var listed = await blobs.ListAsync(BlobNames.Run(document.Name), cancellationToken).ToListAsync(cancellationToken);
        return [.. listed.OrderBy(blob => blob.Name == BlobNames.RunDocument(document.Name)).Select(blob => new Garbage(Removed, blob.Name, blob.Length))];
    }

    private async Task<List<Garbage>> WeightsAsync(List<RunDocument> documents, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var named = await NamedWeightsAsync(documents, cancellationToken);
        var garbage = new List<Garbage>();
        await foreach (var blob in blobs.ListAsync(BlobNames.PublishedWeights, cancellationToken))
        {
            if (now - blob.LastModified >= SafeAge && !named.Contains(blob.Name))
            {
                garbage.Add(new Garbage(Weights, blob.Name, blob.Length));
            }
        }

        return garbage;
    }

    private async Task<HashSet<string>> NamedWeightsAsync(List<RunDocument> documents, CancellationToken cancellationToken)
    {
        var named = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var blob in blobs.ListAsync(BlobNames.Models, cancellationToken))
        {
            if (blob.Name.EndsWith("/manifest.json", StringComparison.Ordinal)
                && await blobs.ReadJsonAsync<ModelManifest>(blob.Name, cancellationToken) is { } model)
            {
                named.UnionWith(model.Value.Blobs().Select(blob => blob.Name));
            }
        }

        // A run may be about to publish weights that an earlier try of it copied: these count as named.
        foreach (var document in documents.Where(d => d.Status is RunStatus.Running or RunStatus.Failed or RunStatus.Paused or RunStatus.Cancelled))
        {
            foreach (var role in document.Roles.Select(r => Role.Parse(r.Role)))
            {
                foreach (var checkpoint in await Checkpoints().HistoryAsync(document.Name, role, cancellationToken))
                {
                    named.UnionWith(checkpoint.Manifest.Parts.Select(part => BlobNames.Weights(part.Sha256)));
                }
            }
        }

        return named;
    }

    private async Task<List<Garbage>> DatasetsAsync(List<RunDocument> documents, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var used = documents.Select(document => document.DatasetId).ToHashSet();
        var listed = await blobs.ListAsync(BlobNames.Datasets, cancellationToken).ToListAsync(cancellationToken);
        return
        [
            .. listed.GroupBy(blob => blob.Name.Split('/')[1])
                .Where(dataset => !used.Contains(dataset.Key) && dataset.All(blob => now - blob.LastModified >= SafeAge))
                .SelectMany(dataset => dataset.OrderBy(Order).Select(blob => new Garbage(Dataset, blob.Name, blob.Length))),
        ];

        // What says that something is there goes before it: the manifest, then the shards' records, then the shards.
        static int Order(BlobInfo blob) => blob.Name.EndsWith("/manifest.json", StringComparison.Ordinal) ? 0 : blob.Name.EndsWith(".json", StringComparison.Ordinal) ? 1 : 2;
    }

    private CheckpointStore Checkpoints() => new(blobs, TimeProvider.System, NullLogger.Instance);
}

using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>The run documents: the decisions of each run, moved by compare-and-swap.</summary>
public sealed class RunRepository(IBlobStore blobs)
{
    /// <summary>The run's document with its ETag, or null.</summary>
    public Task<(RunDocument Value, string ETag)?> FindAsync(string run, CancellationToken cancellationToken)
        => blobs.ReadJsonAsync<RunDocument>(BlobNames.RunDocument(run), cancellationToken);

    /// <summary>The run's document.</summary>
    /// <exception cref="UserErrorException">There is no such run.</exception>
    public async Task<RunDocument> GetAsync(string run, CancellationToken cancellationToken)
        => (await FindAsync(RunName.Require(run), cancellationToken) ?? throw await UnknownAsync(run, cancellationToken)).Value;

    /// <summary>Creates the document; false when the run exists.</summary>
    public async Task<bool> TryCreateAsync(RunDocument document, CancellationToken cancellationToken)
        => await blobs.TryWriteJsonAsync(BlobNames.RunDocument(document.Name), document, WriteCondition.IfAbsent, cancellationToken) is not null;

    /// <summary>Replaces the document that had this ETag; false when somebody else was first.</summary>
    public async Task<bool> TryReplaceAsync(RunDocument document, string etag, CancellationToken cancellationToken)
        => await blobs.TryWriteJsonAsync(BlobNames.RunDocument(document.Name), document, WriteCondition.IfMatch(etag), cancellationToken) is not null;

    /// <summary>Reads, changes and replaces the document until no one interferes.</summary>
    public async Task<RunDocument> UpdateAsync(string run, Func<RunDocument, RunDocument> change, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (document, etag) = await FindAsync(run, cancellationToken) ?? throw await UnknownAsync(run, cancellationToken);
            var next = change(document);
            if (ReferenceEquals(next, document) || await TryReplaceAsync(next, etag, cancellationToken))
            {
                return next;
            }
        }
    }

    /// <summary>The names of all runs, sorted.</summary>
    public async Task<IReadOnlyList<string>> NamesAsync(CancellationToken cancellationToken)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        await foreach (var blob in blobs.ListAsync(BlobNames.Runs, cancellationToken))
        {
            var rest = blob.Name[BlobNames.Runs.Length..];
            var slash = rest.IndexOf('/', StringComparison.Ordinal);
            if (slash > 0 && blob.Name == BlobNames.RunDocument(rest[..slash]))
            {
                names.Add(rest[..slash]);
            }
        }

        return [.. names];
    }

    private async Task<UserErrorException> UnknownAsync(string run, CancellationToken cancellationToken)
    {
        var names = await NamesAsync(cancellationToken);
        var known = names.Count == 0 ? "there are no runs yet; start one with 'ddm run SPEC.yaml'" : "runs here: " + string.Join(", ", names);
        return new UserErrorException($"run '{run}' does not exist; {known}. (Another home? Give --home DIR or set DDM_HOME.)");
    }
}

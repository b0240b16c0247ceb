using System.Collections.Concurrent;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>The run documents: the decisions of each run, moved by compare-and-swap.</summary>
public sealed class RunRepository(IBlobStore blobs)
{
    /// <summary>Documents kept from which those of runs that do not go on are let go.</summary>
    private const int MostSeen = 256;

    private readonly ConcurrentDictionary<string, RunDocument> seen = new(StringComparer.Ordinal);

    /// <summary>The run's document with its ETag, or null.</summary>
    /// <exception cref="UserErrorException">It is damaged, another run's, or a newer version's.</exception>
    public async Task<(RunDocument Value, string ETag)?> FindAsync(string run, CancellationToken cancellationToken)
    {
        var name = BlobNames.RunDocument(run);
        try
        {
            if (await blobs.ReadJsonAsync<RunDocument>(name, cancellationToken) is not { } found)
            {
                return null;
            }

            return found.Value.Schema > RunDocument.CurrentSchema
                ? throw new UserErrorException(
                    $"{name} has schema {found.Value.Schema}, this version reads up to {RunDocument.CurrentSchema}: upgrade before you go on with the run.")
                : found.Value.Name != run
                ? throw new UserErrorException($"{name} is the document of run '{found.Value.Name}', not of '{run}': bring this run's own back.")
                : Remember(found);
        }
        catch (InvalidDataException e)
        {
            throw new UserErrorException(
                $"{e.Message} Restore the blob from a backup, or delete it and run the same command with the unchanged spec: what is done already is found again.", e);
        }
    }

    /// <summary>The run's document.</summary>
    /// <exception cref="UserErrorException">There is no such run.</exception>
    public async Task<RunDocument> GetAsync(string run, CancellationToken cancellationToken)
        => (await FindAsync(RunName.Require(run), cancellationToken) ?? throw await UnknownAsync(run, cancellationToken)).Value;

    /// <summary>The document as this process saw it last, without a look; null where it never did.</summary>
    internal RunDocument? LastSeen(string run) => seen.GetValueOrDefault(run);

    /// <summary>Creates the document; false when the run exists.</summary>
    public async Task<bool> TryCreateAsync(RunDocument document, CancellationToken cancellationToken)
        => await blobs.TryWriteJsonAsync(BlobNames.RunDocument(document.Name), document, WriteCondition.IfAbsent, cancellationToken) is not null && Remember(document);

    /// <summary>Replaces the document that had this ETag; false when somebody else was first.</summary>
    public async Task<bool> TryReplaceAsync(RunDocument document, string etag, CancellationToken cancellationToken)
        => await blobs.TryWriteJsonAsync(BlobNames.RunDocument(document.Name), document, WriteCondition.IfMatch(etag), cancellationToken) is not null && Remember(document);

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

    /// <summary>Writes why a run stops.</summary>
    /// <returns>Null; or the document as it should read where even that could not be written, on a full disk say: whoever waits must be told.</returns>
    public async Task<RunDocument?> FailAsync(string run, string reason, bool refused, CancellationToken cancellationToken)
    {
        try
        {
            await UpdateAsync(run, Fail, cancellationToken);
            return null;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The disk, or the document itself, may be the trouble: what was seen of it last must do.
            return seen.TryGetValue(run, out var last) ? Fail(last) : null;
        }

        RunDocument Fail(RunDocument document) => document.Status is RunStatus.Paused or RunStatus.Cancelled or RunStatus.Removing
            ? document // a person stopped it: what is wrong is met again when it is taken up again
            : document with { Status = RunStatus.Failed, Failure = reason, Refused = refused || document.Refused };
    }

    /// <summary>The names of all runs, sorted.</summary>
    public Task<IReadOnlyList<string>> NamesAsync(CancellationToken cancellationToken) => NamesAsync("", int.MaxValue, cancellationToken);

    /// <summary>The names of runs that come after <paramref name="after"/>, sorted, <paramref name="most"/> at most. Looks at folders alone, whatever is in them.</summary>
    public async Task<IReadOnlyList<string>> NamesAsync(string after, int most, CancellationToken cancellationToken)
    {
        var names = new List<string>();
        foreach (var name in (await blobs.ListFoldersAsync(BlobNames.Runs, cancellationToken)).SkipWhile(name => string.CompareOrdinal(name, after) <= 0))
        {
            if (names.Count == most)
            {
                break;
            }

            if (await blobs.ExistsAsync(BlobNames.RunDocument(name), cancellationToken))
            {
                names.Add(name); // without a document it is half removed
            }
        }

        return names;
    }

    private (RunDocument Value, string ETag) Remember((RunDocument Value, string ETag) found)
    {
        Remember(found.Value);
        return found;
    }

    private bool Remember(RunDocument document)
    {
        if (seen.Count >= MostSeen && !seen.ContainsKey(document.Name))
        {
            foreach (var (run, _) in seen.Where(other => other.Value.Status != RunStatus.Running))
            {
                seen.TryRemove(run, out _);
            }
        }

        seen[document.Name] = document;
        return true;
    }

    private async Task<UserErrorException> UnknownAsync(string run, CancellationToken cancellationToken)
    {
        var names = await NamesAsync(cancellationToken);
        var known = names.Count == 0 ? "there are no runs yet; start one with 'ddm run SPEC.yaml'" : "runs here: " + string.Join(", ", names);
        return new UserErrorException($"run '{run}' does not exist; {known}. (Another home? Give --home DIR or set DDM_HOME.)");
    }
}

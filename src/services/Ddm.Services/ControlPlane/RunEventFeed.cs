using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>
/// A run's events in the order in which the store took them in, each with an id to go on from. Writers number only their own events and their clocks differ, so the
/// store's clock orders them; what is younger than <see cref="Settle"/> may still be overtaken and has no fixed place yet.
/// </summary>
/// <param name="blobs">The store.</param>
/// <param name="run">The run.</param>
public sealed class RunEventFeed(IBlobStore blobs, string run)
{
    /// <summary>Longer than the grain of any store's timestamps (Azure: 1 s) and than one write takes.</summary>
    public static readonly TimeSpan Settle = TimeSpan.FromSeconds(2);

    private const string Extension = ".jsonl";
    private readonly string folder = BlobNames.Events(run);
    private readonly HashSet<string> told = new(StringComparer.Ordinal);

    /// <summary>Counts the events up to this id as told; an id that is not there any more counts for nothing.</summary>
    public async Task SkipToAsync(string id, CancellationToken cancellationToken)
    {
        var all = await ListAsync(cancellationToken);
        var last = all.FindIndex(blob => IdOf(blob) == id);
        told.UnionWith(all.Take(last + 1).Select(blob => blob.Name));
    }

    /// <summary>Events that have their place and were not told yet, oldest first.</summary>
    /// <param name="most">How many at most.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async Task<IReadOnlyList<NumberedEvent>> NextAsync(int most, CancellationToken cancellationToken)
    {
        // The clock before the list: a blob that the list lacks is younger than this.
        var settled = await blobs.ReadClockAsync(cancellationToken) - Settle;
        var events = new List<NumberedEvent>();
        foreach (var blob in (await ListAsync(cancellationToken)).Where(blob => blob.LastModified <= settled && !told.Contains(blob.Name)).Take(most))
        {
            told.Add(blob.Name);
            await AddAsync(events, blob, cancellationToken);
        }

        return events;
    }

    /// <summary>Events that were not told yet and have no fixed place: a later reading may tell them again, in another order.</summary>
    public async Task<IReadOnlyList<NumberedEvent>> UnsettledAsync(CancellationToken cancellationToken)
    {
        var events = new List<NumberedEvent>();
        foreach (var blob in (await ListAsync(cancellationToken)).Where(blob => !told.Contains(blob.Name)))
        {
            await AddAsync(events, blob, cancellationToken);
        }

        return events;
    }

    private async Task AddAsync(List<NumberedEvent> events, BlobInfo blob, CancellationToken cancellationToken)
    {
        if (await blobs.ReadAsync(blob.Name, cancellationToken) is { } content)
        {
            var e = RunEvents.Parse(blob.Name, content);
            events.Add(new NumberedEvent(IdOf(blob), e.At, e.Actor, e.Kind, e.Text));
        }
    }

    private async Task<List<BlobInfo>> ListAsync(CancellationToken cancellationToken)
    {
        var all = new List<BlobInfo>();
        await foreach (var blob in blobs.ListAsync(folder, cancellationToken))
        {
            all.Add(blob);
        }

        return [.. all.OrderBy(blob => blob.LastModified).ThenBy(blob => blob.Name, StringComparer.Ordinal)];
    }

    private string IdOf(BlobInfo blob) => blob.Name.EndsWith(Extension, StringComparison.Ordinal) ? blob.Name[folder.Length..^Extension.Length] : blob.Name[folder.Length..];
}

/// <summary>A <see cref="RunEvent"/> with its id.</summary>
/// <param name="Id">Names it within its run, for good.</param>
/// <param name="At">When, by the clock of who saw it.</param>
/// <param name="Actor">The worker that saw it.</param>
/// <param name="Kind">One of <see cref="RunEvent"/>'s.</param>
/// <param name="Text">For a person.</param>
public sealed record NumberedEvent(string Id, DateTimeOffset At, string Actor, string Kind, string Text)
{
    /// <summary>The event without its id.</summary>
    public RunEvent ToEvent() => new(At, Actor, Kind, Text);
}

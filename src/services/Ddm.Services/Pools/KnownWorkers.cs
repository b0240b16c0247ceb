using System.Text;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>
/// The workers that there are, as placement sees them: listed once, and again only when one came since. A worker that comes rings, by writing its name into a
/// blob of its own once its record stands; until then every record is one that was listed, and is read by its name.
/// </summary>
internal sealed class KnownWorkers(IBlobStore blobs, WorkerDirectory directory, TimeProvider time)
{
    private const int Lanes = 16;

    // As often as records are renewed.
    private static readonly TimeSpan Fresh = WorkerDirectory.Timeout / 4;
    private Roll? roll;

    /// <summary>Says that a worker came whose record was just written for the first time.</summary>
    public static Task RingAsync(IBlobStore blobs, string worker, CancellationToken cancellationToken)
        => blobs.TryWriteAsync(BlobNames.NewestWorker, Encoding.UTF8.GetBytes(worker), WriteCondition.Any, cancellationToken);

    /// <summary>All workers, as they were a few seconds ago at most.</summary>
    public async Task<IReadOnlyList<SeenWorker>> ReadAsync(CancellationToken cancellationToken)
    {
        if (roll is { } fresh && time.GetElapsedTime(fresh.ReadAt) < Fresh)
        {
            return fresh.Workers;
        }

        // The bell before the list: who rings in between is listed or heard next time.
        var bell = (await blobs.ReadAsync(BlobNames.NewestWorker, cancellationToken))?.ETag;
        if (roll is not { } known || known.Bell != bell)
        {
            return await ListAsync(bell, cancellationToken);
        }

        roll = known with { Workers = await ReadAgainAsync(known.Workers, cancellationToken), ReadAt = time.GetTimestamp() };
        return roll.Workers;
    }

    /// <summary>As <see cref="ReadAsync"/>, where nobody known will do: lists once in a while whether or not it rang, for a record may have been written by who does not ring.</summary>
    public async Task<IReadOnlyList<SeenWorker>> SearchAsync(CancellationToken cancellationToken)
        => roll is { } known && time.GetElapsedTime(known.ListedAt) < WorkerDirectory.Timeout ? known.Workers : await ListAsync(roll?.Bell, cancellationToken);

    private async Task<IReadOnlyList<SeenWorker>> ListAsync(string? bell, CancellationToken cancellationToken)
    {
        var (now, workers) = (time.GetTimestamp(), await directory.ReadAsync(cancellationToken));
        roll = new Roll(workers, bell, now, now);
        return workers;
    }

    private async Task<IReadOnlyList<SeenWorker>> ReadAgainAsync(IReadOnlyList<SeenWorker> known, CancellationToken cancellationToken)
    {
        var found = new SeenWorker?[known.Count];
        var now = known.Count == 0 ? default : await blobs.ReadClockAsync(cancellationToken);
        await BoundedWork.RunAsync(known.Count, Lanes, async i =>
        {
            try
            {
                var name = BlobNames.Worker(WorkerPresence.Encode(known[i].Record.Name));
                found[i] = await blobs.ReadAsync(name, cancellationToken) is { } content
                    ? new SeenWorker(BlobJson.Parse<WorkerRecord>(name, content.Bytes), content.LastModified, now - content.LastModified < WorkerDirectory.Timeout)
                    : null; // it left
            }
            catch (InvalidDataException)
            {
                found[i] = known[i] with { IsAlive = false }; // its worker writes it anew
            }
        });
        return [.. found.OfType<SeenWorker>()];
    }

    private sealed record Roll(IReadOnlyList<SeenWorker> Workers, string? Bell, long ReadAt, long ListedAt);
}

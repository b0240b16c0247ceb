using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Reads which workers there are.</summary>
public sealed class WorkerDirectory(IBlobStore blobs)
{
    /// <summary>Age of a record, by the store's clock, from which its worker counts as gone.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    /// <summary>Age of a record, by the store's clock, from which it says nothing any more unless it names a cordon.</summary>
    private static readonly TimeSpan Forgotten = TimeSpan.FromDays(1);

    /// <summary>Deletes the records of workers that are long gone and of machines that never came back: every name is a process's own, and they would pile up.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        var listed = await blobs.ListAsync(BlobNames.Workers, cancellationToken).ToListAsync(cancellationToken);
        var now = listed.Count == 0 ? default : await blobs.ReadClockAsync(cancellationToken);
        foreach (var blob in listed.Where(blob => now - blob.LastModified >= Forgotten))
        {
            if (!await IsCordonAsync(blob.Name, cancellationToken))
            {
                await blobs.DeleteAsync(blob.Name, cancellationToken);
            }
        }
    }

    private async Task<bool> IsCordonAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await blobs.ReadJsonAsync<WorkerRecord>(name, cancellationToken) is { Value.Cordoned: not null };
        }
        catch (InvalidDataException)
        {
            return false; // nobody can read what it says
        }
    }

    /// <summary>All workers with a record that can be read.</summary>
    public async Task<IReadOnlyList<SeenWorker>> ReadAsync(CancellationToken cancellationToken)
    {
        var seen = new List<SeenWorker>();
        var listed = await blobs.ListAsync(BlobNames.Workers, cancellationToken).ToListAsync(cancellationToken);
        if (listed.Count == 0)
        {
            return seen;
        }

        var now = await blobs.ReadClockAsync(cancellationToken);
        foreach (var blob in listed)
        {
            try
            {
                if (await blobs.ReadJsonAsync<WorkerRecord>(blob.Name, cancellationToken) is { } found)
                {
                    seen.Add(new SeenWorker(found.Value, blob.LastModified, now - blob.LastModified < Timeout));
                }
            }
            catch (InvalidDataException)
            {
                // its worker writes it anew
            }
        }

        return seen;
    }
}

/// <summary>A worker as its record shows it.</summary>
/// <param name="Record">What it says of itself.</param>
/// <param name="LastSeen">When it last did, by the store's clock.</param>
/// <param name="IsAlive">Whether that is not long ago.</param>
public sealed record SeenWorker(WorkerRecord Record, DateTimeOffset LastSeen, bool IsAlive);

using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Reads which workers there are.</summary>
public sealed class WorkerDirectory(IBlobStore blobs)
{
    /// <summary>Age of a record, by the store's clock, from which its worker counts as gone.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

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

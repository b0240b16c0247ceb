using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Serving;

/// <summary>Removes what is kept no longer. Of a job a stub stays for a day, which says that it has expired.</summary>
internal sealed class JobSweep(IBlobStore blobs, JobStore store, ServingSettings settings)
{
    private static readonly TimeSpan KeepStubs = TimeSpan.FromDays(1);

    private readonly HashSet<string> stubs = new(StringComparer.Ordinal);

    /// <summary>Goes over everything once.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        var now = await blobs.ReadClockAsync(cancellationToken);
        await foreach (var blob in blobs.ListAsync(BlobNames.ImageJobs, cancellationToken))
        {
            if (now - blob.LastModified > KeepStubs + settings.KeepJobs)
            {
                await RemoveAsync(Path.GetFileNameWithoutExtension(blob.Name), cancellationToken);
            }
            else if (now - blob.LastModified > settings.KeepJobs && !stubs.Contains(blob.Name))
            {
                await ExpireAsync(Path.GetFileNameWithoutExtension(blob.Name), cancellationToken);
                stubs.Add(blob.Name);
            }
        }

        await RemoveOldAsync(BlobNames.ImageFiles, now - settings.KeepJobs, cancellationToken);
        await RemoveOldAsync(BlobNames.ImageKeys, now - KeepStubs - settings.KeepJobs, cancellationToken);
    }

    // A job that waits or runs is left alone: while it runs it is touched now and then.
    private async Task ExpireAsync(string id, CancellationToken cancellationToken)
    {
        if (await store.FindAsync(id, cancellationToken) is ({ HasEnded: true, State: not JobState.Expired } job, var etag))
        {
            await store.TryChangeAsync(job with { State = JobState.Expired, Body = "", Answer = null, Error = null, Files = [] }, etag, cancellationToken);
        }
    }

    private async Task RemoveAsync(string id, CancellationToken cancellationToken)
    {
        if (await store.FindAsync(id, cancellationToken) is ({ HasEnded: true }, _))
        {
            await blobs.DeleteAsync(BlobNames.ImageJob(id), cancellationToken);
            stubs.Remove(BlobNames.ImageJob(id));
        }
    }

    private async Task RemoveOldAsync(string prefix, DateTimeOffset before, CancellationToken cancellationToken)
    {
        var old = new List<string>();
        await foreach (var blob in blobs.ListAsync(prefix, cancellationToken))
        {
            if (blob.LastModified < before)
            {
                old.Add(blob.Name);
            }
        }

        foreach (var name in old)
        {
            await blobs.DeleteAsync(name, cancellationToken);
        }
    }
}

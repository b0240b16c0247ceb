using System.Security.Cryptography;
using System.Text;
using Ddm.Runs;
using Ddm.Storage;
using Microsoft.AspNetCore.Http;

namespace Ddm.Serving;

/// <summary>
/// Jobs in the store, so that any replica answers and none is lost. The job is the truth and is moved by compare-and-swap; its marker in the queue only says that it is worth a look, is written after it and
/// removed after its end.
/// </summary>
internal sealed class JobStore(IBlobStore blobs, PictureFiles files, ServingSettings settings, TimeProvider time)
{
    private const int BusySeconds = 15;

    /// <summary>Takes a request in.</summary>
    /// <param name="key">Whose it is.</param>
    /// <param name="body">The request, checked.</param>
    /// <param name="seed">Seed of the first picture where it names none.</param>
    /// <param name="again">The idempotency key; null: none.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The job: a new one, or the one that the same request made before.</returns>
    /// <exception cref="GatewayException">Too many wait (429), or the key was used for another request (409).</exception>
    public async Task<ImageJob> SubmitAsync(string key, string body, long seed, string? again, CancellationToken cancellationToken)
    {
        var id = files.NewId();
        if (again is not null)
        {
            var name = BlobNames.ImageKey(Hash($"{key}\n{again}"));
            await RequireRoomAsync(name, cancellationToken);
            var mine = new IdempotencyRecord(id, Hash(body));
            await blobs.TryWriteJsonAsync(name, mine, WriteCondition.IfAbsent, cancellationToken);
            var (first, _) = await blobs.ReadJsonAsync<IdempotencyRecord>(name, cancellationToken) ?? throw new IOException($"{name} vanished.");
            id = first.BodySha256 == mine.BodySha256 ? first.Job : throw new GatewayException(
                StatusCodes.Status409Conflict, "This Idempotency-Key came with another request before. Take a new key for a new request.", null, "idempotency_key_reused");
        }
        else
        {
            await RequireRoomAsync(null, cancellationToken);
        }

        var job = new ImageJob { Id = id, Key = key, State = JobState.Queued, CreatedAt = time.GetUtcNow(), Body = body, Seed = seed };
        if (await blobs.TryWriteJsonAsync(BlobNames.ImageJob(id), job, WriteCondition.IfAbsent, cancellationToken) is null)
        {
            return (await FindAsync(id, cancellationToken))?.Job ?? throw SignedLinks.Gone();
        }

        await blobs.TryWriteJsonAsync(BlobNames.ImageQueued(id), new IdempotencyRecord(id, ""), WriteCondition.Any, cancellationToken);
        return job;
    }

    /// <summary>A job, and what its next change must match; null: there is none.</summary>
    public async Task<(ImageJob Job, string ETag)?> FindAsync(string id, CancellationToken cancellationToken)
        => !BlobName.IsSegment(id) ? null : await blobs.ReadJsonAsync<ImageJob>(BlobNames.ImageJob(id), cancellationToken) is { } found ? (found.Value, found.ETag) : null;

    /// <summary>A job of one's own that has not expired.</summary>
    /// <exception cref="GatewayException">There is none (404), or it has expired (410).</exception>
    public async Task<(ImageJob Job, string ETag)> RequireAsync(string key, string id, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, cancellationToken) is not { } found || found.Job.Key != key)
        {
            throw new GatewayException(StatusCodes.Status404NotFound, $"There is no job '{Printable.Text(id)}'.", "id", "job_not_found");
        }

        return found.Job.State == JobState.Expired || found.Job.ExpiresAt < time.GetUtcNow() ? throw SignedLinks.Gone() : found;
    }

    /// <summary>Changes a job, if nobody has since.</summary>
    /// <returns>What the next change must match; null, and nothing changed, where somebody has.</returns>
    public async Task<string?> TryChangeAsync(ImageJob job, string etag, CancellationToken cancellationToken)
    {
        var written = await blobs.TryWriteJsonAsync(BlobNames.ImageJob(job.Id), job, WriteCondition.IfMatch(etag), cancellationToken);
        if (written is not null && job.HasEnded)
        {
            await RemoveMarkerAsync(job.Id, cancellationToken);
        }

        return written;
    }

    /// <summary>A job at its end.</summary>
    public ImageJob End(ImageJob job, JobState state)
    {
        var now = time.GetUtcNow();
        return job with { State = state, FinishedAt = now, ExpiresAt = now + settings.KeepJobs };
    }

    /// <summary>Keeps the files of a job.</summary>
    public Task KeepAsync(string id, DrawnOrder drawn, GenerationRequest request, CancellationToken cancellationToken)
        => files.KeepAsync(id, PictureFiles.Encode(drawn, request.Format, request.Quality), request.Format, cancellationToken);

    /// <summary>Ids of the jobs that are not at their end, first come first.</summary>
    public async Task<IReadOnlyList<string>> QueueAsync(CancellationToken cancellationToken)
    {
        var ids = new List<string>();
        await foreach (var blob in blobs.ListAsync(BlobNames.ImageQueue, cancellationToken))
        {
            ids.Add(Path.GetFileNameWithoutExtension(blob.Name));
        }

        return ids;
    }

    /// <summary>Takes a job off the queue.</summary>
    public Task RemoveMarkerAsync(string id, CancellationToken cancellationToken) => blobs.DeleteAsync(BlobNames.ImageQueued(id), cancellationToken);

    /// <summary>How long a job has not been touched, by the store's clock.</summary>
    public async Task<TimeSpan> AgeAsync(string id, CancellationToken cancellationToken)
        => await blobs.ReadAsync(BlobNames.ImageJob(id), cancellationToken) is { } blob ? await blobs.ReadClockAsync(cancellationToken) - blob.LastModified : TimeSpan.Zero;

    // A request that is sent again is answered also where there is no room for a new one.
    private async Task RequireRoomAsync(string? known, CancellationToken cancellationToken)
    {
        if ((await QueueAsync(cancellationToken)).Count >= settings.MaxJobs && (known is null || !await blobs.ExistsAsync(known, cancellationToken)))
        {
            throw GatewayException.Busy(FormattableString.Invariant($"{settings.MaxJobs} jobs wait already. Try again in a while."), BusySeconds);
        }
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}

using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>
/// The ingest of one run in this process: the tally that ends it as soon as it is certain that too much is unusable. Nothing but a saving is lost with it.
/// </summary>
internal sealed class IngestSession
{
    private readonly IBlobStore blobs;
    private readonly RunDocument document;
    private readonly IImageSource source;
    private readonly IRunProgress progress;
    private readonly QuarantineTally tally;
    private readonly Lock counting = new();

    private IngestSession(IBlobStore blobs, RunDocument document, IImageSource source, IRunProgress progress)
    {
        (this.blobs, this.document, this.source, this.progress) = (blobs, document, source, progress);
        tally = new QuarantineTally(document.Spec.Data, source.Count);
    }

    /// <summary>Whether every image has been looked at.</summary>
    public bool IsComplete => tally.Seen >= source.Count;

    /// <summary>Counts what earlier attempts did.</summary>
    public static async Task<IngestSession> OpenAsync(
        IBlobStore blobs, RunDocument document, IImageSource source, IRunProgress progress, CancellationToken cancellationToken)
    {
        var session = new IngestSession(blobs, document, source, progress);
        for (var shard = 0; shard < document.ShardCount; shard++)
        {
            if (await blobs.ReadJsonAsync<DatasetShardInfo>(BlobNames.DatasetShardInfo(document.DatasetId!, shard), cancellationToken) is { } info)
            {
                session.tally.Add(info.Value);
            }
        }

        return session;
    }

    /// <summary>Whether this is the ingest of that run's data set.</summary>
    public bool Is(RunDocument other) => other.DatasetId == document.DatasetId && other.Spec.Data.MaxBad == document.Spec.Data.MaxBad;

    /// <summary>Ingests one shard.</summary>
    /// <exception cref="UserErrorException">Whatever the rest of the images is like, more of them are unusable than the spec allows.</exception>
    public async Task IngestAsync(int shard, CancellationToken cancellationToken)
    {
        var before = tally.Seen;
        var ingest = new DatasetIngest(blobs) { Progress = rows => progress.Ingest(before + rows, source.Count) };
        var info = await ingest.IngestShardAsync(document.Spec.Data, source, document.DatasetId!, shard, cancellationToken);
        lock (counting)
        {
            tally.Add(info);
        }

        if (tally.IsTooMuch)
        {
            await new QuarantineList(blobs).WriteAsync(document.DatasetId!, document.ShardCount, tally.Bad, cancellationToken);
            tally.Require(document.DatasetId!);
        }
    }
}

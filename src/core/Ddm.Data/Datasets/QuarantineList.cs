using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Data;

/// <summary>
/// The list people open: blob <c>datasets/{id}/quarantine.jsonl</c>, one JSON object a line (<c>row</c>, <c>source</c>, <c>reason</c>) in the order of
/// the source. Made of the shards' records one after the other, so that it may be as long as it likes.
/// </summary>
public sealed class QuarantineList(IBlobStore store)
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the list of the shards that are there; nothing when nothing is quarantined. The same shards give the same bytes.</summary>
    /// <param name="datasetId">The data set.</param>
    /// <param name="shards">Shards in all, ingested or not.</param>
    /// <param name="bad">Images to list.</param>
    /// <param name="cancellationToken">Leaves the list as it was.</param>
    public async Task WriteAsync(string datasetId, int shards, long bad, CancellationToken cancellationToken)
    {
        if (bad == 0)
        {
            return;
        }

        await store.TryWriteStreamAsync(
            BlobNames.Quarantine(datasetId),
            async (stream, token) =>
            {
                await foreach (var image in ReadAsync(datasetId, shards, token))
                {
                    await JsonSerializer.SerializeAsync(stream, image, Options, token);
                    stream.WriteByte((byte)'\n');
                }
            },
            WriteCondition.Any,
            cancellationToken);
    }

    /// <summary>Reads the records of the shards that are there.</summary>
    public async IAsyncEnumerable<QuarantinedImage> ReadAsync(string datasetId, int shards, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var shard = 0; shard < shards; shard++)
        {
            var info = await store.ReadJsonAsync<DatasetShardInfo>(BlobNames.DatasetShardInfo(datasetId, shard), cancellationToken);
            foreach (var image in info?.Value.Quarantined ?? [])
            {
                yield return image;
            }
        }
    }
}

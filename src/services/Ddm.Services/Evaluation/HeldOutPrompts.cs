using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Captions that a run's networks never saw, to draw from.</summary>
internal static class HeldOutPrompts
{
    /// <summary>Reads an equal number of every cluster, as far as there are.</summary>
    /// <param name="blobs">The store.</param>
    /// <param name="document">A run of captions, its clusters frozen.</param>
    /// <param name="most">How many.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<IReadOnlyList<string>> ReadAsync(IBlobStore blobs, RunDocument document, int most, CancellationToken cancellationToken)
    {
        var byCluster = new List<List<string>>();
        for (var k = 0; k < document.Spec.Partition.Experts; k++)
        {
            var (heldOut, texts) = (await ClusterDataset.OpenAsync(blobs, document.Name, [k], heldOut: true, cancellationToken), new List<string>());
            for (var shard = 0; shard < heldOut.ShardRows.Length && texts.Count < most; shard++)
            {
                await heldOut.LoadAsync([shard], cancellationToken);
                var found = Enumerable.Range(0, heldOut.ShardRows[shard]).Select(row => heldOut.TextOf(shard, row)).OfType<string>();
                texts = [.. texts.Concat(found).Distinct().Take(most)];
            }

            byCluster.Add(texts);
        }

        var turns = Enumerable.Range(0, most).SelectMany(turn => byCluster.Where(texts => turn < texts.Count).Select(texts => texts[turn]));
        return [.. turns.Distinct().Take(most)];
    }
}

using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Data;

/// <summary>Cuts a data set along a partition: from here on an expert's worker reads only its own cluster.</summary>
public sealed class ClusterFreezer(IBlobStore store)
{
    /// <summary>Rows held at once, bytes: a larger data set goes through scratch blobs, in parts of this size.</summary>
    internal long BufferBytes { get; init; } = 64L << 20;

    /// <summary>
    /// Writes every cluster's shards, then every manifest. A pure function of its inputs, so that repeating it, after a crash or beside another
    /// worker, writes the same bytes; manifests are written once and last.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="clusters">K.</param>
    /// <param name="reader">The data set.</param>
    /// <param name="readAssignment">The cluster of each row of a data set shard.</param>
    /// <param name="seed">The run's seed: keys the order of the rows.</param>
    /// <param name="shardRows">Rows of a cluster shard.</param>
    /// <param name="cancellationToken">Leaves shards without a manifest.</param>
    /// <exception cref="UserErrorException">A cluster has no training rows.</exception>
    /// <exception cref="InvalidDataException">An assignment does not fit its shard, or a manifest that stands was made from other inputs.</exception>
    public async Task FreezeAsync(
        string run, int clusters, IShardRows reader, Func<int, Task<long[]>> readAssignment, long seed, int shardRows, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shardRows, 1);
        var layout = await LayOutAsync(clusters, reader, readAssignment, seed, shardRows, cancellationToken);
        RequireTrainingRows(layout, clusters);
        var classRows = Enumerable.Range(0, clusters).Select(_ => new long[Math.Max(1, reader.Manifest.ClassNames.Count)]).ToArray();
        var written = await WriteShardsAsync(run, reader, layout, classRows, cancellationToken);
        for (var cluster = 0; cluster < clusters; cluster++)
        {
            await WriteManifestAsync(Manifest(run, cluster, reader, layout, written, classRows[cluster]), cancellationToken);
        }
    }

    private static async Task<ClusterLayout> LayOutAsync(
        int clusters, IShardRows reader, Func<int, Task<long[]>> readAssignment, long seed, int shardRows, CancellationToken cancellationToken)
    {
        using var layout = new ClusterLayout.Builder([.. reader.Manifest.Shards.Select(shard => shard.Rows)], clusters);
        for (var shard = 0; shard < reader.Manifest.Shards.Count; shard++)
        {
            var (_, flags) = await reader.ReadRowsAsync(shard, cancellationToken);
            var assignment = await readAssignment(shard);
            if (assignment.Length != flags.Length || flags.Length != reader.Manifest.Shards[shard].Rows || assignment.Any(k => k < 0 || k >= clusters))
            {
                throw new InvalidDataException($"The assignment of data set shard {shard} has {assignment.Length} rows (clusters 0 to {clusters - 1} " +
                    $"expected) for {flags.Length} images.");
            }

            layout.Add(assignment, flags);
        }

        return layout.Build(seed, shardRows);
    }

    private static void RequireTrainingRows(ClusterLayout layout, int clusters)
    {
        var empty = Enumerable.Range(0, clusters).Except(layout.Outputs.Where(output => !output.HeldOut).Select(output => output.Cluster)).ToList();
        if (empty.Count > 0)
        {
            throw new UserErrorException($"Clusters {string.Join(", ", empty)} of {clusters} have no image to train on. Ask for fewer experts, " +
                "give more images, or hold out fewer.");
        }
    }

    private async Task<ClusterShard[]> WriteShardsAsync(
        string run, IShardRows reader, ClusterLayout layout, long[][] classRows, CancellationToken cancellationToken)
    {
        var outputs = layout.Outputs;
        var written = new ClusterShard[outputs.Count];
        var partEnds = Parts(outputs, reader.Format.RowBytes + (reader.Text?.RowBytes ?? 0));
        var scatter = new ClusterScatter(store, run, reader, layout, partEnds);
        if (partEnds.Count > 1)
        {
            await scatter.SpillAsync(cancellationToken);
        }

        var all = new List<ClusterShardBuffer>();
        for (int part = 0, first = 0; part < partEnds.Count; first = partEnds[part++])
        {
            var buffers = new List<ClusterShardBuffer>();
            for (var output = first; output < partEnds[part]; output++)
            {
                if (output - first == all.Count)
                {
                    all.Add(new ClusterShardBuffer(outputs[output], reader));
                }

                all[output - first].Reuse(outputs[output]);
                buffers.Add(all[output - first]);
            }

            await (partEnds.Count > 1 ? scatter.FillAsync(part, first, buffers, cancellationToken) : FillAsync(reader, layout, buffers, cancellationToken));
            for (var i = 0; i < buffers.Count; i++)
            {
                written[first + i] = await buffers[i].WriteAsync(store, run, cancellationToken);
                if (!outputs[first + i].HeldOut)
                {
                    buffers[i].CountClasses(classRows[outputs[first + i].Cluster]);
                }
            }
        }

        if (partEnds.Count > 1)
        {
            await scatter.CleanAsync(cancellationToken);
        }

        return written;
    }

    // Where each part of the outputs ends: at least one output, and no more than the buffer holds.
    private List<int> Parts(List<ClusterOutput> outputs, int rowBytes)
    {
        var ends = new List<int>();
        for (var end = 0; end < outputs.Count;)
        {
            var bytes = (long)outputs[end++].Rows * rowBytes;
            while (end < outputs.Count && (bytes += (long)outputs[end].Rows * rowBytes) <= BufferBytes)
            {
                end++;
            }

            ends.Add(end);
        }

        return ends;
    }

    // All outputs at once, straight from the data set.
    private static async Task FillAsync(IShardRows reader, ClusterLayout layout, List<ClusterShardBuffer> buffers, CancellationToken cancellationToken)
    {
        for (var shard = 0; shard < reader.Manifest.Shards.Count; shard++)
        {
            LargeHeap.CollectNowAndThen(shard);
            var rows = await reader.ReadShardAsync(shard, cancellationToken);
            for (var row = 0; row < rows.Count; row++)
            {
                var (output, at) = layout.TargetOf(shard, row);
                buffers[output].Put(at, rows.Row(row), rows.Condition(row), rows.Labels[row], rows.RowIds[row], rows.Texts?[row]);
            }
        }
    }

    private static ClusterManifest Manifest(string run, int cluster, IShardRows reader, ClusterLayout layout, ClusterShard[] written, long[] classRows)
    {
        var dataset = reader.Manifest;
        List<ClusterShard> Of(bool heldOut) => [.. written.Where((_, i) => layout.Outputs[i].Cluster == cluster && layout.Outputs[i].HeldOut == heldOut)];
        var (training, heldOut) = (Of(heldOut: false), Of(heldOut: true));
        return new ClusterManifest(
            ClusterManifest.CurrentSchema, run, cluster, dataset.Id, dataset.ComputeSha256(), layout.AssignmentSha256, dataset.Channels, dataset.ImageSize,
            training, heldOut, training.Sum(shard => (long)shard.Rows), heldOut.Sum(shard => (long)shard.Rows), classRows,
            reader.Format.Moments ? new ClusterLatents(reader.Format.Channels / 2, reader.Format.Size, reader.Scale, reader.Format.Mirrored) : null, reader.Text?.Shape);
    }

    private async Task WriteManifestAsync(ClusterManifest manifest, CancellationToken cancellationToken)
    {
        var name = BlobNames.ClusterManifest(manifest.Run, manifest.Cluster);
        var bytes = BlobJson.Serialize(manifest);
        if (await store.TryWriteAsync(name, bytes, WriteCondition.IfAbsent, cancellationToken) is not null)
        {
            return;
        }

        var standing = await store.ReadAsync(name, cancellationToken);
        if (standing is not null && !standing.Bytes.AsSpan().SequenceEqual(bytes))
        {
            throw new InvalidDataException($"{name} stands and was made from another data set, partition, seed or shard size. Start a run under another name.");
        }
    }
}

using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>
/// Which blobs the stages behind a run should have left, and which are missing or empty (a power cut on a disk that lies about flushing leaves empty files;
/// no blob of these is ever empty). Looks at names and lengths alone, but reads those that the run's failure names: they may be damaged.
/// </summary>
internal sealed class StageProducts
{
    private readonly RunDocument document;
    private readonly HashSet<string> present;
    private readonly List<string> stale = [];
    private readonly HashSet<string> damaged = new(StringComparer.Ordinal);
    private RunStage first = RunStage.Done;
    private string? missing;

    private StageProducts(RunDocument document, HashSet<string> present) => (this.document, this.present) = (document, present);

    /// <summary>Blobs to delete before the first missing one can be made: they would say that it is there.</summary>
    public IReadOnlyList<string> Stale => stale;

    /// <summary>Lists what is there.</summary>
    public static async Task<StageProducts> ReadAsync(IBlobStore blobs, RunDocument document, CancellationToken cancellationToken)
    {
        var run = document.Name;
        var present = new HashSet<string>(StringComparer.Ordinal);
        var empty = new List<string>();
        string[] prefixes =
        [
            .. document.DatasetId is { } id ? new[] { BlobNames.DatasetManifest(id), BlobNames.DatasetShards(id) } : [],
            BlobNames.AllFeatures(run), BlobNames.AllLatents(run), BlobNames.AllText(run), BlobNames.Init(run), BlobNames.Partition(run), BlobNames.Assignments(run), BlobNames.Clusters(run), BlobNames.Evaluation(run),
        ];
        foreach (var prefix in prefixes)
        {
            await foreach (var blob in blobs.ListAsync(prefix, cancellationToken))
            {
                if (blob.Length > 0)
                {
                    present.Add(blob.Name);
                }
                else
                {
                    empty.Add(blob.Name);
                }
            }
        }

        var products = new StageProducts(document, present);
        products.stale.AddRange(empty);
        foreach (var name in present.Where(products.IsAccused).ToArray())
        {
            if (await blobs.IsDamagedAsync(name, cancellationToken))
            {
                products.Reject(name);
            }
        }

        await products.LookAsync(blobs, cancellationToken);
        return products;
    }

    /// <summary>The first stage with a missing blob, and that blob; null when none is missing.</summary>
    public (RunStage Stage, string? Missing) FirstMissing() => (first, missing);

    private async Task LookAsync(IBlobStore blobs, CancellationToken cancellationToken)
    {
        var (run, shards) = (document.Name, Enumerable.Range(0, document.ShardCount).ToArray());
        var id = document.DatasetId ?? "";

        // A shard whose record stands counts as ingested: also while ingest is under way, the record goes where the shard is gone.
        foreach (var shard in shards)
        {
            var (tar, info) = (BlobNames.DatasetShard(id, shard), BlobNames.DatasetShardInfo(id, shard));
            if (document.Stage > RunStage.Ingest || present.Contains(info))
            {
                Need(RunStage.Ingest, tar, info);
                Need(RunStage.Ingest, info, tar);
            }
        }

        NeedAfter(RunStage.FitFeatures, BlobNames.DatasetManifest(id), BlobNames.Encoder(run));
        NeedAfter(RunStage.FitFeatures, BlobNames.Encoder(run));
        if (document.Spec.Latent.Vae is not null)
        {
            NeedAfter(RunStage.FitFeatures, BlobNames.Autoencoder(run), BlobNames.Encoder(run));
            Array.ForEach(shards, shard => NeedAfter(RunStage.AssignShards, BlobNames.Latents(run, shard), BlobNames.Assignment(run, shard)));
        }

        if (document.Spec.HasText)
        {
            NeedAfter(RunStage.FitFeatures, BlobNames.TextEncoder(run), BlobNames.Encoder(run));
            Array.ForEach(shards, shard => NeedAfter(RunStage.AssignShards, BlobNames.Text(run, shard), BlobNames.Assignment(run, shard)));
        }

        if (document.Init is not null)
        {
            NeedAfter(RunStage.FitFeatures, BlobNames.InitWeights(run), BlobNames.Encoder(run));
            NeedAfter(RunStage.FitFeatures, BlobNames.InitManifest(run), BlobNames.Encoder(run));
        }

        Array.ForEach(shards, shard => NeedAfter(RunStage.ExtractFeatures, BlobNames.Features(run, shard)));
        NeedAfter(RunStage.FitPartition, BlobNames.PartitionCentroids(run), BlobNames.PartitionManifest(run));
        NeedAfter(RunStage.FitPartition, BlobNames.PartitionManifest(run));
        Array.ForEach(shards, shard => NeedAfter(RunStage.AssignShards, BlobNames.Assignment(run, shard)));
        for (var k = 0; k < document.Spec.Partition.Experts; k++)
        {
            var name = BlobNames.ClusterManifest(run, k);
            NeedAfter(RunStage.FreezeClusters, name);
            foreach (var shard in await ShardsAsync(blobs, name, cancellationToken))
            {
                if (present.Contains(shard.Name) && IsAccused(shard.Name) && await blobs.IsDamagedAsync(shard.Name, shard.Sha256, cancellationToken))
                {
                    Reject(shard.Name);
                }

                NeedAfter(RunStage.FreezeClusters, shard.Name, name);
            }
        }

        NeedAfter(RunStage.Evaluate, BlobNames.Report(run), BlobNames.EvaluationManifest(run));
        NeedAfter(RunStage.Evaluate, BlobNames.SampleGrid(run), BlobNames.EvaluationManifest(run));
        NeedAfter(RunStage.Evaluate, BlobNames.EvaluationManifest(run));
    }

    private async Task<IEnumerable<ClusterShard>> ShardsAsync(IBlobStore blobs, string manifest, CancellationToken cancellationToken)
    {
        if (document.Stage <= RunStage.FreezeClusters || !present.Contains(manifest))
        {
            return [];
        }

        try
        {
            var found = await blobs.ReadJsonAsync<ClusterManifest>(manifest, cancellationToken);
            return found is { Value: var cluster } ? cluster.Shards.Concat(cluster.HeldOut) : [];
        }
        catch (InvalidDataException)
        {
            return []; // whoever needs it refuses it by name
        }
    }

    // What refuses a blob names it. A data set's shards are left: they are made of pictures that may be gone since.
    private bool IsAccused(string name)
        => document.Failure?.Contains(name, StringComparison.Ordinal) == true && !(document.DatasetId is { } id && name.StartsWith(BlobNames.DatasetShards(id), StringComparison.Ordinal));

    private void Reject(string name)
    {
        present.Remove(name);
        stale.Add(name); // who makes it anew leaves alone what is there
        damaged.Add(name);
    }

    private void NeedAfter(RunStage stage, string name, string? staleWithout = null)
    {
        if (document.Stage > stage)
        {
            Need(stage, name, staleWithout);
        }
    }

    private void Need(RunStage stage, string name, string? staleWithout)
    {
        if (present.Contains(name))
        {
            return;
        }

        if (staleWithout is not null)
        {
            stale.Add(staleWithout);
        }

        if (missing is null || stage < first)
        {
            (first, missing) = (stage, $"{name} is {(damaged.Contains(name) ? "damaged" : "missing or empty")}");
        }
    }
}

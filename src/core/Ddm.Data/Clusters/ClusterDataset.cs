using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Data;

/// <summary>
/// The rows one role trains on, or is measured on: one cluster for an expert, all clusters for the router. Shards are numbered through, cluster
/// after cluster; only those asked for are in memory.
/// </summary>
public sealed class ClusterDataset
{
    private readonly IBlobStore store;
    private readonly (ClusterShard Shard, int Cluster)[] shards;
    private readonly ClusterShardFile?[] loaded;

    private ClusterDataset(IBlobStore store, List<ClusterManifest> manifests, bool heldOut, string manifestSha256)
    {
        this.store = store;
        Manifests = manifests;
        HeldOut = heldOut;
        ManifestSha256 = manifestSha256;
        shards = [.. manifests.SelectMany(manifest => Of(manifest, heldOut).Select(shard => (shard, manifest.Cluster)))];
        loaded = new ClusterShardFile?[shards.Length];
        ShardRows = Array.ConvertAll(shards, shard => shard.Shard.Rows);
        RowsOfCluster = manifests.ConvertAll(manifest => heldOut ? manifest.HeldOutRows : manifest.Rows);
        Rows = RowsOfCluster.Sum();
    }

    /// <summary>The manifests read, in the order the clusters were asked for.</summary>
    public IReadOnlyList<ClusterManifest> Manifests { get; }

    /// <summary>Whether these are the held-out rows.</summary>
    public bool HeldOut { get; }

    /// <summary>All rows.</summary>
    public long Rows { get; }

    /// <summary>Rows of each shard.</summary>
    public int[] ShardRows { get; }

    /// <summary>Rows of each cluster, in the order asked for.</summary>
    public IReadOnlyList<long> RowsOfCluster { get; }

    /// <summary>Hash of the manifests' bytes one after the other: what checkpoints are bound to. The same for training and held-out rows.</summary>
    public string ManifestSha256 { get; }

    /// <summary>C.</summary>
    public int Channels => Manifests[0].Channels;

    /// <summary>H = W.</summary>
    public int Size => Manifests[0].Size;

    /// <summary>What <see cref="CopyRow"/> gives: pixels, or a latent's moments.</summary>
    public RowFormat Format => Manifests[0].Format with { Mirrored = false };

    /// <summary>Set where rows are latents' moments.</summary>
    public ClusterLatents? Latents => Manifests[0].Latents;

    /// <summary>What networks see of captions; null: nothing.</summary>
    public TextShape? Text => Manifests[0].Text;

    /// <summary>Opens frozen clusters; loads no rows yet.</summary>
    /// <param name="store">Where the run is.</param>
    /// <param name="run">The run.</param>
    /// <param name="clusters">One for an expert, all for the router.</param>
    /// <param name="heldOut">The held-out rows instead of the training rows.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="InvalidDataException">A cluster is not frozen.</exception>
    public static async Task<ClusterDataset> OpenAsync(
        IBlobStore store, string run, IReadOnlyList<int> clusters, bool heldOut, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfZero(clusters.Count);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var manifests = new List<ClusterManifest>();
        foreach (var cluster in clusters)
        {
            var name = BlobNames.ClusterManifest(run, cluster);
            var content = await store.ReadAsync(name, cancellationToken)
                ?? throw new InvalidDataException($"{name} is not there: the clusters are not frozen.");
            hash.AppendData(content.Bytes);
            var manifest = BlobJson.Parse<ClusterManifest>(name, content.Bytes);
            SchemaCheck.Require(name, manifest.Schema, ClusterManifest.CurrentSchema);
            manifests.Add(manifest);
        }

        return new ClusterDataset(store, manifests, heldOut, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>Makes exactly these shards resident: reads and verifies those that are not, lets go of all others. Not beside <see cref="CopyRow"/>.</summary>
    /// <exception cref="InvalidDataException">A shard is missing or damaged.</exception>
    public async Task LoadAsync(IEnumerable<int> window, CancellationToken cancellationToken = default)
    {
        var wanted = window.ToHashSet();
        for (var i = 0; i < loaded.Length; i++)
        {
            loaded[i] = wanted.Contains(i) ? loaded[i] : null;
        }

        foreach (var i in wanted.Order())
        {
            loaded[i] ??= await ReadAsync(shards[i].Shard, cancellationToken);
        }
    }

    /// <summary>Whether a shard is resident.</summary>
    public bool IsLoaded(int shard) => loaded[shard] is not null;

    /// <summary>Copies one row of a resident shard. Safe from several threads.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="row">The row in it.</param>
    /// <param name="pixels">Receives the row as <see cref="Format"/> says: [C, H, W] uint8, or moments.</param>
    /// <param name="label">The class; -1: none.</param>
    /// <param name="cluster">The cluster the row belongs to.</param>
    /// <exception cref="InvalidOperationException">The shard is not resident.</exception>
    public void CopyRow(int shard, int row, Span<byte> pixels, out long label, out int cluster)
    {
        label = Resident(shard).CopyRow(row, pixels, mirrored: false);
        cluster = shards[shard].Cluster;
    }

    /// <summary>Copies the moments of the mirror image of one row of a resident shard; else as <see cref="CopyRow"/>.</summary>
    /// <exception cref="InvalidOperationException">The shard is not resident, or none are kept: see <see cref="ClusterLatents.Mirrored"/>.</exception>
    public void CopyMirrored(int shard, int row, Span<byte> moments, out long label, out int cluster)
    {
        label = Resident(shard).CopyRow(row, moments, mirrored: true);
        cluster = shards[shard].Cluster;
    }

    /// <summary>The data set's row that one row of a resident shard is.</summary>
    public long RowId(int shard, int row) => Resident(shard).RowIds[row];

    /// <summary>Copies one row's caption as networks take it, or that of no caption. Safe from several threads.</summary>
    /// <param name="shard">A resident shard of a run with <see cref="Text"/>.</param>
    /// <param name="row">The row in it; null: no caption.</param>
    /// <param name="condition">Receives tokens [L] int32 or vectors [L, W] float16.</param>
    /// <exception cref="InvalidOperationException">The shard is not resident.</exception>
    public void CopyText(int shard, int? row, Span<byte> condition)
    {
        var file = Resident(shard);
        (row is { } own ? file.Condition(own) : file.NullCondition).CopyTo(condition);
    }

    /// <summary>The caption of one row of a resident shard; null: none. Safe from several threads.</summary>
    /// <exception cref="InvalidOperationException">The shard is not resident.</exception>
    public string? TextOf(int shard, int row) => Resident(shard).TextOf(row);

    private static IReadOnlyList<ClusterShard> Of(ClusterManifest manifest, bool heldOut) => heldOut ? manifest.HeldOut : manifest.Shards;

    private ClusterShardFile Resident(int shard)
        => loaded[shard] ?? throw new InvalidOperationException($"{shards[shard].Shard.Name} is not loaded: LoadAsync takes the whole window.");

    private async Task<ClusterShardFile> ReadAsync(ClusterShard shard, CancellationToken cancellationToken)
    {
        var content = await store.ReadAsync(shard.Name, cancellationToken)
            ?? throw new InvalidDataException($"{shard.Name} is in the manifest and not in the store.");
        ShardHash.Require(shard.Name, content.Bytes, shard.Sha256);
        return ClusterShardFile.Read(shard.Name, content.Bytes, shard.Rows, Manifests[0].Format, Manifests[0].RowText);
    }
}

using System.Security.Cryptography;
using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace Ddm.Training.Tests;

/// <summary>A frozen run of two small clusters in a folder of its own, and trainers on it.</summary>
internal sealed class Workshop : IDisposable
{
    public const string Run = "tiny";
    public const int Size = 8, Classes = 3, ShardRows = 10;
    public const int MarkedRow = 13; // its pixels are all 255, no other row's are

    private static readonly int[] ClusterRows = [34, 21];

    private readonly string folder = Directory.CreateTempSubdirectory("ddm-training-").FullName;
    private readonly List<IDisposable> open = [];

    public Workshop()
    {
        TorchNative.EnsureLoaded();
        Store = new FileBlobStore(folder);
        Checkpoints = new CheckpointStore(Store, TimeProvider.System, NullLogger.Instance);
        var firstRow = 0;
        for (var cluster = 0; cluster < ClusterRows.Length; cluster++)
        {
            Freeze(cluster, firstRow);
            firstRow += ClusterRows[cluster] + ShardRows;
        }
    }

    public FileBlobStore Store { get; }

    public CheckpointStore Checkpoints { get; }

    public static RunSpec Spec { get; } = new()
    {
        Name = Run,
        Seed = 20,
        Data = new DataSpec { Source = "none", ImageSize = Size, Channels = 1 },
        Partition = new PartitionSpec { Experts = 2 },
        Model = Network,
        Experts = Schedule,
        Router = new RouterSpec { Network = Network, Training = Schedule with { Batch = 12, T = new TimeDensitySpec { Density = TimeDensityKind.LogitNormal } } },
        Execution = new ExecutionSpec { WindowShards = 2 },
    };

    private static NetworkSpec Network => new() { Hidden = 32, Depth = 2, Heads = 2, Patch = 4, ConditionDropout = 0.2 };

    private static TrainingSpec Schedule => new()
    {
        Steps = 8,
        Batch = 16,
        LearningRate = 3e-3,
        Warmup = 2,
        Decay = LearningRateDecay.Cosine,
        FinalLearningRate = 1e-4,
        WeightDecay = 0.01,
    };

    public static NumericsClass Class(int microBatch = 16, int threads = 1) => TorchRuntime.Describe(CPU, microBatch, threads);

    public static DiTConfig Config(Role role) => Roles.Network(Spec, role, Classes);

    public Task<ClusterDataset> OpenAsync(Role role, bool heldOut = false)
        => ClusterDataset.OpenAsync(Store, Run, role == Role.Router ? [0, 1] : [role.Index], heldOut, TestContext.Current.CancellationToken);

    public async Task<Trainer> TrainerAsync(Role role, OpenedCheckpoint? checkpoint = null, RunSpec? spec = null, NumericsClass? numerics = null)
    {
        var (train, heldOut) = (await OpenAsync(role), await OpenAsync(role, heldOut: true));
        var trainer = Track(new Trainer(spec ?? Spec, role, Classes, train, heldOut, numerics ?? Class(), CPU));
        await trainer.InitializeOrLoadAsync(checkpoint, TestContext.Current.CancellationToken);
        return trainer;
    }

    /// <summary>A trainer of another objective than its role's.</summary>
    public async Task<Trainer> TrainerAsync(Role role, Objective objective, RunSpec? spec = null)
    {
        var train = new ClusterRows(await OpenAsync(role));
        var trainer = Track(new Trainer(spec ?? Spec, role, objective, Config(role), train, null, Class(), CPU, null, null));
        await trainer.InitializeOrLoadAsync(null, TestContext.Current.CancellationToken);
        return trainer;
    }

    public void Dispose()
    {
        open.ForEach(one => one.Dispose());
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Every bit of weights, average and moments.</summary>
    public static string Fingerprint(Trainer trainer)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (_, write) in trainer.State.Parts())
        {
            using var stream = new MemoryStream();
            write(stream);
            hash.AppendData(stream.ToArray());
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private Trainer Track(Trainer trainer)
    {
        open.Add(trainer);
        return trainer;
    }

    private void Freeze(int cluster, int firstRow)
    {
        var rows = ClusterRows[cluster];
        var training = Enumerable.Range(0, (rows + ShardRows - 1) / ShardRows)
            .Select(n => Shard(BlobNames.ClusterShard(Run, cluster, n), cluster, firstRow + (n * ShardRows), Math.Min(ShardRows, rows - (n * ShardRows)))).ToArray();
        ClusterShard[] heldOut = [Shard(BlobNames.ClusterHeldOutShard(Run, cluster, 0), cluster, firstRow + rows, ShardRows)];
        var manifest = new ClusterManifest(1, Run, cluster, "drawn", "none", "none", 1, Size, training, heldOut, rows, ShardRows, new long[Classes]);
        Write(BlobNames.ClusterManifest(Run, cluster), BlobJson.Serialize(manifest));
    }

    // Cluster 0 has bright tops, cluster 1 bright bottoms, by a different amount in each row.
    private ClusterShard Shard(string name, int cluster, int firstRow, int count)
    {
        using var scope = NewDisposeScope();
        var ids = arange(firstRow, firstRow + count, ScalarType.Int64);
        var pixels = zeros([count, 1, Size, Size], ScalarType.Byte);
        for (var i = 0; i < count; i++)
        {
            pixels[i].narrow(1, cluster * Size / 2, Size / 2).fill_(120 + ((firstRow + i) * 37 % 120));
            pixels[i].narrow(2, 0, 2).fill_(40 + ((firstRow + i) * 11 % 60)); // left is not right
            if (firstRow + i == MarkedRow)
            {
                pixels[i].fill_(255);
            }
        }

        using var stream = new MemoryStream();
        TensorFile.Save(stream, [("pixels", pixels), ("labels", ids.remainder(Classes)), ("rows", ids)]);
        Write(name, stream.ToArray());
        return new ClusterShard(name, count, Convert.ToHexStringLower(SHA256.HashData(stream.ToArray())), stream.Length);
    }

    private void Write(string name, byte[] bytes)
        => Store.TryWriteAsync(name, bytes, WriteCondition.IfAbsent, CancellationToken.None).GetAwaiter().GetResult();
}

using Ddm.Runs;

namespace Ddm.Simulation.Tests;

/// <summary>What is to be trained and by how many, drawn from a world's dice.</summary>
internal sealed record Shape(int Experts, int Workers, int ControlPlanes, int Shards, int Steps, double SliceSeconds, double CommitSeconds, TimeSpan StepTime, RetentionSpec Retention)
{
    public const string Run = "cats";

    /// <summary>Of so many workers one is the router's.</summary>
    public int WorkersARouter { get; init; } = 2;

    /// <summary>Blobs of a checkpoint beside its manifest.</summary>
    public int Parts { get; init; } = 3;

    public static Shape Draw(Random dice) => new(
        Experts: 1 + dice.Next(3),
        Workers: 2 + dice.Next(3),
        ControlPlanes: 1 + dice.Next(3),
        Shards: 1 + dice.Next(3),
        Steps: 20 + dice.Next(100),
        SliceSeconds: 5 + 40 * dice.NextDouble(),
        CommitSeconds: 5 + 40 * dice.NextDouble(),
        StepTime: TimeSpan.FromSeconds(0.5 + 2 * dice.NextDouble()),
        Retention: new RetentionSpec { KeepLast = 2 + dice.Next(2), KeepEvery = dice.Next(2) == 0 ? null : 25 });

    /// <summary>The pool of a worker, by its number.</summary>
    public string PoolOf(int worker) => worker % WorkersARouter == WorkersARouter - 1 ? PoolName.Router : PoolName.Local;

    /// <summary>How many workers a pool has.</summary>
    public int MachinesOf(string pool) => Enumerable.Range(0, Workers).Count(worker => PoolOf(worker) == pool);

    /// <summary>The run as it is submitted.</summary>
    public RunDocument Submit(int seed)
    {
        var network = new NetworkSpec { Preset = "DiT-S/2" };
        var roles = Enumerable.Range(0, Experts).Select(Role.Expert).Append(Role.Router);
        return new RunDocument
        {
            Name = Run,
            Spec = new RunSpec
            {
                Name = Run,
                Seed = seed,
                Data = new DataSpec { Source = "pictures", ImageSize = 32 },
                Partition = new PartitionSpec { Experts = Experts },
                Model = network,
                Experts = new TrainingSpec { Steps = Steps, Batch = 32 },
                Router = new RouterSpec { Network = network, Training = new TrainingSpec { Steps = Steps / 2, Batch = 32 } },
                Execution = new ExecutionSpec { SliceSeconds = SliceSeconds, CommitSeconds = CommitSeconds, Retention = Retention },
            },
            SpecText = "",
            SourceRoot = "/",
            SubmittedAt = World.Beginning,
            DatasetId = "pictures",
            ShardCount = Shards,
            Numerics = roles.ToDictionary(role => role.Path, _ => new NumericsClass("simulated", "float32", 32, 1, "none", true)),
            ModelVersion = "v1",
        };
    }
}

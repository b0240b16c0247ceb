namespace Ddm.Runs;

/// <summary>Every key of a run spec, in the order in which a spec is written.</summary>
internal static class SpecTables
{
    private const int ManySteps = 100_000_000;
    private const int ManyRows = 1 << 20;

    private static readonly SpecTable<DataSpec> Data = new SpecTable<DataSpec>(new DataSpec { Source = "", ImageSize = 0 })
        .Text("source", new TextValue("a path", 1024), d => d.Source, (d, v) => d with { Source = v }, "the folder or file with the images, relative to this file")
        .Integer("image_size", 2, 2048, d => d.ImageSize, (d, v) => d with { ImageSize = v }, "the side of the square images are cut to, in pixels")
        .Integer("channels", 1, 3, d => d.Channels, (d, v) => d with { Channels = v })
        .Texts("class_names", new TextValue("a name", 128), d => d.ClassNames, (d, v) => d with { ClassNames = v })
        .Number("held_out", 0, 0.5, d => d.HeldOut, (d, v) => d with { HeldOut = v }, above: true)
        .Number("max_bad", 0, 1, d => d.MaxBad, (d, v) => d with { MaxBad = v })
        .Boolean("flip", d => d.Flip, (d, v) => d with { Flip = v })
        .Integer("shard_rows", 1, ManyRows, d => d.ShardRows, (d, v) => d with { ShardRows = v });

    private static readonly SpecTable<FeaturesSpec> Features = new SpecTable<FeaturesSpec>(new FeaturesSpec(), "encoder")
        .Choice("encoder", [("pixels", "pixels")], f => f.Encoder, (f, v) => f with { Encoder = v })
        .Integer("dimensions", 1, 4096, f => f.Dimensions, (f, v) => f with { Dimensions = v });

    private static readonly SpecTable<PartitionSpec> Partition = new SpecTable<PartitionSpec>(new PartitionSpec { Experts = 1 })
        .Integer("experts", 1, 1024, p => p.Experts, (p, v) => p with { Experts = v }, "the number of clusters and experts")
        .Integer("fine", 1, 65_536, p => p.Fine, (p, v) => p with { Fine = v })
        .Number("cap", 1, 1024, p => p.Cap, (p, v) => p with { Cap = v })
        .Integer("restarts", 1, 100, p => p.Restarts, (p, v) => p with { Restarts = v })
        .Integer("sample_rows", 1, 1 << 26, p => p.SampleRows, (p, v) => p with { SampleRows = v });

    private static readonly SpecTable<NetworkSpec> Network = new SpecTable<NetworkSpec>(new NetworkSpec(), "preset")
        .Text("preset", new TextValue("a network preset", 64, PresetProblem), n => n.Preset, (n, v) => n with { Preset = v })
        .Integer("hidden", 4, 16_384, n => Given(n.Hidden), (n, v) => n with { Hidden = v }, multiple: 4)
        .Integer("depth", 1, 256, n => Given(n.Depth), (n, v) => n with { Depth = v })
        .Integer("heads", 1, 1024, n => Given(n.Heads), (n, v) => n with { Heads = v })
        .Integer("patch", 1, 256, n => Given(n.Patch), (n, v) => n with { Patch = v })
        .Number("mlp_ratio", 0, 16, n => n.MlpRatio, (n, v) => n with { MlpRatio = v }, above: true)
        .Boolean("class_condition", n => n.ClassCondition, (n, v) => n with { ClassCondition = v })
        .Number("condition_dropout", 0, 1, n => n.ConditionDropout, (n, v) => n with { ConditionDropout = v });

    private static readonly SpecTable<TimeDensitySpec> TimeDensity = new SpecTable<TimeDensitySpec>(new TimeDensitySpec(), "density")
        .Choice(
            "density",
            [("uniform", TimeDensityKind.Uniform), ("logit-normal", TimeDensityKind.LogitNormal)],
            t => t.Density,
            (t, v) => t with { Density = v })
        .Number("mean", -10, 10, t => t.Mean, (t, v) => t with { Mean = v })
        .Number("std", 0, 10, t => t.Std, (t, v) => t with { Std = v }, above: true);

    private static readonly SpecTable<TrainingSpec> Training = new SpecTable<TrainingSpec>(new TrainingSpec { Steps = 1, Batch = 1 })
        .Integer("steps", 1, ManySteps, t => t.Steps, (t, v) => t with { Steps = v }, "the optimiser steps")
        .Integer("batch", 1, ManyRows, t => t.Batch, (t, v) => t with { Batch = v }, "the rows of one step")
        .Number("learning_rate", 0, 1, t => t.LearningRate, (t, v) => t with { LearningRate = v }, above: true)
        .Integer("warmup", 0, ManySteps, t => t.Warmup, (t, v) => t with { Warmup = v })
        .Choice(
            "decay",
            [("constant", LearningRateDecay.Constant), ("cosine", LearningRateDecay.Cosine), ("linear", LearningRateDecay.Linear)],
            t => t.Decay,
            (t, v) => t with { Decay = v })
        .Number("final_learning_rate", 0, 1, t => t.FinalLearningRate, (t, v) => t with { FinalLearningRate = v })
        .Number("weight_decay", 0, 10, t => t.WeightDecay, (t, v) => t with { WeightDecay = v })
        .Number("beta1", 0, 0.9999, t => t.Beta1, (t, v) => t with { Beta1 = v })
        .Number("beta2", 0, 0.999999, t => t.Beta2, (t, v) => t with { Beta2 = v })
        .Number("clip", 0, 1e6, t => t.Clip, (t, v) => t with { Clip = v }, above: true)
        .Number("ema_std", 0, 0.28, t => t.EmaStd, (t, v) => t with { EmaStd = v }, above: true)
        .Section("t", TimeDensity, t => t.T, (t, v) => t with { T = v });

    private static readonly SpecTable<RouterSpec> Router = new SpecTable<RouterSpec>(new RouterSpec { Network = Network.Blank, Training = Training.Blank })
        .Section("network", Network, r => r.Network, (r, v) => r with { Network = v }, "a preset such as DiT-Micro/4, or the numbers of a network")
        .Lift(Training, r => r.Training, (r, v) => r with { Training = v });

    private static readonly SpecTable<SamplingSpec> Sampling = new SpecTable<SamplingSpec>(new SamplingSpec())
        .Integer("steps", 1, 1000, s => s.Steps, (s, v) => s with { Steps = v })
        .Number("guidance", 0, 50, s => s.Guidance, (s, v) => s with { Guidance = v })
        .Choice("solver", [("euler", Solver.Euler), ("heun", Solver.Heun)], s => s.Solver, (s, v) => s with { Solver = v })
        .Number("shift", 0, 100, s => s.Shift, (s, v) => s with { Shift = v }, above: true);

    private static readonly SpecTable<ExecutionSpec> Execution = new SpecTable<ExecutionSpec>(new ExecutionSpec())
        .Integer("micro_batch", 1, ManyRows, e => e.MicroBatch, (e, v) => e with { MicroBatch = v })
        .Integer("threads", 1, 1024, e => e.Threads, (e, v) => e with { Threads = v })
        .Number("slice_seconds", 0, 600, e => e.SliceSeconds, (e, v) => e with { SliceSeconds = v }, above: true)
        .Integer("window_shards", 1, 65_536, e => e.WindowShards, (e, v) => e with { WindowShards = v })
        .Integer("keep_checkpoints", 2, 1000, e => e.KeepCheckpoints, (e, v) => e with { KeepCheckpoints = v });

    /// <summary>The whole file.</summary>
    public static SpecTable<RunSpec> Run { get; } = new SpecTable<RunSpec>(
        new RunSpec
        {
            Name = "",
            Data = Data.Blank,
            Partition = Partition.Blank,
            Model = Network.Blank,
            Experts = Training.Blank,
            Router = Router.Blank,
        })
        .Text("name", new TextValue("a name", 1024, NameProblem), r => r.Name, (r, v) => r with { Name = v }, "the run's and the model's name")
        .Long("seed", 0, long.MaxValue, r => r.Seed, (r, v) => r with { Seed = v })
        .Section("data", Data, r => r.Data, (r, v) => r with { Data = v }, "the data set: source, image_size")
        .Section("features", Features, r => r.Features, (r, v) => r with { Features = v })
        .Section("partition", Partition, r => r.Partition, (r, v) => r with { Partition = v }, "how the data set is cut: experts")
        .Section("model", Network, r => r.Model, (r, v) => r with { Model = v }, "the experts' network: a preset such as DiT-S/2, or its numbers")
        .Section("experts", Training, r => r.Experts, (r, v) => r with { Experts = v }, "the experts' training: steps, batch")
        .Section("router", Router, r => r.Router, (r, v) => r with { Router = v }, "the router: network, steps, batch")
        .Section("sampling", Sampling, r => r.Sampling, (r, v) => r with { Sampling = v })
        .Section("execution", Execution, r => r.Execution, (r, v) => r with { Execution = v });

    private static int? Given(int number) => number == 0 ? null : number;

    private static string? NameProblem(string name) =>
        RunName.IsValid(name) ? null : $"'{Printable.Text(name)}' cannot name a run; expected {RunName.Rule}, and no device name of Windows";

    private static string? PresetProblem(string preset) => NetworkPresets.Exists(preset) ? null
        : Suggestion.Nearest(preset, NetworkPresets.Names) is { } near ? $"unknown preset '{Printable.Text(preset)}'; did you mean '{near}'?"
        : $"unknown preset '{Printable.Text(preset)}'; expected {NetworkPresets.Rule}";
}

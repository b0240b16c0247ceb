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
        .Integer("shard_rows", 1, ManyRows, d => d.ShardRows, (d, v) => d with { ShardRows = v })
        .About(
            ("source", "The images: a folder or a file, relative to this file. The documentation lists the formats."),
            ("image_size", "Side of the square the networks see, pixels. Other pictures are scaled and centre-cropped. Patches divide it."),
            ("channels", "1: grey, 3: colour."),
            ("class_names", "Names of the classes in the order of their labels; without it: taken from the data."),
            ("held_out", "Share of the images that is never trained on, chosen by the hash of their group or, without one, of their content."),
            ("max_bad", "Largest share of images that may be unusable before the ingest fails; those below it are quarantined and listed."),
            ("flip", "Mirror training images left to right at random, half of them at every visit."),
            ("shard_rows", "Images in one shard."));

    private static readonly SpecTable<FeaturesSpec> Features = new SpecTable<FeaturesSpec>(new FeaturesSpec(), "encoder")
        .Choice(
            "encoder",
            [(FeaturesSpec.Pixels, FeaturesSpec.Pixels), (FeaturesSpec.DinoV2, FeaturesSpec.DinoV2), (FeaturesSpec.Onnx, FeaturesSpec.Onnx)],
            f => f.Encoder,
            (f, v) => f with { Encoder = v })
        .Integer("dimensions", 1, 4096, f => f.Dimensions, (f, v) => f with { Dimensions = v })
        .Text("weights", new TextValue("a path", 1024), f => f.Weights, (f, v) => f with { Weights = v })
        .Choice("pooling", [("cls", FeaturePooling.Cls), ("mean", FeaturePooling.Mean)], f => f.Pooling, (f, v) => f with { Pooling = v })
        .About(
            ("encoder", "What images are clustered by. pixels: principal components of the pixels; dinov2: DINOv2 from published weights; onnx: an image encoder exported to ONNX."),
            ("dimensions", "Components that pixels keeps."),
            ("weights", "The encoder's file, or the folder that holds it and its config.json, relative to this file; for dinov2 and onnx."),
            ("pooling", "The feature of an image. cls: the class token; mean: the mean of the patches' tokens."));

    private static readonly SpecTable<LatentSpec> Latent = new SpecTable<LatentSpec>(new LatentSpec(), "vae")
        .Text("vae", new TextValue("a path", 1024), l => l.Vae, (l, v) => l with { Vae = v })
        .Integer("channels", 1, 64, l => l.Channels, (l, v) => l with { Channels = v })
        .Integer("factor", 1, 64, l => l.Factor, (l, v) => l with { Factor = v })
        .About(
            ("vae", "The autoencoder (AutoencoderKL): its safetensors file, or the folder that holds it and its config.json, relative to this file."),
            ("channels", "Channels of its latents."),
            ("factor", "Pixels that the side of a latent stands for."));

    private static readonly SpecTable<TextSpec> TextTable = new SpecTable<TextSpec>(new TextSpec(), "encoder")
        .Choice("encoder", [(TextSpec.Learned, TextSpec.Learned), (TextSpec.Clip, TextSpec.Clip)], t => t.Encoder!, (t, v) => t with { Encoder = v })
        .Text("weights", new TextValue("a path", 1024), t => t.Weights, (t, v) => t with { Weights = v })
        .Integer("tokens", 2, 1024, t => t.Tokens, (t, v) => t with { Tokens = v })
        .Integer("width", 32, 4096, t => t.Width, (t, v) => t with { Width = v }, multiple: 32)
        .Integer("vocabulary", 8, 49_152, t => t.Vocabulary, (t, v) => t with { Vocabulary = v })
        .About(
            ("encoder", "How captions become the networks' condition. learned: a token table and a two-layer encoder of each network's own; clip: CLIP's text encoder from published weights, frozen."),
            ("weights", "CLIP's file, or the folder that holds it and its config.json, relative to this file."),
            ("tokens", "Tokens of a caption that are seen; without it 77 of clip and 24 of learned."),
            ("width", "Width of a learned encoder."),
            ("vocabulary", "Most tokens that a learned encoder knows; the rarer ones are unknown."));

    private static readonly SpecTable<PartitionSpec> Partition = new SpecTable<PartitionSpec>(new PartitionSpec { Experts = 1 })
        .Integer("experts", 1, 1024, p => p.Experts, (p, v) => p with { Experts = v }, "the number of clusters and experts")
        .Integer("fine", 1, 65_536, p => p.Fine, (p, v) => p with { Fine = v })
        .Number("cap", 1, 1024, p => p.Cap, (p, v) => p with { Cap = v })
        .Integer("restarts", 1, 100, p => p.Restarts, (p, v) => p with { Restarts = v })
        .Integer("sample_rows", 1, 1 << 26, p => p.SampleRows, (p, v) => p with { SampleRows = v })
        .About(
            ("experts", "K: clusters, and one expert for each. 1 trains a single model."),
            ("fine", "Fine centroids that are merged into the K clusters; without it: min(1024, rows/39)."),
            ("cap", "Largest cluster allowed, as a multiple of the mean cluster."),
            ("restarts", "k-means restarts; the best inertia wins."),
            ("sample_rows", "Feature rows that k-means fits on at most."));

    private static readonly SpecTable<NetworkSpec> Network = new SpecTable<NetworkSpec>(new NetworkSpec(), "preset")
        .Text("preset", new TextValue("a network preset", 64, PresetProblem, words: NetworkPresets.Names), n => n.Preset, (n, v) => n with { Preset = v })
        .Integer("hidden", 4, 16_384, n => Given(n.Hidden), (n, v) => n with { Hidden = v }, multiple: 4)
        .Integer("depth", 1, 256, n => Given(n.Depth), (n, v) => n with { Depth = v })
        .Integer("heads", 1, 1024, n => Given(n.Heads), (n, v) => n with { Heads = v })
        .Integer("patch", 1, 256, n => Given(n.Patch), (n, v) => n with { Patch = v })
        .Number("mlp_ratio", 0, 16, n => n.MlpRatio, (n, v) => n with { MlpRatio = v }, above: true)
        .Boolean("class_condition", n => n.ClassCondition, (n, v) => n with { ClassCondition = v })
        .Boolean("text_condition", n => n.TextCondition, (n, v) => n with { TextCondition = v })
        .Number("condition_dropout", 0, 1, n => n.ConditionDropout, (n, v) => n with { ConditionDropout = v })
        .About(
            ("preset", "A named size, DiT-{Micro,Nano,Mini,S,B,L,XL}/{patch}; instead of hidden, depth, heads and patch."),
            ("hidden", "Width of the transformer."),
            ("depth", "Transformer blocks."),
            ("heads", "Attention heads; divide hidden."),
            ("patch", "Side of a patch, pixels; divides data.image_size."),
            ("mlp_ratio", "Width of a block's MLP over hidden."),
            ("class_condition", "Whether the network is told the image's class; in a run with text nothing is."),
            ("text_condition", "Whether the network is told the image's caption, in a run with text."),
            ("condition_dropout", "Share of training rows whose condition is hidden, so that guidance is possible."));

    private static readonly SpecTable<InitSpec> Init = new SpecTable<InitSpec>(new InitSpec(), "checkpoint")
        .Text("checkpoint", new TextValue("a path", 1024), i => i.Checkpoint, (i, v) => i with { Checkpoint = v })
        .Choice("prediction", [(InitSpec.Velocity, InitSpec.Velocity), (InitSpec.Epsilon, InitSpec.Epsilon)], i => i.Prediction!, (i, v) => i with { Prediction = v })
        .Choice("time", [("data-to-noise", "data-to-noise"), ("noise-to-data", "noise-to-data")], i => i.Time!, (i, v) => i with { Time = v })
        .Number("time_scale", 0, 1e6, i => i.TimeScale, (i, v) => i with { TimeScale = v }, above: true)
        .Integer("heads", 1, 1024, i => i.Heads, (i, v) => i with { Heads = v })
        .About(
            ("checkpoint", "The seed: a diffusion transformer's safetensors file, or the folder that holds it and its config.json, relative to this file. Every tensor that fits is taken."),
            ("prediction", "What the seed predicts, where neither its header nor its config.json says it."),
            ("time", "Which end of the seed's time is data, what lies at 0 first; of a velocity."),
            ("time_scale", "What the seed's time is multiplied by: 1000 of DdmAspire's and Paris', 1 of SiT's; of a velocity."),
            ("heads", "Heads of the seed's attention, where its width is no published one's."));

    private static readonly SpecTable<TimeDensitySpec> TimeDensity = new SpecTable<TimeDensitySpec>(new TimeDensitySpec(), "density")
        .Choice(
            "density",
            [("uniform", TimeDensityKind.Uniform), ("logit-normal", TimeDensityKind.LogitNormal)],
            t => t.Density,
            (t, v) => t with { Density = v })
        .Number("mean", -10, 10, t => t.Mean, (t, v) => t with { Mean = v })
        .Number("std", 0, 10, t => t.Std, (t, v) => t with { Std = v }, above: true)
        .About(
            ("density", "Density of training times: uniform, or 0.9 logit-normal + 0.1 uniform."),
            ("mean", "Mean of logit(t)."),
            ("std", "Standard deviation of logit(t)."));

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
        .Section("t", TimeDensity, t => t.T, (t, v) => t with { T = v })
        .Texts("pools", new TextValue("a pool's name", 1024, PoolProblem, PoolName.JsonPattern), t => t.Pools, (t, v) => t with { Pools = v })
        .About(
            ("steps", "Optimiser steps of each network."),
            ("batch", "Images of one step."),
            ("learning_rate", "Peak learning rate of AdamW. Write 2e-4, without quotes."),
            ("warmup", "Steps of linear warm-up."),
            ("decay", "What follows the warm-up."),
            ("final_learning_rate", "Learning rate of the last step; needs a decay."),
            ("weight_decay", "Decoupled weight decay."),
            ("beta1", "AdamW's first decay."),
            ("beta2", "AdamW's second decay."),
            ("clip", "Largest global gradient norm."),
            ("ema_std", "Relative width of the weight average (EDM2): 0.05 follows the last tenth of the run."),
            ("t", "Density that training times are drawn from."),
            ("pools", "Pools whose workers may train it, where services are distributed; without it any."));

    private static readonly SpecTable<RouterSpec> Router = new SpecTable<RouterSpec>(new RouterSpec { Network = Network.Blank, Training = Training.Blank })
        .Section("network", Network, r => r.Network, (r, v) => r with { Network = v }, "a preset such as DiT-Micro/4, or the numbers of a network")
        .Lift(Training, r => r.Training, (r, v) => r with { Training = v })
        .About(("network", "The router's network: a preset, or its numbers. Small ones do."));

    private static readonly SpecTable<SamplingSpec> Sampling = new SpecTable<SamplingSpec>(new SamplingSpec())
        .Integer("steps", 1, 1000, s => s.Steps, (s, v) => s with { Steps = v })
        .Number("guidance", 0, 50, s => s.Guidance, (s, v) => s with { Guidance = v })
        .Choice("solver", [("euler", Solver.Euler), ("heun", Solver.Heun)], s => s.Solver, (s, v) => s with { Solver = v })
        .Number("shift", 0, 100, s => s.Shift, (s, v) => s with { Shift = v }, above: true)
        .About(
            ("steps", "Solver steps."),
            ("guidance", "Classifier-free guidance scale; 1: none."),
            ("solver", "euler: one evaluation a step; heun: two, second order."),
            ("shift", "Timestep shift s: t' = s t / (1 + (s - 1) t)."));

    private static readonly SpecTable<RetentionSpec> Retention = new SpecTable<RetentionSpec>(new RetentionSpec(), "keep_last")
        .Integer("keep_last", 2, 1000, r => r.KeepLast, (r, v) => r with { KeepLast = v })
        .Integer("keep_every", 1, ManySteps, r => r.KeepEvery, (r, v) => r with { KeepEvery = v })
        .About(
            ("keep_last", "The newest whole checkpoints of each role that keep their tensors."),
            ("keep_every", "Steps: the first checkpoint at or past each multiple keeps its tensors for good; without it none does."));

    private static readonly SpecTable<ExecutionSpec> Execution = new SpecTable<ExecutionSpec>(new ExecutionSpec())
        .Integer("micro_batch", 1, ManyRows, e => e.MicroBatch, (e, v) => e with { MicroBatch = v })
        .Integer("threads", 1, 1024, e => e.Threads, (e, v) => e with { Threads = v })
        .Number("slice_seconds", 0, 600, e => e.SliceSeconds, (e, v) => e with { SliceSeconds = v }, above: true)
        .Number("commit_seconds", 0, 3600, e => e.CommitSeconds, (e, v) => e with { CommitSeconds = v }, above: true)
        .Integer("window_shards", 1, 65_536, e => e.WindowShards, (e, v) => e with { WindowShards = v })
        .Section("retention", Retention, e => e.Retention, (e, v) => e with { Retention = v })
        .About(
            ("micro_batch", "Images of one forward and backward pass; divides every batch. Without it: the whole batch."),
            ("threads", "CPU threads; without it: those of the machine the run is submitted on."),
            ("slice_seconds", "Turn of a role while others wait, seconds: then it commits and gives way."),
            ("commit_seconds", "Time after which a role that goes on commits, seconds: what a crash loses. Longer where a commit takes more than a twentieth of it."),
            ("window_shards", "Shards that a sample order mixes at once."),
            ("retention", "Which checkpoints keep their tensors: a number of newest ones, or keep_last and keep_every."));

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
        .Text("name", new TextValue("a name", 1024, NameProblem, RunName.JsonPattern), r => r.Name, (r, v) => r with { Name = v }, "the run's and the model's name")
        .Long("seed", 0, long.MaxValue, r => r.Seed, (r, v) => r with { Seed = v })
        .Section("data", Data, r => r.Data, (r, v) => r with { Data = v }, "the data set: source, image_size")
        .Section("features", Features, r => r.Features, (r, v) => r with { Features = v })
        .Section("latent", Latent, r => r.Latent, (r, v) => r with { Latent = v })
        .Section("text", TextTable, r => r.Text, (r, v) => r with { Text = v })
        .Section("partition", Partition, r => r.Partition, (r, v) => r with { Partition = v }, "how the data set is cut: experts")
        .Section("model", Network, r => r.Model, (r, v) => r with { Model = v }, "the experts' network: a preset such as DiT-S/2, or its numbers")
        .Section("init", Init, r => r.Init, (r, v) => r with { Init = v })
        .Section("experts", Training, r => r.Experts, (r, v) => r with { Experts = v }, "the experts' training: steps, batch")
        .Section("router", Router, r => r.Router, (r, v) => r with { Router = v }, "the router: network, steps, batch")
        .Section("sampling", Sampling, r => r.Sampling, (r, v) => r with { Sampling = v })
        .Section("execution", Execution, r => r.Execution, (r, v) => r with { Execution = v })
        .About(
            ("name", $"The run's and the model's name: {RunName.Rule}."),
            ("seed", "Keys every random number: the same seed gives the same model."),
            ("data", "Where the images are and how they are read."),
            ("features", "What images are clustered by."),
            ("latent", "The space that networks see: latents of an autoencoder instead of pixels."),
            ("text", "What networks see of the images' captions; without it nothing, and classes are the condition."),
            ("partition", "How the data set is cut."),
            ("model", "The network of every expert: a preset such as DiT-S/2, or its numbers."),
            ("init", "A seed checkpoint that every expert starts from; without it from random weights."),
            ("experts", "How each expert is trained."),
            ("router", "The network that picks experts, and its training."),
            ("sampling", "How pictures are drawn unless a request says otherwise."),
            ("execution", "Slices, commits, threads: no influence on what is learned."));

    private static int? Given(int number) => number == 0 ? null : number;

    private static string? NameProblem(string name) =>
        RunName.IsValid(name) ? null : RunName.Problem(name, "a run");

    private static string? PoolProblem(string name) => PoolName.IsValid(name) ? null : PoolName.Problem(name);

    private static string? PresetProblem(string preset) => NetworkPresets.Exists(preset) ? null
        : Suggestion.Nearest(preset, NetworkPresets.Names) is { } near ? $"unknown preset '{Printable.Text(preset)}'; did you mean '{near}'?"
        : $"unknown preset '{Printable.Text(preset)}'; expected {NetworkPresets.Rule}";
}

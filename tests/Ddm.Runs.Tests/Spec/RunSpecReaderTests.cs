namespace Ddm.Runs.Tests;

public class RunSpecReaderTests
{
    [Fact]
    public void TheSmallestSpecTakesDefaults()
    {
        var spec = RunSpecReader.Read(Specs.Small, "small.yaml");

        Assert.Equal("small", spec.Name);
        Assert.Equal(0, spec.Seed);
        Assert.Equal(new FeaturesSpec(), spec.Features);
        Assert.Equal(new SamplingSpec(), spec.Sampling);
        Assert.Equal(new ExecutionSpec(), spec.Execution);
        Assert.Equal(new NetworkSpec { Preset = "DiT-Nano/4" }, spec.Model);
        Assert.Equal(new InitSpec(), spec.Init);
        Assert.Equal(new TrainingSpec { Steps = 600, Batch = 32 }, spec.Experts);
        Assert.Equal(new TrainingSpec { Steps = 500, Batch = 64 }, spec.Router.Training);
        Assert.Equal(3, spec.Data.Channels);
        Assert.Empty(spec.Data.ClassNames);
    }

    [Fact]
    public void EveryKeyGoesWhereItBelongs()
    {
        const string Yaml = """
            name: every-key
            seed: 9223372036854775807
            data: {source: a/b c, image_size: 32, channels: 1, class_names: [cat, "big dog"], held_out: 0.1, shard_rows: 100}
            features: {encoder: pixels, dimensions: 32}
            partition: {experts: 5, fine: 80, cap: 1.5, restarts: 2, sample_rows: 5000}
            model: {hidden: 96, depth: 3, heads: 6, patch: 8, mlp_ratio: 2.5, class_condition: true, condition_dropout: 0.2}
            init: {checkpoint: a/seed.safetensors, prediction: velocity, time: noise-to-data, time_scale: 1.5, heads: 3}
            experts:
              steps: 11
              batch: 12
              learning_rate: 1e-4
              warmup: 3
              decay: linear
              final_learning_rate: 2.5e-6
              weight_decay: 0.01
              beta1: 0.8
              beta2: 0.99
              clip: 2
              ema_std: 0.1
              t: {density: logit-normal, mean: -0.5, std: 1.25}
            router:
              network: {preset: DiT-S/4, class_condition: false, mlp_ratio: 3}
              steps: 21
              batch: 24
              decay: cosine
              t: uniform
              pools: [a100, t4-spot]
            sampling: {steps: 20, guidance: 1.5, solver: heun, shift: 3}
            execution: {micro_batch: 4, threads: 2, slice_seconds: 7.5, commit_seconds: 90, window_shards: 9, retention: {keep_last: 3, keep_every: 500}}
            """;
        var spec = RunSpecReader.Read(Yaml, "every.yaml");

        Assert.Equal(long.MaxValue, spec.Seed);
        Assert.Equal(["cat", "big dog"], spec.Data.ClassNames);
        Assert.Equal(
            new DataSpec { Source = "a/b c", ImageSize = 32, Channels = 1, HeldOut = 0.1, ShardRows = 100, ClassNames = spec.Data.ClassNames }, spec.Data);
        Assert.Equal(new FeaturesSpec { Encoder = "pixels", Dimensions = 32 }, spec.Features);
        Assert.Equal(new PartitionSpec { Experts = 5, Fine = 80, Cap = 1.5, Restarts = 2, SampleRows = 5000 }, spec.Partition);
        Assert.Equal(new NetworkSpec { Hidden = 96, Depth = 3, Heads = 6, Patch = 8, MlpRatio = 2.5, ConditionDropout = 0.2 }, spec.Model);
        Assert.Equal(new InitSpec { Checkpoint = "a/seed.safetensors", Prediction = "velocity", Time = "noise-to-data", TimeScale = 1.5, Heads = 3 }, spec.Init);
        Assert.Equal(
            new TrainingSpec
            {
                Steps = 11,
                Batch = 12,
                LearningRate = 1e-4,
                Warmup = 3,
                Decay = LearningRateDecay.Linear,
                FinalLearningRate = 2.5e-6,
                WeightDecay = 0.01,
                Beta1 = 0.8,
                Beta2 = 0.99,
                Clip = 2,
                EmaStd = 0.1,
                T = new TimeDensitySpec { Density = TimeDensityKind.LogitNormal, Mean = -0.5, Std = 1.25 },
            },
            spec.Experts);
        Assert.Equal(new NetworkSpec { Preset = "DiT-S/4", ClassCondition = false, MlpRatio = 3 }, spec.Router.Network);
        Assert.Equal(["a100", "t4-spot"], spec.Router.Training.Pools);
        Assert.Equal(new TrainingSpec { Steps = 21, Batch = 24, Decay = LearningRateDecay.Cosine, Pools = spec.Router.Training.Pools }, spec.Router.Training);
        Assert.Equal(new SamplingSpec { Steps = 20, Guidance = 1.5, Solver = Solver.Heun, Shift = 3 }, spec.Sampling);
        Assert.Equal(
            new ExecutionSpec
            {
                MicroBatch = 4,
                Threads = 2,
                SliceSeconds = 7.5,
                CommitSeconds = 90,
                WindowShards = 9,
                Retention = new RetentionSpec { KeepLast = 3, KeepEvery = 500 },
            },
            spec.Execution);
    }

    [Theory]
    [InlineData("name: small", "name: small\nseed: 1\nseeds: 2", "s.yaml:3:1: seeds: unknown key; did you mean 'seed'?")]
    [InlineData("batch: 32", "batch: 32\n  learning_rat: 1e-4", "s.yaml:11:3: experts.learning_rat: unknown key; did you mean 'learning_rate'?")]
    [InlineData("batch: 32", "batch: 32\n  learningRate: 1e-4", "s.yaml:11:3: experts.learningRate: unknown key; did you mean 'learning_rate'?")]
    [InlineData("batch: 32", "batch: 32\n  shift: 2", "s.yaml:11:3: experts.shift: unknown key; did you mean 'sampling.shift'?")]
    [InlineData("  experts: 4", "  experts: 4\n  zzz: 1", "s.yaml:7:3: partition.zzz: unknown key; known: experts, fine, cap, restarts, sample_rows")]
    [InlineData("batch: 32", "batch: 32\n  batch: 33", "s.yaml:11:3: experts.batch: the key stands twice; first on line 10")]
    [InlineData("  source: images\n", "", "s.yaml:3:3: data.source: missing; give the folder or file with the images, relative to this file")]
    [InlineData("model: DiT-Nano/4\n", "", "s.yaml:1:1: model: missing; give the experts' network: a preset such as DiT-S/2, or its numbers")]
    [InlineData("name: small\n", "", "s.yaml:1:1: name: must be the first key, so that a spec says at once which run it is; 'data' is")]
    public void KeysAreChecked(string find, string replace, string expected) => Assert.Equal(expected, Specs.Mistakes(find, replace).Split('\n')[0]);

    [Theory]
    [InlineData("steps: 600", "steps: 0", "s.yaml:9:10: experts.steps: '0' is not a whole number from 1 to 100000000")]
    [InlineData("steps: 600", "steps: -5", "s.yaml:9:10: experts.steps: '-5' is not a whole number from 1 to 100000000")]
    [InlineData("steps: 600", "steps: 1.5", "s.yaml:9:10: experts.steps: '1.5' is not a whole number from 1 to 100000000")]
    [InlineData("steps: 600", "steps: \"600\"", "s.yaml:9:10: experts.steps: the quoted text '600' is not a whole number from 1 to 100000000")]
    [InlineData("steps: 600", "steps: many", "s.yaml:9:10: experts.steps: 'many' is not a whole number from 1 to 100000000")]
    [InlineData("steps: 600", "steps: [600]", "s.yaml:9:10: experts.steps: a list is not a whole number from 1 to 100000000")]
    [InlineData("steps: 600", "steps: {a: 1}", "s.yaml:9:10: experts.steps: a mapping is not a whole number from 1 to 100000000")]
    [InlineData("steps: 600", "steps:", "s.yaml:9:9: experts.steps: no value; expected a whole number from 1 to 100000000, or no such key")]
    [InlineData("steps: 600", "steps: ~", "s.yaml:9:10: experts.steps: no value; expected a whole number from 1 to 100000000, or no such key")]
    [InlineData("steps: 600", "steps: 99999999999999999999", "s.yaml:9:10: experts.steps: '99999999999999999999' is not a whole number from 1 to 100000000")]
    [InlineData("batch: 32", "batch: 32\n  learning_rate: 0", "s.yaml:11:18: experts.learning_rate: '0' is not a number above 0 and at most 1")]
    [InlineData("batch: 32", "batch: 32\n  learning_rate: .nan", "s.yaml:11:18: experts.learning_rate: '.nan' is not a number above 0 and at most 1")]
    [InlineData("batch: 32", "batch: 32\n  learning_rate: NaN", "s.yaml:11:18: experts.learning_rate: 'NaN' is not a number above 0 and at most 1")]
    [InlineData("batch: 32", "batch: 32\n  clip: Infinity", "s.yaml:11:9: experts.clip: 'Infinity' is not a number above 0 and at most 1000000")]
    [InlineData("batch: 32", "batch: 32\n  clip: 1e999", "s.yaml:11:9: experts.clip: '1e999' is not a number above 0 and at most 1000000")]
    [InlineData("batch: 32", "batch: 32\n  learning_rate: \"1e-4\"", "s.yaml:11:18: experts.learning_rate: the quoted text '1e-4' is not a number above 0 and at most 1")]
    [InlineData("batch: 32", "batch: 32\n  learning_rate: 1,5", "s.yaml:11:18: experts.learning_rate: '1,5' is not a number above 0 and at most 1")]
    [InlineData("batch: 32", "batch: 32\n  decay: cosin", "s.yaml:11:10: experts.decay: unknown value 'cosin'; did you mean 'cosine'?")]
    [InlineData("batch: 32", "batch: 32\n  t: normal", "s.yaml:11:6: experts.t.density: unknown value 'normal'; known: uniform, logit-normal")]
    [InlineData("image_size: 28", "image_size: 28\n  held_out: 0", "s.yaml:5:13: data.held_out: '0' is not a number above 0 and at most 0.5")]
    [InlineData("image_size: 28", "image_size: 28\n  held_out: 0.6", "s.yaml:5:13: data.held_out: '0.6' is not a number above 0 and at most 0.5")]
    [InlineData("image_size: 28", "image_size: 28\n  channels: 2", "s.yaml:5:13: data.channels: 2 is not 1 (grey) or 3 (colour)")]
    [InlineData("image_size: 28", "image_size: 28\n  class_names: [a, b, a]", "s.yaml:5:23: data.class_names: 'a' stands in the list twice")]
    [InlineData("image_size: 28", "image_size: 28\n  class_names: a", "s.yaml:5:16: data.class_names: 'a' is not a list, each item a name")]
    [InlineData("experts: 4", "experts: 1025", "s.yaml:6:12: partition.experts: '1025' is not a whole number from 1 to 1024")]
    [InlineData("experts: 4", "experts: 4\n  cap: 0.9", "s.yaml:7:8: partition.cap: '0.9' is not a number from 1 to 1024")]
    [InlineData("experts: 4", "experts: 4\nexecution: {retention: 1}", "s.yaml:7:24: execution.retention.keep_last: '1' is not a whole number from 2 to 1000")]
    [InlineData("experts: 4", "experts: 4\nseed: -1", "s.yaml:7:7: seed: '-1' is not a whole number from 0 to 9223372036854775807")]
    [InlineData("experts: 4", "experts: 4\nseed: 9223372036854775808", "s.yaml:7:7: seed: '9223372036854775808' is not a whole number from 0 to 9223372036854775807")]
    [InlineData("experts: 4", "experts: 4\nfeatures: dino", "s.yaml:7:11: features.encoder: unknown value 'dino'; did you mean 'dinov2'?")]
    [InlineData("experts: 4", "experts: 4\nfeatures: clip", "s.yaml:7:11: features.encoder: unknown value 'clip'; known: pixels, dinov2, onnx")]
    [InlineData("model: DiT-Nano/4", "model: DiT-Nan/4", "s.yaml:7:8: model.preset: unknown preset 'DiT-Nan/4'; did you mean 'DiT-Nano/4'?")]
    [InlineData("model: DiT-Nano/4", "model: [1]", "s.yaml:7:8: model: a list is not a mapping with keys such as preset, hidden, depth")]
    [InlineData("model: DiT-Nano/4", "model:", "s.yaml:7:7: model: nothing is not a mapping with keys such as preset, hidden, depth")]
    [InlineData("model: DiT-Nano/4", "model: {preset: DiT-S/4, class_condition: yes}", "s.yaml:7:43: model.class_condition: 'yes' is not true or false")]
    [InlineData("model: DiT-Nano/4", "model: {preset: DiT-S/4, condition_dropout: 1.1}", "s.yaml:7:45: model.condition_dropout: '1.1' is not a number from 0 to 1")]
    [InlineData("model: DiT-Nano/4", "model: {hidden: 130, depth: 1, heads: 1, patch: 4}", "s.yaml:7:17: model.hidden: '130' is not a whole number from 4 to 16384 that 4 divides")]
    public void ValuesAreChecked(string find, string replace, string expected) => Assert.Equal(expected, Specs.Mistakes(find, replace));

    [Theory]
    [InlineData("../x")]
    [InlineData("a/b")]
    [InlineData("con")]
    [InlineData("CON")]
    [InlineData("prn")]
    [InlineData("aux")]
    [InlineData("nul")]
    [InlineData("com0")]
    [InlineData("lpt9")]
    [InlineData("Run")]
    [InlineData("-run")]
    [InlineData("run_1")]
    [InlineData("größe")]
    [InlineData("\U0001F600")]
    [InlineData("a;drop table runs")]
    [InlineData("<b>")]
    [InlineData("latest")]
    [InlineData("current")]
    [InlineData("<img src=x onerror=alert(1)>")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void NamesAreAllowlisted(string name)
    {
        Assert.StartsWith("s.yaml:1:7: name: '", Specs.Mistakes("name: small", $"name: '{name}'"), StringComparison.Ordinal);
        var refused = Assert.Throws<UserErrorException>(() => RunName.Require(name)).Message;
        Assert.Contains(" cannot name a run or model; expected 1 to 63 characters of a-z", refused, StringComparison.Ordinal);
    }

    [Fact]
    public void ANameMayBeANumberOr63CharactersLong()
    {
        var longest = new string('a', 63);
        Assert.Equal("2024", RunSpecReader.Read(Specs.Small.Replace("name: small", "name: 2024", StringComparison.Ordinal), "s.yaml").Name);
        Assert.Equal(longest, RunName.Require(longest));
        Assert.Equal(longest, RunSpecReader.Read(Specs.Small.Replace("small", longest, StringComparison.Ordinal), "s.yaml").Name);
    }
}

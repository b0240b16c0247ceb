using CsCheck;

namespace Ddm.Runs.Tests;

public class SpecCanonTests
{
    private static readonly Gen<TrainingSpec> Training =
        from steps in Gen.Int[1, 1_000_000]
        from batch in Gen.Int[1, 512]
        from rate in Gen.Double[1e-9, 1]
        from decay in Gen.Enum<LearningRateDecay>()
        from final in Gen.Double[0, 1]
        from clip in Gen.Double[1e-6, 1e6]
        from logitNormal in Gen.Bool
        from mean in Gen.Double[-10, 10]
        select new TrainingSpec
        {
            Steps = steps,
            Batch = batch * 2,
            LearningRate = rate,
            Decay = decay,
            FinalLearningRate = decay == LearningRateDecay.Constant ? 0 : final * rate,
            Clip = clip,
            T = logitNormal ? new TimeDensitySpec { Density = TimeDensityKind.LogitNormal, Mean = mean } : new TimeDensitySpec(),
        };

    private static readonly Gen<RunSpec> AnySpec =
        from seed in Gen.Long[0, long.MaxValue]
        from names in Gen.String[Gen.Char[' ', '\u024f'].Where(c => !char.IsControl(c)), 1, 20].Where(s => !string.IsNullOrWhiteSpace(s)).HashSet[0, 12]
        from source in Gen.String[Gen.Char['!', '~'], 1, 40]
        from experts in Gen.Int[1, 1024]
        from fine in Gen.Int[1024, 2048].Nullable()
        from preset in Gen.Bool
        from training in Training
        from routing in Training
        from micro in Gen.Int[1, 2].Nullable()
        select new RunSpec
        {
            Name = "any",
            Seed = seed,
            Data = new DataSpec { Source = source, ImageSize = 56, ClassNames = [.. names] },
            Partition = new PartitionSpec { Experts = experts, Fine = fine },
            Model = preset ? new NetworkSpec { Preset = "DiT-S/7" } : new NetworkSpec { Hidden = 24, Depth = 2, Heads = 3, Patch = 8, MlpRatio = 2 },
            Experts = training,
            Router = new RouterSpec { Network = new NetworkSpec { Preset = "DiT-Micro/14" }, Training = routing },
            Execution = new ExecutionSpec { MicroBatch = micro },
        };

    [Fact]
    public void ReadingTheCanonicalTextGivesItBack() => AnySpec.Sample(spec =>
    {
        var canonical = RunSpecReader.Canonical(spec);
        var again = RunSpecReader.Read(canonical, "canonical.json");
        Assert.Equal(canonical, RunSpecReader.Canonical(again));
        Assert.Empty(RunSpecReader.Differences(spec, again));
        Assert.Equal(spec.Experts, again.Experts);
        Assert.Equal(spec.Data.ClassNames, again.Data.ClassNames);
    });

    [Fact]
    public void WritingDoesNotMatter()
    {
        var written = RunSpecReader.Read(Specs.Small, "a.yaml");
        var otherwise = RunSpecReader.Read(
            """
            name: "small"
            router: {batch: 64, steps: 500, network: {preset: DiT-Micro/4}, learning_rate: 0.0001}
            experts: {batch: 32, steps: 600, learning_rate: 1e-4, t: {density: uniform}}
            model: {hidden: 128, depth: 4, heads: 4, patch: 4}
            partition: {experts: 4}
            data: {image_size: 28, source: images}
            """,
            "b.yaml");

        Assert.Equal(RunSpecReader.Canonical(written), RunSpecReader.Canonical(otherwise));
    }

    [Fact]
    public void TheCanonicalTextIsStable() => Assert.Equal(
        """{"name":"small","seed":0,"data":{"source":"images","image_size":28,"channels":3,"held_out":0.05,"max_bad":0.1,"flip":false,"shard_rows":2048},"features":{"encoder":"pixels","dimensions":64,"pooling":"cls"},"latent":{"channels":4,"factor":8},"text":{"width":128,"vocabulary":8192},"partition":{"experts":4,"cap":1.25,"restarts":3,"sample_rows":262144},"model":{"hidden":128,"depth":4,"heads":4,"patch":4,"mlp_ratio":4,"class_condition":true,"text_condition":true,"condition_dropout":0.1},"init":{},"experts":{"steps":600,"batch":32,"learning_rate":0.0001,"warmup":0,"decay":"constant","final_learning_rate":0,"weight_decay":0,"beta1":0.9,"beta2":0.999,"clip":1,"ema_std":0.05,"t":{"density":"uniform","mean":0,"std":1}},"router":{"network":{"hidden":64,"depth":2,"heads":2,"patch":4,"mlp_ratio":4,"class_condition":true,"text_condition":true,"condition_dropout":0.1},"steps":500,"batch":64,"learning_rate":0.0001,"warmup":0,"decay":"constant","final_learning_rate":0,"weight_decay":0,"beta1":0.9,"beta2":0.999,"clip":1,"ema_std":0.05,"t":{"density":"uniform","mean":0,"std":1}},"sampling":{"steps":50,"guidance":1,"solver":"euler","shift":1},"execution":{"slice_seconds":20,"commit_seconds":60,"window_shards":64,"retention":{"keep_last":2}}}""",
        RunSpecReader.Canonical(RunSpecReader.Read(Specs.Small, "a.yaml")));

    [Fact]
    public void DifferencesNameTheUsersKeys()
    {
        var submitted = RunSpecReader.Read(Specs.Small, "a.yaml");
        var asked = submitted with
        {
            Data = submitted.Data with { ClassNames = ["cat", "dog"] },
            Model = new NetworkSpec { Preset = "DiT-Micro/4" },
            Experts = submitted.Experts with { Steps = 800 },
            Router = submitted.Router with { Training = submitted.Router.Training with { T = new TimeDensitySpec { Density = TimeDensityKind.LogitNormal } } },
            Execution = submitted.Execution with { MicroBatch = 8 },
        };

        Assert.Equal(
            [
                "data.class_names: (none) -> [cat, dog]",
                "model.hidden: 128 -> 64",
                "model.depth: 4 -> 2",
                "model.heads: 4 -> 2",
                "experts.steps: 600 -> 800",
                "router.t.density: uniform -> logit-normal",
                "execution.micro_batch: (none) -> 8",
            ],
            RunSpecReader.Differences(submitted, asked));
    }
}

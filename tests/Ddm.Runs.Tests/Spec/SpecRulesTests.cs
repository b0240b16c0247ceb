namespace Ddm.Runs.Tests;

/// <summary>Rules between keys.</summary>
public class SpecRulesTests
{
    [Theory]
    [InlineData("image_size: 28", "image_size: 30", "s.yaml:7:8: model.preset: patch 4 does not divide data.image_size 30\ns.yaml:12:12: router.network.preset: patch 4 does not divide data.image_size 30")]
    [InlineData("model: DiT-Nano/4", "model: {hidden: 64, depth: 2, heads: 2, patch: 5}", "s.yaml:7:48: model.patch: patch 5 does not divide data.image_size 28")]
    [InlineData("model: DiT-Nano/4", "model: {hidden: 64, depth: 2, heads: 3, patch: 4}", "s.yaml:7:38: model.heads: 3 heads do not divide hidden 64")]
    [InlineData("model: DiT-Nano/4", "model: {hidden: 64, patch: 4}", "s.yaml:7:8: model: missing depth, heads; give a preset such as DiT-S/2, or all of hidden, depth, heads, patch")]
    [InlineData("model: DiT-Nano/4", "model: {preset: DiT-S/4, heads: 2}", "s.yaml:7:17: model.preset: 'DiT-S/4' fixes heads; give a preset or the numbers, not both")]
    [InlineData("model: DiT-Nano/4", "model: {preset: DiT-S/4, class_condition: false}\nsampling: {guidance: 2}", "s.yaml:8:22: sampling.guidance: 2 needs model.class_condition true and model.condition_dropout above 0; else give 1, no guidance")]
    [InlineData("model: DiT-Nano/4", "model: {preset: DiT-S/4, text_condition: false}\ntext: learned\nsampling: {guidance: 2}", "s.yaml:9:22: sampling.guidance: 2 needs model.text_condition true and model.condition_dropout above 0; else give 1, no guidance")]
    [InlineData("experts: 4", "experts: 4\ntext: {encoder: clip}", "s.yaml:7:7: text.weights: the encoder 'clip' needs its weights: a safetensors file, or the folder with it")]
    [InlineData("experts: 4", "experts: 4\ntext: {encoder: learned, weights: clip}", "s.yaml:7:35: text.weights: belongs to 'encoder: clip'; a learned encoder has no weights of its own yet")]
    [InlineData("experts: 4", "experts: 4\ntext: {tokens: 8}", "s.yaml:7:16: text.tokens: has no effect without text.encoder; give learned or clip")]
    [InlineData("experts: 4", "experts: 4\ntext: {encoder: learned, width: 100}", "s.yaml:7:33: text.width: '100' is not a whole number from 32 to 4096 that 32 divides")]
    [InlineData("batch: 32", "batch: 32\n  warmup: 601", "s.yaml:11:11: experts.warmup: 601 steps of warm-up are more than all 600 steps")]
    [InlineData("batch: 32", "batch: 32\n  final_learning_rate: 1e-6", "s.yaml:11:24: experts.final_learning_rate: has no effect without a decay; add 'decay: cosine' or 'decay: linear'")]
    [InlineData("batch: 32", "batch: 32\n  decay: linear\n  final_learning_rate: 0.1", "s.yaml:12:24: experts.final_learning_rate: 0.1 is above learning_rate 0.0001")]
    [InlineData("batch: 32", "batch: 32\n  t: {mean: 1}", "s.yaml:11:6: experts.t: mean and std have no effect on a uniform density; add 'density: logit-normal'")]
    [InlineData("batch: 64", "batch: 64\nexecution:\n  micro_batch: 48", "s.yaml:16:16: execution.micro_batch: 48 does not divide experts.batch 32")]
    [InlineData("batch: 64", "batch: 72\nexecution:\n  micro_batch: 32", "s.yaml:16:16: execution.micro_batch: 32 does not divide router.batch 72")]
    [InlineData("experts: 4", "experts: 40\n  fine: 39", "s.yaml:7:9: partition.fine: 39 fine centroids cannot make 40 experts; give at least as many")]
    [InlineData("experts: 4", "experts: 4\n  sample_rows: 3", "s.yaml:7:16: partition.sample_rows: 3 rows cannot make 4 centroids; give at least as many")]
    [InlineData("experts: 4", "experts: 4\nfeatures: {dimensions: 3000}", "s.yaml:7:24: features.dimensions: 3000 is more than the 2352 values of one image")]
    public void KeysMustAgree(string find, string replace, string expected) => Assert.Equal(expected, Specs.Mistakes(find, replace));

    [Fact]
    public void TooManyTokensAreRefused() => Assert.Contains(
        "model.patch: patch 1 cuts an image of 1024 into 1048576 tokens; at most 16384 are possible",
        Specs.MistakesOf(Specs.Small
            .Replace("image_size: 28", "image_size: 1024", StringComparison.Ordinal)
            .Replace("model: DiT-Nano/4", "model: {hidden: 64, depth: 2, heads: 2, patch: 1}", StringComparison.Ordinal)),
        StringComparison.Ordinal);

    [Fact]
    public void ARuleIsPassedOverWhereItsKeyIsWrongAlready() =>
        Assert.Equal("s.yaml:4:15: data.image_size: '-28' is not a whole number from 2 to 2048", Specs.Mistakes("image_size: 28", "image_size: -28"));

    [Fact]
    public void OneExpertIsAMonolith() => Assert.Equal(1, Specs.WithExperts(1).Partition.Experts);
}

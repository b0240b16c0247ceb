using System.Globalization;
using System.Text;

namespace Ddm.Runs.Tests;

/// <summary>The last value that is still allowed, and what stays silent beside a mistake.</summary>
public class SpecBordersTests
{
    [Theory]
    [InlineData("experts: 4", "experts: 40\n  fine: 40")]
    [InlineData("experts: 4", "experts: 4\n  sample_rows: 4")]
    [InlineData("experts: 4", "experts: 4\n  fine: 8\n  sample_rows: 8")]
    [InlineData("experts: 4", "experts: 4\n  cap: 1")]
    [InlineData("experts: 4", "experts: 4\n  cap: 1024")]
    [InlineData("experts: 4", "experts: 1024")]
    [InlineData("experts: 4", "experts: 4\nfeatures: {dimensions: 2352}")]
    [InlineData("experts: 4", "experts: 4\nseed: 0")]
    [InlineData("image_size: 28", "image_size: 28\n  held_out: 0.5")]
    [InlineData("image_size: 28", "image_size: 28\n  channels: 1")]
    [InlineData("batch: 32", "batch: 32\n  warmup: 600")]
    [InlineData("batch: 32", "batch: 32\n  decay: linear\n  final_learning_rate: 0.0001")]
    [InlineData("batch: 32", "batch: 32\n  learning_rate: 1")]
    [InlineData("batch: 32", "batch: 32\n  t: {density: logit-normal, mean: 1}")]
    [InlineData("batch: 64", "batch: 64\nexecution: {micro_batch: 32}")]
    [InlineData("batch: 64", "batch: 64\nsampling: {guidance: 0}")]
    [InlineData("model: DiT-Nano/4", "model: {hidden: 4, depth: 1, heads: 1, patch: 28}")]
    public void TheLastAllowedValueIsAllowed(string find, string replace) =>
        Assert.Equal("small", RunSpecReader.Read(Specs.Small.Replace(find, replace, StringComparison.Ordinal), "s.yaml").Name);

    [Fact]
    public void AsManyTokensAsArePossibleArePossible() => Assert.Equal(256, RunSpecReader.Read(
        Specs.Small
            .Replace("image_size: 28", "image_size: 256", StringComparison.Ordinal)
            .Replace("model: DiT-Nano/4", "model: DiT-Nano/2", StringComparison.Ordinal),
        "s.yaml").Data.ImageSize);

    [Theory]
    [InlineData("image_size: 28", "image_size: 28\n  channels: 1\nfeatures: {dimensions: 785}", "s.yaml:6:24: features.dimensions: 785 is more than the 784 values of one image")]
    [InlineData("experts: 4", "experts: 4\n  fine: 8\n  sample_rows: 7", "s.yaml:8:16: partition.sample_rows: 7 rows cannot make 8 centroids; give at least as many")]
    [InlineData("batch: 32", "batch: 32\n  t: {std: 2}", "s.yaml:11:6: experts.t: mean and std have no effect on a uniform density; add 'density: logit-normal'")]
    [InlineData("model: DiT-Nano/4", "model: {preset: DiT-S/4, condition_dropout: 0}\nsampling: {guidance: 2}", "s.yaml:8:22: sampling.guidance: 2 needs model.class_condition true and model.condition_dropout above 0; else give 1, no guidance")]
    [InlineData("model: DiT-Nano/4", "model: DiT-Nano/4\ninit: {prediction: velocity}", "s.yaml:8:7: init.checkpoint: missing; give the seed's safetensors file or folder, or leave init out")]
    public void TheFirstValueBeyondIsRefused(string find, string replace, string expected) => Assert.Equal(expected, Specs.Mistakes(find, replace));

    /// <summary>One mistake is one line: a rule between two keys says nothing where one of them is wrong by itself.</summary>
    [Theory]
    [InlineData("experts: 4", "experts: 4000\n  fine: 8", "partition.experts: '4000' is not")]
    [InlineData("experts: 4", "experts: 40\n  fine: x\n  sample_rows: 8", "partition.fine: 'x' is not")]
    [InlineData("batch: 32", "batch: x\nexecution: {micro_batch: 7}", "experts.batch: 'x' is not", "execution.micro_batch: 7 does not divide router.batch 64")]
    [InlineData("steps: 600", "steps: x\n  warmup: 700", "experts.steps: 'x' is not")]
    [InlineData("batch: 32", "batch: 32\n  decay: x\n  final_learning_rate: 1e-6", "experts.decay: unknown value 'x'")]
    [InlineData("batch: 32", "batch: 32\n  t: {density: x, mean: 1}", "experts.t.density: unknown value 'x'")]
    [InlineData("model: DiT-Nano/4", "model: {hidden: x, depth: 1}", "model.hidden: 'x' is not")]
    [InlineData("model: DiT-Nano/4", "model: {preset: DiT-S/4, class_condition: x}\nsampling: {guidance: 2}", "model.class_condition: 'x' is not")]
    [InlineData("image_size: 28", "image_size: 28\n  channels: x\nfeatures: {dimensions: 4000}", "data.channels: 'x' is not")]
    public void AMistakeHasNoFollowers(string find, string replace, params string[] expected)
    {
        var mistakes = Specs.Mistakes(find, replace).Split('\n');
        Assert.Equal(expected.Length, mistakes.Length);
        Assert.All(expected.Zip(mistakes), pair => Assert.Contains(pair.First, pair.Second, StringComparison.Ordinal));
    }

    [Fact]
    public void TwentyMistakesAreAllTold()
    {
        var yaml = new StringBuilder(Specs.Small).AppendLine();
        for (var i = 0; i < 20; i++)
        {
            yaml.AppendLine(CultureInfo.InvariantCulture, $"wrong{i}: 1");
        }

        Assert.Equal(20, Specs.MistakesOf(yaml.ToString()).Split('\n').Length);
    }

    [Fact]
    public void AFileMayBeAsLongAsIsSaid()
    {
        var fill = YamlTree.MostBytes - Encoding.UTF8.GetByteCount(Specs.Small) - 3;
        var yaml = Specs.Small + "\n#" + new string('x', fill) + "\n";
        Assert.Equal(YamlTree.MostBytes, Encoding.UTF8.GetByteCount(yaml));
        Assert.Equal("small", RunSpecReader.Read(yaml, "s.yaml").Name);
    }

    [Fact]
    public void ATabInsideALineIsFine() =>
        Assert.Equal(600, RunSpecReader.Read(Specs.Small.Replace("steps: 600", "steps:\t600\t# many", StringComparison.Ordinal), "s.yaml").Experts.Steps);

    [Fact]
    public void EightLevelsAreReadAndToldByTheirPlaceAndNineAreNot()
    {
        Assert.Equal("s.yaml:15:1: x: unknown key; known: name, seed, data, features, latent, text, partition, model, init, experts, router, sampling, execution", Nested(7).Split('\n')[0]);
        Assert.Contains("nested more than 8 deep", Nested(8), StringComparison.Ordinal);

        static string Nested(int lists) => Specs.MistakesOf(Specs.Small + $"\nx: {new string('[', lists)}{new string(']', lists)}\n");
    }

    [Fact]
    public void OnlyAScalarCanBeAKeyAndARefusedOneIsToldOnce()
    {
        Assert.Contains("a list cannot be a key", Specs.MistakesOf(Specs.Small + "\n? [a]\n: 1\n"), StringComparison.Ordinal);
        Assert.Equal("s.yaml:15:1: '*b' is an alias, which run specs do not have; write the value out", Specs.MistakesOf(Specs.Small + "\n*b : 1\n"));
    }

    [Fact]
    public void WhatIsMissingAtTheTopIsMissingWhereTheSpecBegins() => Assert.StartsWith(
        "s.yaml:3:1: model: missing", Specs.MistakesOf("# a comment\n\n" + Specs.Small.Replace("model: DiT-Nano/4\n", "", StringComparison.Ordinal)), StringComparison.Ordinal);

    [Fact]
    public void TheCanonicalTextHasNamesAsTheyAreWritten() => Assert.Contains(
        "\"class_names\":[\"caf\u00e9 & co\"]",
        RunSpecReader.Canonical(RunSpecReader.Read(Specs.Small.Replace("image_size: 28", "image_size: 28\n  class_names: [caf\u00e9 & co]", StringComparison.Ordinal), "s.yaml")),
        StringComparison.Ordinal);

    [Fact]
    public void APathMayHave1024Characters()
    {
        var longest = new string('x', 1024);
        Assert.Equal(longest, RunSpecReader.Read(Specs.Small.Replace("source: images", $"source: {longest}", StringComparison.Ordinal), "s.yaml").Data.Source);
        Assert.EndsWith("has 1025 characters; expected a path of at most 1024", Specs.Mistakes("source: images", $"source: {longest}x"), StringComparison.Ordinal);
    }
}

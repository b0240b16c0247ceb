namespace Ddm.Runs.Tests;

public class SpecWarningsTests
{
    [Theory]
    [InlineData("batch: 32", "batch: 32\n  learning_rate: 0.01", "11:18 experts.learning_rate: 0.01 is high for AdamW on a transformer; 1e-4 to 2e-3 is usual")]
    [InlineData("batch: 32", "batch: 32\n  warmup: 301", "11:11 experts.warmup: 301 of 600 steps are warm-up; the full learning rate is hardly used")]
    [InlineData("network: DiT-Micro/4", "network: DiT-S/4", "12:12 router.network: the router is larger than an expert; a small one, such as DiT-Micro or DiT-Nano, routes as well")]
    [InlineData("experts: 4", "experts: 1", "6:12 partition.experts: 1 expert is a single model: the router has nothing to learn, one step of it would do")]
    [InlineData("model: DiT-Nano/4", "model: {preset: DiT-Nano/4, condition_dropout: 0}", "7:48 model.condition_dropout: 0: no image is ever learned without its condition, so guidance will not be possible")]
    public void DoubtsHaveTheirPlace(string find, string replace, string expected)
    {
        var reading = RunSpecReader.Check(Specs.Small.Replace(find, replace, StringComparison.Ordinal), "s.yaml");
        Assert.NotNull(reading.Spec);
        var warning = Assert.Single(reading.Warnings);
        Assert.Equal(expected, $"{warning.Line}:{warning.Column} {warning.Path}: {warning.Text}");
    }

    [Fact]
    public void TheSmallSpecRaisesNone() => Assert.Empty(RunSpecReader.Check(Specs.Small, "s.yaml").Warnings);

    [Theory]
    [InlineData("Cats", "'Cats' cannot name a run; expected 1 to 63 characters of a-z, 0-9 and '-', the first a letter or digit, no device name of Windows and not latest or current; did you mean 'cats'?")]
    [InlineData("latest", "'latest' cannot name a run; expected 1 to 63 characters of a-z, 0-9 and '-', the first a letter or digit, no device name of Windows and not latest or current")]
    public void ANameThatDiffersOnlyInCaseIsRefusedAndTheOtherSuggested(string name, string expected)
        => Assert.Equal($"s.yaml:1:7: name: {expected}", Specs.Mistakes("name: small", $"name: {name}"));
}

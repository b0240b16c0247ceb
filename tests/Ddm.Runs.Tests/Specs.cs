using System.Globalization;

namespace Ddm.Runs.Tests;

/// <summary>Specs that tests start from.</summary>
internal static class Specs
{
    public const string Small = """
        name: small
        data:
          source: images
          image_size: 28
        partition:
          experts: 4
        model: DiT-Nano/4
        experts:
          steps: 600
          batch: 32
        router:
          network: DiT-Micro/4
          steps: 500
          batch: 64
        """;

    public static RunSpec WithExperts(int experts, int steps = 600, int routerSteps = 500) => RunSpecReader.Read(
        Small
            .Replace("experts: 4", string.Create(CultureInfo.InvariantCulture, $"experts: {experts}"), StringComparison.Ordinal)
            .Replace("steps: 600", string.Create(CultureInfo.InvariantCulture, $"steps: {steps}"), StringComparison.Ordinal)
            .Replace("steps: 500", string.Create(CultureInfo.InvariantCulture, $"steps: {routerSteps}"), StringComparison.Ordinal),
        "small.yaml");

    /// <summary>What the reader says of the small spec after a replacement that must be possible.</summary>
    public static string Mistakes(string find, string replace)
    {
        Assert.Contains(find, Small, StringComparison.Ordinal);
        return MistakesOf(Small.Replace(find, replace, StringComparison.Ordinal));
    }

    public static string MistakesOf(string yaml) => Assert.Throws<UserErrorException>(() => RunSpecReader.Read(yaml, "s.yaml")).Message;

    public static RunDocument Document(RunSpec spec, int shards = 3) => new()
    {
        Name = spec.Name,
        Spec = spec,
        SpecText = Small,
        SourceRoot = "/data",
        SubmittedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        DatasetId = "d",
        ShardCount = shards,
    };
}

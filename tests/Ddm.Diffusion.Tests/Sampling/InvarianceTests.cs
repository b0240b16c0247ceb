using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>A picture alone, in a batch of 7 and in a batch of 64 is the same, bit for bit.</summary>
public class InvarianceTests
{
    private static readonly DiTConfig Even = new(16, 1, 4, 64, 2, 2, 4, 3, 0.1); // 16 tokens
    private static readonly DiTConfig Odd = new(21, 3, 3, 36, 1, 3, 2, 3, 0.1); // 49 tokens of 36: elementwise operations end in the middle of a vector
    private static readonly DiTConfig Quickstart = new(28, 1, 4, 128, 4, 4, 4, 10, 0.1);

    public static TheoryData<string, double, Solver, bool> Ways()
    {
        var ways = new TheoryData<string, double, Solver, bool>();
        foreach (var strategy in new[] { "top-1", "top-2", "full", "sample", "nucleus", "threshold", "oracle", "ancestral" })
        {
            ways.Add(strategy, 1, Solver.Euler, true);
            ways.Add(strategy, 2, Solver.Heun, true);
            ways.Add(strategy, 1, Solver.Heun, false);
            ways.Add(strategy, 2, Solver.Euler, false);
        }

        return ways;
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void APictureIsTheSameAloneAmongSevenAndAmongSixtyFour(string strategy, double guidance, Solver solver, bool even)
        => Compare(even ? Even : Odd, strategy, guidance, solver, GuidanceRouting.Shared, pictures: 64, alone: [0, 1, 30, 57, 62, 63]);

    [Fact]
    public void SeparateGuidanceRoutingTooAndTwoThreads()
    {
        var threads = get_num_threads();
        try
        {
            set_num_threads(2);
            Compare(Even, "top-1", 2, Solver.Heun, GuidanceRouting.Separate, pictures: 64, alone: [0, 5, 63]);
            Compare(Odd, "top-2", 2, Solver.Euler, GuidanceRouting.Separate, pictures: 64, alone: [0, 5, 63]);
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Theory]
    [InlineData("top-1", 1)]
    [InlineData("top-1", 2)]
    [InlineData("full", 2)]
    [InlineData("ancestral", 2)]
    [Trait("Category", "Long")]
    public void HundredsOfPicturesOfTheQuickstartsNetworks(string strategy, int threads)
    {
        var before = get_num_threads();
        try
        {
            set_num_threads(threads);
            Compare(Quickstart, strategy, 2, Solver.Euler, GuidanceRouting.Shared, pictures: 320, alone: [.. Enumerable.Range(0, 320)]);
        }
        finally
        {
            set_num_threads(before);
        }
    }

    /// <summary>Every number of rows from 1 to 40, and every place among them.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ANetworksAnswerForARowDoesNotDependOnTheOthers(bool even)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var config = even ? Even : Odd;
        using var expert = Shaken.Fill(new DiT(config), 3);
        using var router = Shaken.Fill(new RouterNetwork(config, 5), 4);
        using var generator = new Generator(1, CPU);
        var (x, t) = (randn([40, config.Channels, config.ImageSize, config.ImageSize], generator: generator), rand([40], generator: generator));
        var labels = arange(40, ScalarType.Int64) % 4;
        foreach (var answer in new Func<Tensor, Tensor, Tensor, Tensor>[] { new DiTExpert(expert).Velocity, new NetworkRouter(router).Logits })
        {
            var alone = cat([.. Enumerable.Range(0, 40).Select(i => answer(x.narrow(0, i, 1), t.narrow(0, i, 1), labels.narrow(0, i, 1)))], dim: 0);
            for (var rows = 2; rows <= 40; rows++)
            {
                var first = 40 - rows;
                Assert.True(answer(x.narrow(0, first, rows), t.narrow(0, first, rows), labels.narrow(0, first, rows)).Equals(alone.narrow(0, first, rows)), $"{rows} rows");
            }
        }
    }

    [Fact]
    public void OneRowIsAlwaysAGoodBlock()
    {
        using var expert = new DiT(Odd);
        Assert.Contains(1, RowBlocks.Of(expert, ComputeType.Float32).Sizes());
    }

    /// <summary>A router cut down to single rows takes three times as long, and nothing else tells.</summary>
    [Fact]
    public void TheRoutersBlocksAreAsLargeAsTheExperts()
    {
        var config = new DiTConfig(32, 3, 4, 128, 4, 4, 4, 3, 0.1); // DiT-Nano/4: 64 tokens, 65 with the router's own
        using var expert = new DiT(config);
        using var router = new RouterNetwork(config, 8);
        Assert.Equal(RowBlocks.Of(expert, ComputeType.Float32).Sizes(), RowBlocks.Of(router, ComputeType.Float32).Sizes());
    }

    private static void Compare(DiTConfig config, string strategy, double guidance, Solver solver, GuidanceRouting routing, int pictures, int[] alone)
    {
        using var scope = NewDisposeScope();
        using var model = new ShakenModel(config, experts: 4);
        var request = new SampleRequest
        {
            Seeds = [.. Enumerable.Range(0, pictures).Select(i => (long)(100 + i))],
            Labels = [.. Enumerable.Range(0, pictures).Select(i => (long)(i % (config.Classes + 1)))],
            Oracle = [.. Enumerable.Range(0, pictures).Select(i => i % 3)],
            Steps = 3,
            Guidance = guidance,
            Solver = solver,
            GuidanceRouting = routing,
            Strategy = RoutingStrategy.Parse(strategy),
        };
        using var together = model.Sampler().Draw(request);
        foreach (var i in alone)
        {
            Same(together, i, [i]);
        }

        foreach (var first in new[] { 0, pictures / 2, pictures - 7 })
        {
            Same(together, first + 3, [.. Enumerable.Range(first, 7)]);
        }

        // Where every picture is another and none is flat, equality says something.
        Assert.True(together.Images.std().item<float>() > 0.1);

        void Same(SampleResult all, int picture, int[] rows)
        {
            using var part = model.Sampler().Draw(request with
            {
                Seeds = [.. rows.Select(i => request.Seeds[i])],
                Labels = [.. rows.Select(i => request.Labels![i])],
                Oracle = [.. rows.Select(i => request.Oracle![i])],
            });
            var at = Array.IndexOf(rows, picture);
            var (here, there) = (part.Images.narrow(0, at, 1), all.Images.narrow(0, picture, 1));
            Assert.True(EightBit.Levels(here).Equals(EightBit.Levels(there)), $"picture {picture} among {rows.Length}: other levels");
            Assert.True(here.Equals(there), $"picture {picture} among {rows.Length}: other bits");
            Assert.All(Enumerable.Range(0, request.Steps), step => Assert.Equal(all.Choices[step, picture], part.Choices[step, at]));
            Assert.All(Enumerable.Range(0, request.Steps), step => Assert.Equal(all.Gaps[step, picture], part.Gaps[step, at]));
        }
    }
}

using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>Pictures of different requests, settings and ages are stepped together, and each comes out as it does alone.</summary>
public class SharedStepTests
{
    private static readonly DiTConfig Config = new(16, 1, 4, 64, 2, 2, 4, 3, 0.1);

    private static SampleRequest[] Requests()
    {
        var requests = new List<SampleRequest>();
        foreach (var strategy in new[] { "top-1", "top-2", "full", "sample", "nucleus", "threshold", "oracle", "ancestral@0.5" })
        {
            foreach (var (guidance, solver) in new[] { (1.0, Solver.Euler), (2.5, Solver.Heun) })
            {
                var i = requests.Count;
                requests.Add(new SampleRequest
                {
                    Seeds = [.. Enumerable.Range(0, 1 + (i % 3)).Select(j => (long)((100 * i) + j))],
                    Labels = [.. Enumerable.Range(0, 1 + (i % 3)).Select(j => (long)((i + j) % 4))],
                    Oracle = [.. Enumerable.Range(0, 1 + (i % 3)).Select(j => j % 2)],
                    Steps = 2 + (i % 4),
                    Shift = 1 + (i % 2),
                    Guidance = guidance,
                    Solver = solver,
                    RouterInterval = 1 + (i % 3),
                    GuidanceRouting = i % 2 == 0 ? GuidanceRouting.Shared : GuidanceRouting.Separate,
                    Strategy = RoutingStrategy.Parse(strategy),
                });
            }
        }

        return [.. requests];
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void PicturesThatJoinAndLeaveAreTheSameAsAlone(int seed)
    {
        using var model = new ShakenModel(Config, experts: 3);
        var sampler = model.Sampler();
        var requests = Requests();
        var random = new Random(seed);
        var waiting = new Queue<int>(Enumerable.Range(0, requests.Length).OrderBy(_ => random.Next()));
        var running = new List<(int Request, IReadOnlyList<Picture> Pictures)>();
        var drawn = new SampleResult?[requests.Length];
        while (waiting.Count + running.Count > 0)
        {
            for (var arrivals = random.Next(4); arrivals > 0 && waiting.TryDequeue(out var next); arrivals--)
            {
                running.Add((next, sampler.Begin(requests[next])));
                sampler.Start(running[^1].Pictures);
            }

            Picture[] batch = [.. running.SelectMany(r => r.Pictures).OrderBy(_ => random.Next())];
            if (batch.Length > 0)
            {
                sampler.Step(batch);
            }

            foreach (var done in running.Where(r => r.Pictures[0].Done).ToArray())
            {
                drawn[done.Request] = sampler.Finish(done.Pictures);
                done.Pictures.ToList().ForEach(p => p.Dispose());
                running.Remove(done);
            }
        }

        for (var i = 0; i < requests.Length; i++)
        {
            using var together = drawn[i]!;
            using var alone = model.Sampler().Draw(requests[i]);
            Assert.True(alone.Images.Equals(together.Images), $"{requests[i].Strategy}, guidance {requests[i].Guidance}: other bits");
            Assert.Equal(alone.Choices, together.Choices);
            Assert.Equal(alone.Evaluations, together.Evaluations);
            Assert.Equal(alone.RouterEvaluations, together.RouterEvaluations);
        }
    }

    [Fact]
    public void TheRouterIsAskedAtEveryThirdStepAndItsChoiceKept()
    {
        using var model = new ShakenModel(Config, experts: 3);
        var request = new SampleRequest { Seeds = [1, 2], Steps = 7, RouterInterval = 3, Strategy = RoutingStrategy.Parse("full") };
        using var result = model.Sampler().Draw(request);

        Assert.Equal(2 * 3, result.RouterEvaluations);
        for (var step = 0; step < 7; step++)
        {
            Assert.Equal(result.Weights[step - (step % 3), 1, 0], result.Weights[step, 1, 0]);
        }

        Assert.NotEqual(result.Weights[0, 1, 0], result.Weights[3, 1, 0]);
    }

    [Fact]
    public void TheLastEstimateIsThePicture()
    {
        using var model = new ShakenModel(Config, experts: 2);
        var sampler = model.Sampler();
        var request = new SampleRequest { Seeds = [5], Steps = 4 };
        using var picture = Assert.Single(sampler.Begin(request));
        sampler.Start([picture]);
        for (var step = 0; step < 4; step++)
        {
            picture.WantsEstimate = step is 1 or 3;
            sampler.Step([picture]);
            Assert.Equal(step is 1 or 3, picture.Estimate is not null);
        }

        using var preview = sampler.Preview(picture);
        using var result = sampler.Finish([picture]);
        Assert.True(allclose(preview, result.Images, atol: 1e-5));
    }
}

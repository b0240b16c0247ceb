using Ddm.Runs;

namespace Ddm.Diffusion.Tests;

/// <summary>What a drawing costs in forwards, counted in rows.</summary>
public class ForwardCountTests
{
    private const int Pictures = 6, Steps = 4, Experts = 3;
    private static readonly DiTConfig Small = new(8, 1, 4, 32, 1, 2, 2, 3, 0.1);

    [Theory]
    [InlineData("top-1", 1, Steps)]
    [InlineData("top-2", 2, Steps)]
    [InlineData("top-9", Experts, Steps)]
    [InlineData("full", Experts, Steps)]
    [InlineData("threshold:0", Experts, Steps)]
    [InlineData("sample", 1, Steps)]
    [InlineData("nucleus", 1, Steps)]
    [InlineData("oracle", 1, 0)]
    [InlineData("ancestral", 1, 1)]
    public void RowsOfExpertsAndRouter(string strategy, int expertsAStep, int routerCalls)
    {
        using var model = new ShakenModel(Small, Experts);
        foreach (var (guidance, solver) in new[] { (1.0, Solver.Euler), (2.0, Solver.Euler), (1.0, Solver.Heun), (2.0, Solver.Heun) })
        {
            using var result = model.Sampler().Draw(new SampleRequest
            {
                Seeds = [.. Enumerable.Range(0, Pictures)],
                Labels = [.. Enumerable.Range(0, Pictures).Select(i => (long)(i % 3))],
                Oracle = [.. Enumerable.Range(0, Pictures).Select(i => i % Experts)],
                Steps = Steps,
                Guidance = guidance,
                Solver = solver,
                Strategy = RoutingStrategy.Parse(strategy),
            });
            var stages = solver == Solver.Heun ? (2 * Steps) - 1 : Steps;
            Assert.Equal(expertsAStep * Pictures * stages * (guidance == 1 ? 1 : 2), result.ExpertEvaluations);
            Assert.Equal(result.ExpertEvaluations, result.Evaluations.Sum());
            Assert.Equal(Pictures * routerCalls, result.RouterEvaluations);
        }
    }
}

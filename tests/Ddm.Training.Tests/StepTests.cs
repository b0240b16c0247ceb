using Ddm.Diffusion;
using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Training.Tests;

public sealed class StepTests : IDisposable
{
    private readonly Workshop workshop = new();

    [Fact]
    public async Task MicroBatchesSumToTheGlobalBatch()
    {
        var role = Role.Expert(0);
        var whole = await workshop.TrainerAsync(role);
        var parts = await workshop.TrainerAsync(role, numerics: Workshop.Class(microBatch: 5)); // 5 + 5 + 5 + 1
        for (var i = 0; i < 4; i++)
        {
            var (a, b) = (whole.Step(), parts.Step());
            Assert.Equal(a.Loss, b.Loss, 1e-4);
            Assert.Equal(a.GradNorm, b.GradNorm, 1e-3);
        }
    }

    [Theory]
    [InlineData("experts/0", 0.8)]
    [InlineData("router", 0.7)]
    public async Task LossFalls(string path, double share)
    {
        var role = Role.Parse(path);
        var spec = Workshop.Spec with
        {
            Experts = Workshop.Spec.Experts with { Steps = 150, LearningRate = 5e-3, Warmup = 10 },
            Router = Workshop.Spec.Router with { Training = Workshop.Spec.Router.Training with { Steps = 150, LearningRate = 5e-3, Warmup = 10 } },
        };
        var trainer = await workshop.TrainerAsync(role, spec: spec);
        var before = trainer.HeldOutLoss();
        for (var i = 0; i < 150; i++)
        {
            trainer.Step();
        }

        Assert.InRange(trainer.HeldOutLoss()!.Value, 0, before!.Value * share);
        var losses = trainer.Metrics.Steps.Select(m => m.Loss).ToArray();
        Assert.InRange(losses[^30..].Average(), 0, losses[..5].Average() * share);
    }

    [Fact]
    public async Task AnUntrainedRouterKnowsNothing()
    {
        var trainer = await workshop.TrainerAsync(Role.Router);
        Assert.Equal(Math.Log(2), trainer.HeldOutLoss()!.Value, 1e-6);
    }

    [Fact]
    public async Task ABadRowIsNamedAndNothingMoves()
    {
        var role = Role.Expert(0);
        var objective = new Poisoned(Roles.Objective(Workshop.Spec, role, Workshop.Classes, Workshop.Class()), times: int.MaxValue);
        var trainer = await workshop.TrainerAsync(role, objective);
        var before = Workshop.Fingerprint(trainer);

        NonFiniteStepException? error = null;
        for (var i = 0; i < 4 && error is null; i++)
        {
            before = Workshop.Fingerprint(trainer);
            error = Record.Exception(() => trainer.Step()) as NonFiniteStepException; // an epoch is 34 rows: the marked one comes within 3 steps
        }

        Assert.NotNull(error);
        Assert.Equal(trainer.StepNumber, error.Step);
        Assert.Equal([(long)Workshop.MarkedRow], error.Rows);
        Assert.Contains($"experts/0: step {error.Step} ", error.Message, StringComparison.Ordinal);
        Assert.Contains($"{Workshop.MarkedRow}", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, Workshop.Fingerprint(trainer));
        Assert.Equal(2, objective.Poisonings);
    }

    [Fact]
    public async Task AFaultThatDoesNotComeAgainLeavesNoTrace()
    {
        var role = Role.Expert(0);
        var objective = new Poisoned(Roles.Objective(Workshop.Spec, role, Workshop.Classes, Workshop.Class()), times: 1);
        var (faulty, sound) = (await workshop.TrainerAsync(role, objective), await workshop.TrainerAsync(role));
        for (var i = 0; i < 4; i++)
        {
            faulty.Step();
            sound.Step();
        }

        Assert.Equal(1, faulty.Metrics.Steps.Count(m => m.Replayed));
        Assert.Equal(Workshop.Fingerprint(sound), Workshop.Fingerprint(faulty));
    }

    [Fact]
    public async Task DivergenceStopsBeforeItReachesTheWeights()
    {
        var spec = Workshop.Spec with { Experts = Workshop.Spec.Experts with { LearningRate = 1e30, Decay = LearningRateDecay.Constant } };
        var trainer = await workshop.TrainerAsync(Role.Expert(1), spec: spec);
        var error = Assert.Throws<NonFiniteStepException>(() =>
        {
            for (var i = 0; i < 8; i++)
            {
                trainer.Step();
            }
        });
        Assert.Equal(trainer.StepNumber, error.Step);
        Assert.All(trainer.State.Weights, w => Assert.True(w.isfinite().all().item<bool>()));
    }

    [Fact]
    public async Task StepsKeepNoTensors()
    {
        var trainer = await workshop.TrainerAsync(Role.Expert(0));
        trainer.Step();
        trainer.HeldOutLoss();
        var count = Tensor.TotalCount;
        for (var i = 0; i < 200; i++)
        {
            trainer.Step();
            Assert.InRange(Tensor.TotalCount, 0, count);
        }

        trainer.HeldOutLoss();
        Assert.InRange(Tensor.TotalCount, 0, count);
    }

    public void Dispose() => workshop.Dispose();

    /// <summary>Gives the marked row a loss that is no number, a given number of times.</summary>
    private sealed class Poisoned(Objective inner, int times) : Objective
    {
        public int Poisonings { get; private set; }

        public override TransformerTrunk CreateNetwork(Device device) => inner.CreateNetwork(device);

        public override Tensor RowLosses(TransformerTrunk network, Batch batch)
        {
            var losses = inner.RowLosses(network, batch);
            var marked = batch.X0.amin([1, 2, 3]).eq(1);
            if (Poisonings == times || !marked.any().item<bool>())
            {
                return losses;
            }

            Poisonings++;
            return losses.masked_fill(marked, float.NaN);
        }
    }
}

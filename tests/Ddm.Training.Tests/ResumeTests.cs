using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Training.Tests;

public sealed class ResumeTests : IDisposable
{
    private const int Steps = 7;

    private readonly Workshop workshop = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("experts/0", 1, 1)]
    [InlineData("experts/0", 2, 2)]
    [InlineData("experts/1", 4, 1)]
    [InlineData("router", 1, 2)]
    [InlineData("router", 5, 1)]
    public async Task ARunCutAnywhereEndsInTheSameBits(string path, int cut, int threads)
    {
        var (role, numerics) = (Role.Parse(path), Workshop.Class(threads: threads));
        var straight = await workshop.TrainerAsync(role, numerics: numerics);
        Step(straight, Steps);

        var (claim, before) = (await ClaimAsync(role), await workshop.TrainerAsync(role, numerics: numerics));
        Step(before, cut);
        await CommitAsync(claim, before, 0, numerics);
        var opened = await workshop.Checkpoints.OpenAsync(Workshop.Run, role, (await workshop.OpenAsync(role)).ManifestSha256, Token);
        var after = await workshop.TrainerAsync(role, opened, numerics: numerics);
        Assert.Equal(cut, after.StepNumber);
        Assert.Equal(Workshop.Fingerprint(before), Workshop.Fingerprint(after));
        Step(after, Steps - cut);

        Assert.Equal(Workshop.Fingerprint(straight), Workshop.Fingerprint(after));
        Assert.Equal(straight.HeldOutLoss(), after.HeldOutLoss());
    }

    [Fact]
    public async Task TrainersOfOneSeedAgreeAndOfTwoDiffer()
    {
        var (a, b) = (await workshop.TrainerAsync(Role.Expert(0)), await workshop.TrainerAsync(Role.Expert(0)));
        var other = await workshop.TrainerAsync(Role.Expert(0), spec: Workshop.Spec with { Seed = 21 });
        Assert.Equal(Workshop.Fingerprint(a), Workshop.Fingerprint(b));
        Step(a, 3);
        Step(b, 3);
        Step(other, 3);
        Assert.Equal(Workshop.Fingerprint(a), Workshop.Fingerprint(b));
        Assert.NotEqual(Workshop.Fingerprint(a), Workshop.Fingerprint(other));
    }

    [Fact]
    public async Task MeasuringHeldOutRowsChangesNothing()
    {
        var (measured, plain) = (await workshop.TrainerAsync(Role.Router), await workshop.TrainerAsync(Role.Router));
        for (var i = 0; i < 3; i++)
        {
            measured.Step();
            plain.Step();
            var loss = measured.HeldOutLoss();
            Assert.Equal(loss, measured.HeldOutLoss());
            Assert.Equal(loss, measured.Metrics.Steps[^1].HeldOutLoss);
        }

        Assert.Equal(Workshop.Fingerprint(plain), Workshop.Fingerprint(measured));
    }

    [Fact]
    public async Task MetricsCoverTheStepsSinceTheCommit()
    {
        var role = Role.Expert(1);
        var (claim, trainer) = (await ClaimAsync(role), await workshop.TrainerAsync(role));
        Step(trainer, 2);
        await CommitAsync(claim, trainer, 0);
        Step(trainer, 3);
        var manifest = await CommitAsync(claim, trainer, 2);

        var opened = await workshop.Checkpoints.OpenAsync(Workshop.Run, role, null, Token);
        using var part = await opened!.OpenPartAsync(MetricsLog.Part, Token);
        var read = await MetricsLog.ReadAsync(part, Token);
        Assert.Equal([3L, 4, 5], read.Select(m => m.Step));
        Assert.All(read, m => Assert.True(double.IsFinite(m.Loss) && m.GradNorm > 0 && m.LearningRate > 0 && m.Images == 16));
        Assert.Equal(["ema.safetensors", "metrics.jsonl", "optimizer.safetensors", "weights.safetensors"], manifest.Parts.Select(p => p.Name).Order());
    }

    [Fact]
    public async Task AStateThatWasKeptButNotCommittedBringsItsMetricsWithIt()
    {
        var role = Role.Expert(1);
        var (claim, trainer) = (await ClaimAsync(role), await workshop.TrainerAsync(role));
        Step(trainer, 2);
        await CommitAsync(claim, trainer, 0);
        Step(trainer, 3);
        var kept = new LocalCheckpoints(workshop.Store, TimeProvider.System);
        await kept.KeepAsync("x", claim, await RequestAsync(trainer, role, 2), Token);

        var data = (await workshop.OpenAsync(role)).ManifestSha256;
        Assert.Null(await kept.OpenAsync("x", Workshop.Run, role, new string('0', 64), data, Workshop.Class(), Token));
        Assert.Null(await kept.OpenAsync("y", Workshop.Run, role, claim.Head.ManifestSha256, data, Workshop.Class(), Token));
        Assert.Null(await kept.OpenAsync("x", Workshop.Run, role, claim.Head.ManifestSha256, data, Workshop.Class(microBatch: 8), Token));
        var opened = await kept.OpenAsync("x", Workshop.Run, role, claim.Head.ManifestSha256, data, Workshop.Class(), Token);
        var after = await workshop.TrainerAsync(role, opened);
        Step(after, 1);
        Step(trainer, 1);
        Assert.Equal(Workshop.Fingerprint(trainer), Workshop.Fingerprint(after));
        Assert.Equal([3L, 4, 5, 6], after.Metrics.Steps.Select(m => m.Step));

        await kept.ForgetAsync("x", Workshop.Run, role, Token);
        Assert.Null(await kept.OpenAsync("x", Workshop.Run, role, claim.Head.ManifestSha256, data, Workshop.Class(), Token));
    }

    [Fact]
    public async Task AnotherNumericsClassIsRefused()
    {
        var role = Role.Expert(0);
        var (claim, trainer) = (await ClaimAsync(role), await workshop.TrainerAsync(role));
        Step(trainer, 1);
        await CommitAsync(claim, trainer, 0);
        var opened = await workshop.Checkpoints.OpenAsync(Workshop.Run, role, null, Token);
        var error = await Assert.ThrowsAsync<NumericsMismatchException>(() => workshop.TrainerAsync(role, opened, numerics: Workshop.Class(microBatch: 8)));
        Assert.Equal((16, 8), (error.Asked.MicroBatch, error.Here.MicroBatch));

        var elsewhere = Workshop.Class() with { Device = "cuda-sm90" };
        var here = await Assert.ThrowsAsync<NumericsMismatchException>(() => workshop.TrainerAsync(role, numerics: elsewhere));
        Assert.Contains("cuda-sm90", here.Message, StringComparison.Ordinal);
        Assert.Contains(Workshop.Class().Device, here.Message, StringComparison.Ordinal);
    }

    public void Dispose() => workshop.Dispose();

    private static void Step(Trainer trainer, int count)
    {
        for (var i = 0; i < count; i++)
        {
            trainer.Step();
        }
    }

    private async Task<RoleClaim> ClaimAsync(Role role)
    {
        var outcome = await workshop.Checkpoints.ClaimAsync(Workshop.Run, role, "tester", _ => true, TimeSpan.FromMinutes(1), Token);
        var claim = Assert.IsType<ClaimOutcome.Claimed>(outcome).Claim;
        Assert.Null(await workshop.Checkpoints.OpenAsync(claim, null, Token));
        return claim;
    }

    private async Task<CheckpointManifest> CommitAsync(RoleClaim claim, Trainer trainer, long from, NumericsClass? numerics = null)
    {
        var request = await RequestAsync(trainer, claim.Role, from, numerics);
        var committed = Assert.IsType<CommitOutcome.Committed>(await workshop.Checkpoints.CommitAsync(claim, request, Token));
        trainer.Committed(trainer.StepNumber);
        return committed.Manifest;
    }

    private async Task<CommitRequest> RequestAsync(Trainer trainer, Role role, long from, NumericsClass? numerics = null) => new()
    {
        Step = trainer.StepNumber,
        FromStep = from,
        DataManifestSha256 = (await workshop.OpenAsync(role)).ManifestSha256,
        Numerics = numerics ?? Workshop.Class(),
        Parts = trainer.CheckpointParts(),
    };
}

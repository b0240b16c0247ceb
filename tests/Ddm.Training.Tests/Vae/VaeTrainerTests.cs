using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training.Tests;

public sealed class VaeTrainerTests : IDisposable
{
    private readonly VaeWorkshop workshop = new();

    [Fact]
    public void RealPicturesAreLearned()
    {
        var settings = VaeWorkshop.Settings with { Steps = 120 };
        using var trainer = workshop.Trainer(settings);
        var measure = VaeMeasure.Of(workshop.Read(settings), settings);
        var before = measure.Quality(trainer.State.Average, CPU);
        var errors = Enumerable.Range(0, settings.Steps).Select(_ => trainer.Step().Error).ToArray();
        var after = measure.Quality(trainer.State.Average, CPU);

        Assert.InRange(errors[^10..].Average(), 0, errors[..10].Average() / 3);
        Assert.True(after.Psnr > before.Psnr + 6, $"held-out PSNR rose from {before.Psnr:F1} to {after.Psnr:F1} dB");
        Assert.InRange(after.Levels, 0, before.Levels / 2);
    }

    [Fact]
    public void TheSameSeedGivesTheSameBitsAndAnotherOthers()
    {
        using var first = workshop.Trainer(threads: 2);
        using var second = workshop.Trainer(threads: 2);
        using var other = workshop.Trainer(VaeWorkshop.Settings with { Seed = 4 }, threads: 2);
        VaeWorkshop.Step(first, 4);
        VaeWorkshop.Step(second, 4);
        VaeWorkshop.Step(other, 4);
        Assert.Equal(VaeWorkshop.Fingerprint(first), VaeWorkshop.Fingerprint(second));
        Assert.NotEqual(VaeWorkshop.Fingerprint(first), VaeWorkshop.Fingerprint(other));
    }

    [Fact]
    public void MicroBatchesSumToTheBatch()
    {
        using var whole = workshop.Trainer();
        using var parts = workshop.Trainer(microBatch: 3); // 3 + 3 + 2
        for (var i = 0; i < 3; i++)
        {
            var (a, b) = (whole.Step(), parts.Step());
            Assert.Equal(a.Loss, b.Loss, 1e-4);
            Assert.Equal(a.Error, b.Error, 1e-4);
            Assert.Equal(a.Kl, b.Kl, a.Kl * 1e-4);
            Assert.Equal(a.GradNorm, b.GradNorm, a.GradNorm * 1e-3);
        }
    }

    [Fact]
    public void AnEpochTakesEveryTrainingPictureOnceAndNoHeldOutOne()
    {
        using var scope = NewDisposeScope();
        var settings = VaeWorkshop.Settings with { Batch = 1 };
        var pictures = workshop.Read(settings);
        Assert.NotEmpty(pictures.HeldOut);
        Assert.Equal(VaeWorkshop.Pictures, pictures.Training.Count + pictures.HeldOut.Count);
        using var batches = new VaeBatches(pictures, settings);
        var seen = Enumerable.Range(0, pictures.Training.Count).Select(step => Text(batches.Load(step, CPU).Images)).ToArray();
        var wanted = pictures.Training.Select(place => Text(EightBit.Images(VaeMeasure.Stack([pictures.Rows.Row(place).ToArray()], settings))));
        Assert.Equal(wanted.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));

        static string Text(Tensor image) => Convert.ToHexString(image.bytes);
    }

    [Fact]
    public void WeightsBeginAsTorchBeginsThem()
    {
        var config = VaeWorkshop.Settings.Config;
        var drawn = VaeInitializer.Draw(config, seed: 5);
        Assert.Equal(config.Weights().Select(w => w.Name), drawn.Keys);
        foreach (var (name, tensor) in drawn)
        {
            using var scope = NewDisposeScope();
            var weight = drawn[name.Replace(".bias", ".weight", StringComparison.Ordinal)];
            var (least, most) = (tensor.min().item<float>(), tensor.max().item<float>());
            if (weight.dim() == 1)
            {
                Assert.Equal(name.EndsWith(".bias", StringComparison.Ordinal) ? (0, 0) : (1, 1), (least, most));
                continue;
            }

            var bound = 1 / Math.Sqrt(weight.numel() / (double)weight.size(0)); // torch: kaiming_uniform_(a = sqrt(5)), and the same for biases
            Assert.InRange(Math.Max(-least, most), tensor.numel() > 100 ? 0.9 * bound : 0, bound);
            Assert.True(least < most || tensor.numel() == 1, name);
        }

        var again = VaeInitializer.Draw(config, seed: 6);
        using var difference = again["decoder.conv_in.weight"].Minus(drawn["decoder.conv_in.weight"]).abs();
        Assert.True(difference.max().item<float>() > 0);
        foreach (var tensor in drawn.Values.Concat(again.Values))
        {
            tensor.Dispose();
        }
    }

    [Fact]
    public void ADivergedTrainingIsSaidAndReachesNoWeight()
    {
        using var trainer = workshop.Trainer(VaeWorkshop.Settings with { Steps = 100, LearningRate = 1 });
        using (no_grad())
        {
            trainer.State.Weights[0].fill_(1e30f);
        }

        var before = VaeWorkshop.Fingerprint(trainer);
        var error = Assert.Throws<UserErrorException>(() => trainer.Step());
        Assert.Contains("step 1 gave a loss of ", error.Message, StringComparison.Ordinal);
        Assert.Contains("Give a --learning-rate below 1", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, VaeWorkshop.Fingerprint(trainer));
    }

    [Fact]
    public void StepsKeepNoTensors()
    {
        using var trainer = workshop.Trainer();
        var measure = VaeMeasure.Of(workshop.Read(), VaeWorkshop.Settings);
        trainer.Step();
        measure.Quality(trainer.State.Average, CPU);
        var count = Tensor.TotalCount;
        VaeWorkshop.Step(trainer, 10);
        measure.Quality(trainer.State.Average, CPU);
        Assert.InRange(Tensor.TotalCount, 0, count);
    }

    public void Dispose() => workshop.Dispose();
}

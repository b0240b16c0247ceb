using Ddm.Diffusion;
using static TorchSharp.torch;

namespace Ddm.Evaluation.Tests;

public sealed class CaptionAgreementTests
{
    [Fact]
    public void DifferencesHaveTheMeanAndErrorOfTheTextbook()
    {
        var paired = PairedMean.Of([1, 2, 3, 4], [2, 2, 6, 4]); // differences 1, 0, 3, 0
        Assert.Equal(1, paired.Mean, 1e-12);
        Assert.Equal(Math.Sqrt(2) / 2, paired.StandardError, 1e-12); // variance 6/3, of four
    }

    /// <summary>Rows and captions of a run are read by the run's own test; here only that what cannot be measured is not.</summary>
    [Fact]
    public void WithoutCaptionsNothingIsMeasured()
    {
        var rows = new EvaluationRows(new byte[4], 1, 1, [0, 1, 0, 1], [0, 0, 1, 1]);
        Assert.Null(CaptionAgreement.Measure(new Ensemble([new Still(), new Still()], new UniformRouter(2)), rows, cancellation: TestContext.Current.CancellationToken));
    }

    private sealed class Still : IVelocityModel
    {
        public Tensor Velocity(Tensor x, Tensor t, Tensor? condition) => zeros_like(x);
    }
}

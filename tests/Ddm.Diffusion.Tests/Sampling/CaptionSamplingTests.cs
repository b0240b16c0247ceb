using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>Captions of a request on their way to experts and router.</summary>
public class CaptionSamplingTests
{
    [Fact]
    public void GuidanceLeadsFromTheNegativeCaptionOrFromNone()
    {
        using var scope = NewDisposeScope();
        var sampler = Sampler(new Heard());
        var (text, negative) = (Captions(3, 5), Captions(1, 2));
        var request = new SampleRequest { Seeds = [1, 2], Text = text, Steps = 1, Strategy = RoutingStrategy.Parse("top-1") };

        // One Euler step over the whole of time: x_0 = x_1 - v, and v is the caption.
        Assert.Equal([-3, -5], Drawn(sampler, request));
        Assert.Equal([-(9 + (2 * (3 - 9))), -(9 + (2 * (5 - 9)))], Drawn(sampler, request with { Guidance = 2 }));
        Assert.Equal([-(1 + (2 * (3 - 1))), -(2 + (2 * (5 - 2)))], Drawn(sampler, request with { Guidance = 2, NegativeText = negative }));
        Assert.Equal([-9, -9], Drawn(sampler, request with { Text = null }));
    }

    /// <summary>Routed apart, the unconditional half asks the router with the negative caption.</summary>
    [Fact]
    public void TheRouterHearsTheCaption()
    {
        using var scope = NewDisposeScope();
        var heard = new Heard();
        var sampler = Sampler(heard);
        var request = new SampleRequest
        {
            Seeds = [1, 2], Text = Captions(3, 5), NegativeText = Captions(1, 2), Guidance = 2, GuidanceRouting = GuidanceRouting.Separate, Steps = 1, Strategy = RoutingStrategy.Parse("top-1"),
        };
        Drawn(sampler, request);
        Assert.Equal([3, 5, 1, 2], heard.Asked);
    }

    [Fact]
    public void CaptionsThatDoNotFitAreRefused()
    {
        using var scope = NewDisposeScope();
        var request = new SampleRequest { Seeds = [1, 2], Text = Captions(3, 5), Steps = 1 };
        var captioned = Sampler(new Heard());
        Assert.Contains("1 captions for 2 seeds", Message(captioned, request with { Text = Captions(3) }), StringComparison.Ordinal);
        Assert.Contains("negative captions of [2]", Message(captioned, request with { NegativeText = zeros(2, 2) }), StringComparison.Ordinal);
        Assert.Contains("conditioned on captions", Message(captioned, request with { Labels = [0, 1] }), StringComparison.Ordinal);
        var plain = new Sampler(new Ensemble([new Heard()], new UniformRouter(1)), [1, 1, 1]);
        Assert.Contains("not conditioned on captions", Message(plain, request), StringComparison.Ordinal);
        Assert.Contains("guidance is asked for", Message(plain, request with { Text = null, Guidance = 2 }), StringComparison.Ordinal);
    }

    private static string Message(Sampler sampler, SampleRequest request) => Assert.Throws<UserErrorException>(() => sampler.Sample(request)).Message;

    private static Sampler Sampler(Heard heard)
        => new(new Ensemble([heard], heard, nullText: tensor(new[] { 9f }).view(1, 1)), [1, 1, 1]) { Clamp = false, InitialNoise = zeros(2, 1, 1, 1) };

    private static float[] Drawn(Sampler sampler, SampleRequest request)
    {
        using var result = sampler.Sample(request);
        return result.Images.data<float>().ToArray();
    }

    private static Tensor Captions(params float[] values) => tensor(values).view(values.Length, 1);

    /// <summary>Says back what it is told.</summary>
    private sealed class Heard : IVelocityModel, IRouterModel
    {
        public List<float> Asked { get; } = [];

        public Tensor Velocity(Tensor x, Tensor t, Tensor? condition) => condition!.view(-1, 1, 1, 1).to(x.dtype);

        public Tensor Logits(Tensor x, Tensor t, Tensor? condition)
        {
            Asked.AddRange(condition!.data<float>().ToArray());
            return zeros([x.size(0), 1]);
        }
    }
}

namespace Ddm.Diffusion.Tests;

internal static class SamplerInTests
{
    public static SampleResult Draw(this Sampler sampler, SampleRequest request) => sampler.Sample(request, progress: null, TestContext.Current.CancellationToken);
}

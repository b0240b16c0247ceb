using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services.Tests;

/// <summary>A trained and published model draws a picture as the same bytes, alone and in batches of 7 and 64.</summary>
public class DrawingInvarianceTests
{
    // Networks of the quickstart's kind: T = 16, an odd number of channels for each head, and enough steps to be away from where they began.
    private static readonly string Spec = TinyFolder.DefaultSpec
        .Replace("model: { hidden: 32, depth: 1, heads: 2, patch: 4 }", "model: { hidden: 64, depth: 2, heads: 2, patch: 2 }", StringComparison.Ordinal)
        .Replace("steps: 12, batch: 16, learning_rate: 1e-3", "steps: 60, batch: 16, learning_rate: 3e-3", StringComparison.Ordinal)
        .Replace("slice_seconds: 0.01", "slice_seconds: 5", StringComparison.Ordinal);

    [Fact]
    public async Task APublishedModelDrawsTheSameBytesInAnyBatch()
    {
        using var tiny = new TinyRun(Spec);
        Assert.Equal(RunStatus.Succeeded, (await tiny.RunAsync()).Status);
        var checkpoints = new CheckpointStore(tiny.Blobs, TimeProvider.System, NullLogger<CheckpointStore>.Instance);
        using var device = new DeviceThread();
        var loader = new ModelLoader(tiny.Blobs, new ModelCatalog(tiny.Blobs, checkpoints, new RunRepository(tiny.Blobs), TimeProvider.System), device);
        using var model = await loader.OpenAsync(TinyRun.Name, TestContext.Current.CancellationToken);
        foreach (var strategy in new[] { "top-1", "full", "ancestral" })
        {
            var sixtyFour = await DrawAsync(64);
            var seven = await DrawAsync(7);
            var one = await DrawAsync(1);

            Assert.Equal(sixtyFour[..7], seven);
            Assert.Equal(sixtyFour[..1], one);
            Assert.Equal(64, sixtyFour.Distinct().Count());

            Task<string[]> DrawAsync(int pictures) => device.RunAsync(() =>
            {
                using var result = model.Sampler().Sample(
                    new SampleRequest
                    {
                        Seeds = [.. Enumerable.Range(0, pictures)],
                        Labels = [.. Enumerable.Range(0, pictures).Select(i => (long)(i % 2))],
                        Steps = 8,
                        Guidance = 2,
                        Strategy = RoutingStrategy.Parse(strategy),
                    },
                    null,
                    TestContext.Current.CancellationToken);
                return Drawings.ToBytes(result.Images).Select(Convert.ToHexString).ToArray();
            });
        }
    }
}

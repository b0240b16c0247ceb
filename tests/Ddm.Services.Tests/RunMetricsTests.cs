using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services.Tests;

public sealed class RunMetricsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Whoever may commit may write what it likes: a page that shows curves must not be what it fills.</summary>
    [Fact]
    public async Task MetricsThatAreTooLongAreNamedAndNotRead()
    {
        await using var shop = new SliceWorkshop();
        var claim = await shop.ClaimAsync();
        Assert.IsType<CommitOutcome.Committed>(await shop.CommitAsync(claim, MetricsLog.Part, WriteAsync));
        shop.Store.Calls.Clear();

        var damaged = new List<string>();
        var steps = await RunMetrics.HistoryAsync(shop.Store, shop.Checkpoints, SliceWorkshop.Run, SliceWorkshop.Expert, damaged, Cancel);

        Assert.Empty(steps);
        Assert.Contains($"is {RunMetrics.MostBytes + 1} bytes long", Assert.Single(damaged), StringComparison.Ordinal);
        Assert.DoesNotContain(shop.Store.Calls, call => call.EndsWith(MetricsLog.Part, StringComparison.Ordinal));
        Assert.Empty(await RunMetrics.ReadAsync(shop.Store, claim.Head.Checkpoint!, Cancel));

        static async Task WriteAsync(Stream stream, CancellationToken cancellationToken)
        {
            var piece = new byte[1 << 20];
            for (var written = 0L; written < RunMetrics.MostBytes; written += piece.Length)
            {
                await stream.WriteAsync(piece, cancellationToken);
            }

            await stream.WriteAsync(new byte[1], cancellationToken);
        }
    }
}

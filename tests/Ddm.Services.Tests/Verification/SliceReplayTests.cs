using Ddm.Runs;

namespace Ddm.Services.Tests;

public sealed class SliceReplayTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void ASliceMadeAgainLeavesNoCopyOfItsStateBehind() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop();
        await shop.Handler().HandleAsync(new TrainSlice(SliceWorkshop.Run, "experts/0", 0), Cancel);
        Assert.Equal(0, shop.Trainers.Snapshots);
        var links = await shop.Checkpoints.VerifyAsync(SliceWorkshop.Run, SliceWorkshop.Expert, "da7a", SliceWorkshop.Numerics, Cancel);

        var faults = await new SliceReplay(shop.Store, shop.Trainers, shop.Time).RunAsync(shop.Document, SliceWorkshop.Expert, links[0], links[1].Opened, _ => { }, Cancel);

        Assert.Empty(faults);
        Assert.Equal(0, shop.Trainers.Snapshots);
    });
}

namespace Ddm.Runs.Tests;

public class PlacementTests
{
    [Theory]
    [InlineData("fast", "slow", 0, 0)]
    [InlineData("slow", "slow", 0, 0)] // where it is placed and somebody works, it stays
    [InlineData("slow", null, 5000, 0)] // 6000 images at 100 a second are done after 1000 at 30
    [InlineData("fast", null, 2000, 0)]
    [InlineData("fast", "fast", 0, 0)]
    public void ARoleGoesWhereItIsDoneFirst(string expected, string? current, double fastBacklog, double slowBacklog)
    {
        PoolSight[] pools = [new("fast", 1, 100, fastBacklog), new("slow", 1, 30, slowBacklog)];
        if (current == "slow" && expected == "fast")
        {
            Assert.Equal(expected, Placement.Choose(pools, 1000, current, hasWaited: true));
            return;
        }

        Assert.Equal(expected, Placement.Choose(pools, 1000, current, hasWaited: false));
    }

    [Fact]
    public void APoolThatWasNeverMeasuredCountsAsTheFastest() =>
        Assert.Equal("new", Placement.Choose([new("known", 1, 100, 10), new("new", 1, null, 0)], 1000, null, hasWaited: false));

    [Fact]
    public void ManyWorkersShortenTheWaitNotTheRole()
    {
        PoolSight[] pools = [new("many", 10, 10, 0), new("one", 1, 11, 0)];
        Assert.Equal("one", Placement.Choose(pools, 1000, null, hasWaited: false));
        Assert.Equal("many", Placement.Choose([pools[0] with { Backlog = 5000 }, pools[1] with { Backlog = 500 }], 1000, null, hasWaited: false));
    }

    [Theory]
    [InlineData(null, false, "a")]
    [InlineData("b", false, "b")]
    [InlineData("b", true, "c")]
    [InlineData("c", true, "a")]
    [InlineData("gone", true, "a")]
    public void WhereNobodyWorksItWaitsInOneQueueAfterTheOther(string? current, bool hasWaited, string expected) =>
        Assert.Equal(expected, Placement.Choose([new("a", 0, null, 0), new("b", 0, null, 0), new("c", 0, null, 0)], 1000, current, hasWaited));
}

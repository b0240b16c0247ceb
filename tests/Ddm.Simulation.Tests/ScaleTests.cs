namespace Ddm.Simulation.Tests;

/// <summary>What 64 workers and 1,000 roles cost the store, in the steady state. <c>bench/run.sh scale</c> has the figures, and those of fewer roles.</summary>
public sealed class ScaleTests
{
    // Duplicates that control planes send are in it.
    private const double MostCallsASlice = 10, MostBeatsASlice = 8, MostLooksASlice = 8;

    [Fact]
    public void ASliceOfAThousandRolesOnSixtyFourWorkersCostsTenCallsAndNobodyLists()
    {
        var found = ScaleWorld.Play(roles: 1000, workers: 64);
        TestContext.Current.TestOutputHelper?.WriteLine($"{found}");
        Assert.True(found.SliceCalls <= MostCallsASlice * found.Slices, found.ToString());
        Assert.True(found.Beats <= MostBeatsASlice * found.Slices, found.ToString());
        Assert.True(found.LookCalls <= MostLooksASlice * found.Slices, found.ToString());
        Assert.Equal(0, found.Listings);
        Assert.Equal(0, found.LookListings);
    }
}

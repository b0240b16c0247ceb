namespace Ddm.Simulation.Tests;

/// <summary>What 64 workers and 1,000 roles cost the store, in the steady state.</summary>
public sealed class ScaleTests
{
    private const double MostCallsASlice = 12, MostLooksASlice = 4;

    [Fact]
    public void AThousandRolesOnSixtyFourWorkersCostAsManyCallsASliceAsAHundred()
    {
        var (few, many) = (ScaleWorld.Play(roles: 100, workers: 64), ScaleWorld.Play(roles: 1000, workers: 64));
        foreach (var found in new[] { few, many })
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"{found}");
            Assert.True(found.SliceCalls <= MostCallsASlice * found.Slices, found.ToString());
            Assert.True(found.LookCalls <= MostLooksASlice * found.Slices, found.ToString());
            Assert.Equal(0, found.Listings);
        }
    }
}

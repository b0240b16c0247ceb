using Ddm.Runs;

namespace Ddm.Training.Tests;

public class SampleOrderTests
{
    private static readonly int[] Shards = [5, 1, 7, 0, 4, 9, 3];
    private static readonly int Rows = Shards.Sum();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public void EveryEpochTakesEveryRowOnce(int windowShards)
    {
        var order = new SampleOrder(1, Role.Expert(0), Shards, windowShards);
        var all = Shards.SelectMany((rows, shard) => Enumerable.Range(0, rows).Select(row => (shard, row))).ToArray();
        for (var epoch = 0; epoch < 4; epoch++)
        {
            Assert.Equal(all, Epoch(order, epoch).Order());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void SamplesStayInsideTheirWindow(int windowShards)
    {
        var order = new SampleOrder(2, Role.Router, Shards, windowShards);
        for (var sample = 0L; sample < 3 * Rows; sample++)
        {
            Assert.Contains(order[sample].Shard, order.Window(sample).ToArray());
            Assert.InRange(order.Window(sample).Length, 1, windowShards);
        }

        // Windows are gone through one after the other: a shard that was left does not come back in the same epoch.
        var windows = Enumerable.Range(0, Rows).Select(i => order.Window(i)[0]).ToArray();
        Assert.Equal(windows.Distinct().Count(), 1 + windows.Zip(windows.Skip(1)).Count(pair => pair.First != pair.Second));
    }

    [Fact]
    public void ASampleIsAFunctionOfItsNumberAlone()
    {
        var (forward, backward) = (new SampleOrder(3, Role.Expert(2), Shards, 2), new SampleOrder(3, Role.Expert(2), Shards, 2));
        var samples = Enumerable.Range(0, 5 * Rows).ToArray();
        var first = samples.Select(i => forward[i]).ToArray();
        Assert.Equal(first, samples.Reverse().Select(i => backward[i]).Reverse());
    }

    [Fact]
    public void SeedRoleAndEpochEachChangeTheOrder()
    {
        string[] orders =
        [
            string.Join(' ', Epoch(new SampleOrder(1, Role.Expert(0), Shards, 9), 0)),
            string.Join(' ', Epoch(new SampleOrder(1, Role.Expert(0), Shards, 9), 1)),
            string.Join(' ', Epoch(new SampleOrder(1, Role.Expert(1), Shards, 9), 0)),
            string.Join(' ', Epoch(new SampleOrder(2, Role.Expert(0), Shards, 9), 0)),
        ];
        Assert.Equal(orders.Length, orders.Distinct().Count());
    }

    [Fact]
    public void NoRowsAreRefused() => Assert.Throws<ArgumentException>(() => new SampleOrder(1, Role.Expert(0), [0, 0], 2));

    private static (int Shard, int Row)[] Epoch(SampleOrder order, int epoch)
        => [.. Enumerable.Range(epoch * Rows, Rows).Select(i => order[i])];
}

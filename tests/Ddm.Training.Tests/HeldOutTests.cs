using Ddm.Diffusion;
using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Training.Tests;

public sealed class HeldOutTests : IDisposable
{
    private readonly Workshop workshop = new();

    [Theory]
    [InlineData(20)]
    [InlineData(7)]
    public async Task EveryRowHasItsOwnTimeAndNoClusterAPartOfThem(int microBatch)
    {
        var config = Workshop.Config(Role.Router);
        var dataset = await workshop.OpenAsync(Role.Router, heldOut: true);
        using var set = new HeldOutSet(new ClusterRows(dataset), seed: 1, Role.Router, new TimeDensitySpec(), config);
        var recorder = new Recorder();
        using var network = new RouterNetwork(config, experts: 2);

        Assert.Equal(2.0, set.Loss(recorder, network, microBatch, CPU), 1e-6);

        var rows = recorder.Rows;
        Assert.Equal([.. Enumerable.Range(0, 20).Select(i => (i + 0.5) / 20)], rows.Select(r => Math.Round(r.Time, 5)).Order());
        Assert.Equal([0L, 1], rows.Select(r => r.Cluster).Distinct().Order());
        Assert.All(rows.GroupBy(r => r.Cluster), cluster =>
        {
            Assert.Equal(10, cluster.Count());
            Assert.InRange(cluster.Average(r => r.Time), 0.3, 0.7); // in order of the rows it would be 0.25 and 0.75
        });
    }

    public void Dispose() => workshop.Dispose();

    /// <summary>Notes what it is asked for; a row's loss is four times its time, which is 0.5 on average.</summary>
    private sealed class Recorder : Objective
    {
        public List<(double Time, long Cluster)> Rows { get; } = [];

        public override TransformerTrunk CreateNetwork(Device device) => throw new NotSupportedException();

        public override Tensor RowLosses(TransformerTrunk network, Batch batch)
        {
            Rows.AddRange(batch.T.data<float>().ToArray().Select(t => (double)t).Zip(batch.Clusters.data<long>().ToArray()));
            return batch.T.mul(4);
        }
    }
}

using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>
/// A fixed sample of held-out rows with fixed noise and times, so that losses of different steps can be compared: at most 256 rows, evenly
/// spaced over all shards, and so over all clusters in proportion.
/// </summary>
internal sealed class HeldOutSet : IDisposable
{
    private const int MaximumRows = 256;

    private readonly BatchBuffer buffer;
    private readonly int rows;

    public HeldOutSet(IRowSource source, long seed, Role role, TimeDensitySpec density, DiTConfig config)
    {
        var places = Spread(source.ShardRows);
        rows = places.Count;
        buffer = new BatchBuffer(rows, config, source.Latents);
        source.Load([.. places.Select(p => p.Shard).Distinct()]);
        buffer.Gather(source, places, dropped: _ => false);
        source.Load([]);

        var philox = Philox.Create(seed, role.StreamKey, RandomStreams.HeldOut);
        buffer.DrawNoise(philox, step: 0);
        buffer.DrawLatents(Philox.Create(seed, role.StreamKey, RandomStreams.LatentNoise), step: ulong.MaxValue); // a step that no training reaches
        var middles = new double[rows];
        Array.Fill(middles, 0.5);
        var times = TimeDensity.Draw(density, middles);
        // Rows come cluster by cluster and times ascend: shuffled, every cluster is measured at every time.
        var order = new FeistelPermutation(rows, philox, epoch: 1);
        buffer.SetTimes([.. times.Select((_, i) => times[order[i]])]);
    }

    /// <summary>The mean loss of a network over the sample.</summary>
    public double Loss(Objective objective, TransformerTrunk network, int microBatch, Device device)
    {
        using var scope = NewDisposeScope();
        using var gradientsOff = no_grad();
        var batch = buffer.On(device);
        var sum = 0.0;
        for (var start = 0; start < rows; start += microBatch)
        {
            using var micro = NewDisposeScope();
            sum += objective.RowLosses(network, batch.Rows(start, Math.Min(microBatch, rows - start))).to(ScalarType.Float64).sum().item<double>();
        }

        return sum / rows;
    }

    public void Dispose() => buffer.Dispose();

    private static List<(int Shard, int Row)> Spread(IReadOnlyList<int> shardRows)
    {
        var total = shardRows.Sum(rows => (long)rows);
        var count = (int)Math.Min(MaximumRows, total);
        var places = new List<(int Shard, int Row)>(count);
        var (shard, before) = (0, 0L);
        for (var i = 0; i < count; i++)
        {
            var position = i * total / count;
            while (position - before >= shardRows[shard])
            {
                before += shardRows[shard++];
            }

            places.Add((shard, (int)(position - before)));
        }

        return places;
    }
}

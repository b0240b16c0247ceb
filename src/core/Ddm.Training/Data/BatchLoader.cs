using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>
/// The global batch of a step as a pure function of (seed, role, step): which rows, their noise, their times, whose condition is dropped, which are mirrored, which latents of their pictures' posteriors they are. How
/// the batch is then cut into micro-batches changes none of it.
/// </summary>
internal sealed class BatchLoader : IDisposable
{
    private readonly IRowSource source;
    private readonly SampleOrder order;
    private readonly TimeDensitySpec density;
    private readonly double dropout;
    private readonly Philox noise;
    private readonly Philox time;
    private readonly Philox drop;
    private readonly Philox latent;
    private readonly HorizontalFlip? flip;
    private readonly BatchBuffer buffer;
    private readonly (int Shard, int Row)[] places;
    private readonly double[] uniforms;
    private readonly HashSet<int> loaded = [];

    public BatchLoader(IRowSource source, RunSpec spec, Role role, TrainingSpec training, DiTConfig config)
    {
        this.source = source;
        density = training.T;
        dropout = config.ConditionDropout;
        order = new SampleOrder(spec.Seed, role, source.ShardRows, spec.Execution.WindowShards);
        noise = Philox.Create(spec.Seed, role.StreamKey, RandomStreams.TrainingNoise);
        time = Philox.Create(spec.Seed, role.StreamKey, RandomStreams.TrainingTime);
        drop = Philox.Create(spec.Seed, role.StreamKey, RandomStreams.ConditionDropout);
        latent = Philox.Create(spec.Seed, role.StreamKey, RandomStreams.LatentNoise);
        flip = spec.Data.Flip ? new HorizontalFlip(spec.Seed, role.StreamKey) : null;
        buffer = new BatchBuffer(training.Batch, config, source.Latents);
        places = new (int, int)[training.Batch];
        uniforms = new double[training.Batch];
    }

    /// <summary>The data set's row that row <paramref name="i"/> of the batch loaded last is.</summary>
    public long RowId(int i) => source.RowId(places[i].Shard, places[i].Row);

    /// <summary>The batch of the update that follows <paramref name="step"/> others.</summary>
    public Batch Load(long step, Device device)
    {
        var first = step * places.Length;
        ReadWindows(first);
        for (var i = 0; i < places.Length; i++)
        {
            places[i] = order[first + i];
            uniforms[i] = time.Uniform((ulong)step, (uint)i);
        }

        buffer.Gather(source, places, i => dropout > 0 && drop.Uniform((ulong)step, (uint)i) < dropout, flip is null ? null : i => flip.Falls(step, i));
        buffer.SetTimes(TimeDensity.Draw(density, uniforms));
        buffer.DrawNoise(noise, (ulong)step);
        buffer.DrawLatents(latent, (ulong)step);
        return buffer.On(device);
    }

    public void Dispose() => buffer.Dispose();

    // A batch lies in one window, or in a few where they meet.
    private void ReadWindows(long first)
    {
        var needed = new HashSet<int>();
        for (var i = 0; i < places.Length; i++)
        {
            foreach (var shard in order.Window(first + i))
            {
                needed.Add(shard);
            }
        }

        if (!loaded.SetEquals(needed))
        {
            source.Load(needed);
            loaded.Clear();
            loaded.UnionWith(needed);
        }
    }
}

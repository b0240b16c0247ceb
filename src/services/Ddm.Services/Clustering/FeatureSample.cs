using Ddm.Runs;
using Ddm.Tensors;
using TorchSharp;

namespace Ddm.Services;

/// <summary>
/// A bounded sample of feature rows: the <c>capacity</c> rows whose random numbers, keyed by (seed, row id), are smallest. It does not
/// depend on the order or the grouping in which rows arrive.
/// </summary>
internal sealed class FeatureSample(int capacity, long seed)
{
    private readonly Philox philox = Philox.Create(seed, 0, RandomStreams.Sampling);
    private readonly PriorityQueue<float[], double> kept = new(Comparer<double>.Create((a, b) => b.CompareTo(a)));

    /// <summary>Adds the training rows of one shard.</summary>
    /// <param name="file">A features file: <c>features</c> [N, D] float32.</param>
    /// <param name="rowIds">Row of the data set, for each row of the file.</param>
    /// <param name="heldOut">Rows to pass over.</param>
    /// <exception cref="UserErrorException">Features that are not finite, held out or not: assigning them would fail later.</exception>
    public void Add(byte[] file, long[] rowIds, bool[] heldOut)
    {
        using var bundle = TensorFile.Load(new MemoryStream(file));
        var features = bundle.Tensors["features"];
        var width = (int)features.size(1);
        var values = features.data<float>().ToArray();
        RequireFinite(values, width, rowIds);
        for (var i = 0; i < rowIds.Length; i++)
        {
            if (!heldOut[i])
            {
                Add(values.AsSpan(i * width, width), philox.Uniform((ulong)rowIds[i], 0));
            }
        }
    }

    /// <summary>The sample [M, D], in the order of its random numbers.</summary>
    public torch.Tensor ToTensor()
    {
        var rows = kept.UnorderedItems.OrderBy(item => item.Priority).Select(item => item.Element).ToArray();
        var width = rows.Length == 0 ? 0 : rows[0].Length;
        var flat = new float[rows.Length * width];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i].CopyTo(flat, i * width);
        }

        return torch.tensor(flat, [rows.Length, width]);
    }

    private static void RequireFinite(float[] values, int width, long[] rowIds)
    {
        var bad = Enumerable.Range(0, rowIds.Length).Where(i => values.AsSpan(i * width, width).ContainsAnyExceptInRange(float.MinValue, float.MaxValue)).ToArray();
        if (bad.Length > 0)
        {
            throw new UserErrorException($"{bad.Length} of {rowIds.Length} images of a shard have features that are NaN or infinite (the first is row {rowIds[bad[0]]} " +
                "of the data). Look at these images and at the encoder's weights; nothing was clustered.");
        }
    }

    private void Add(ReadOnlySpan<float> row, double key)
    {
        if (kept.Count < capacity)
        {
            kept.Enqueue(row.ToArray(), key);
        }
        else if (kept.TryPeek(out _, out var largest) && key < largest)
        {
            kept.EnqueueDequeue(row.ToArray(), key);
        }
    }
}

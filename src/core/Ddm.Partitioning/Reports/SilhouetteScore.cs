using System.Runtime.InteropServices;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>The silhouette (Rousseeuw 1987): how much nearer rows are to their own cluster than to the next, -1 to 1.</summary>
public static class SilhouetteScore
{
    /// <summary>Mean silhouette of a random sample of rows, Euclidean.</summary>
    /// <param name="features">[N, D] float32.</param>
    /// <param name="assignment">[N]: the cluster of each row.</param>
    /// <param name="clusters">K.</param>
    /// <param name="seed">Decides the sample.</param>
    /// <param name="sampleRows">Rows compared with each other at most.</param>
    /// <returns>0 where fewer than two clusters occur in the sample.</returns>
    public static double Measure(Tensor features, int[] assignment, int clusters, long seed, int sampleRows = 2000)
    {
        TorchNative.EnsureLoaded();
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var rows = RowSample.Draw(assignment.Length, Math.Min(sampleRows, assignment.Length), Philox.Create(seed, 1, RandomStreams.Sampling));
        var points = features.index_select(0, tensor(Array.ConvertAll(rows, row => (long)row))).to(float32);
        var labels = Array.ConvertAll(rows, row => assignment[row]);
        var members = zeros(rows.Length, clusters);
        members.scatter_(1, tensor(Array.ConvertAll(labels, k => (long)k)).unsqueeze(1), ones(rows.Length, 1));
        var sums = MemoryMarshal.Cast<byte, float>(cdist(points, points).mm(members).bytes); // [S, K]: summed distances to each cluster
        var sizes = new int[clusters];
        foreach (var k in labels)
        {
            sizes[k]++;
        }

        var total = 0.0;
        for (var i = 0; i < rows.Length; i++)
        {
            total += OfRow(sums.Slice(i * clusters, clusters), labels[i], sizes);
        }

        return rows.Length == 0 ? 0 : total / rows.Length;
    }

    private static double OfRow(ReadOnlySpan<float> sums, int own, int[] sizes)
    {
        var next = double.PositiveInfinity;
        for (var k = 0; k < sizes.Length; k++)
        {
            if (k != own && sizes[k] > 0)
            {
                next = Math.Min(next, sums[k] / (double)sizes[k]);
            }
        }

        if (sizes[own] < 2 || double.IsInfinity(next))
        {
            return 0; // by definition for a row alone in its cluster
        }

        var inside = sums[own] / (double)(sizes[own] - 1);
        return Math.Max(inside, next) > 0 ? (next - inside) / Math.Max(inside, next) : 0;
    }
}

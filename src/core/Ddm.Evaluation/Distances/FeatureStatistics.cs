using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Evaluation;

/// <summary>
/// Count, mean and scatter of feature rows in float64, added block by block. Statistics of parts combine exactly (Chan, Golub and LeVeque,
/// 1979), so that shards can be measured where they lie.
/// </summary>
public sealed class FeatureStatistics : IDisposable
{
    private Tensor mean;
    private Tensor scatter;

    /// <summary>Statistics of nothing yet.</summary>
    /// <param name="dimensions">D.</param>
    public FeatureStatistics(int dimensions)
    {
        TorchNative.EnsureLoaded();
        Dimensions = dimensions;
        mean = zeros([dimensions], float64).DetachFromDisposeScope();
        scatter = zeros([dimensions, dimensions], float64).DetachFromDisposeScope();
    }

    /// <summary>D.</summary>
    public int Dimensions { get; }

    /// <summary>Rows added.</summary>
    public long Count { get; private set; }

    /// <summary>[D] float64; owned by this object.</summary>
    public Tensor Mean => mean;

    /// <summary>Statistics of the rows of one tensor [N, D].</summary>
    public static FeatureStatistics Of(Tensor features)
    {
        var statistics = new FeatureStatistics((int)features.size(1));
        statistics.Add(features);
        return statistics;
    }

    /// <summary>Adds rows [N, D] of any floating type.</summary>
    /// <exception cref="ArgumentException">Another D, or a value that is not finite.</exception>
    public void Add(Tensor features)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        if (features.dim() != 2 || features.size(1) != Dimensions)
        {
            throw new ArgumentException($"Features are [{string.Join(", ", features.shape)}]; [N, {Dimensions}] was expected.", nameof(features));
        }

        if (features.size(0) == 0)
        {
            return;
        }

        var rows = features.cpu().to(float64);
        if (!rows.isfinite().all().item<bool>())
        {
            throw new ArgumentException("Features hold a value that is not finite.", nameof(features));
        }

        var centre = rows.mean([0]);
        var centred = rows.Minus(centre);
        Combine(rows.size(0), centre, centred.t().mm(centred));
    }

    /// <summary>Adds the rows that <paramref name="other"/> has seen.</summary>
    /// <exception cref="ArgumentException">Another D.</exception>
    public void Merge(FeatureStatistics other)
    {
        if (other.Dimensions != Dimensions)
        {
            throw new ArgumentException($"Statistics of {other.Dimensions} dimensions do not merge into {Dimensions}.", nameof(other));
        }

        if (other.Count > 0)
        {
            using var scope = NewDisposeScope();
            Combine(other.Count, other.mean, other.scatter);
        }
    }

    /// <summary>Covariance with N - 1, [D, D] float64.</summary>
    /// <exception cref="InvalidOperationException">Fewer than two rows.</exception>
    public Tensor Covariance()
    {
        if (Count < 2)
        {
            throw new InvalidOperationException($"A covariance needs two rows; there are {Count}.");
        }

        using Scalar divisor = (double)(Count - 1);
        return scatter / divisor;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        mean.Dispose();
        scatter.Dispose();
    }

    private void Combine(long count, Tensor otherMean, Tensor otherScatter)
    {
        var total = Count + count;
        using Scalar share = count / (double)total, weight = (double)Count / total * count;
        var shift = otherMean.Minus(mean);
        var newScatter = scatter.Plus(otherScatter).Plus(shift.outer(shift) * weight).DetachFromDisposeScope();
        var newMean = mean.Plus(shift * share).DetachFromDisposeScope();
        Dispose();
        (mean, scatter, Count) = (newMean, newScatter, total);
    }
}

using System.Runtime.Intrinsics;

namespace Ddm.Partitioning;

/// <summary>Sums over one vector, in an order that does not depend on the processor.</summary>
internal static class Vectors
{
    private const int Width = 8;

    /// <summary>|a - b|^2.</summary>
    public static float SquaredDistance(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        Vector256<float> even = default, odd = default;
        var i = 0;
        for (; i <= a.Length - (2 * Width); i += 2 * Width)
        {
            var first = Vector256.Create(a[i..]) - Vector256.Create(b[i..]);
            var second = Vector256.Create(a[(i + Width)..]) - Vector256.Create(b[(i + Width)..]);
            even = Vector256.FusedMultiplyAdd(first, first, even);
            odd = Vector256.FusedMultiplyAdd(second, second, odd);
        }

        var total = Vector256.Sum(even + odd);
        for (; i < a.Length; i++)
        {
            total += (a[i] - b[i]) * (a[i] - b[i]);
        }

        return total;
    }

    /// <summary>a . b.</summary>
    public static float Product(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        Vector256<float> even = default, odd = default;
        var i = 0;
        for (; i <= a.Length - (2 * Width); i += 2 * Width)
        {
            even = Vector256.FusedMultiplyAdd(Vector256.Create(a[i..]), Vector256.Create(b[i..]), even);
            odd = Vector256.FusedMultiplyAdd(Vector256.Create(a[(i + Width)..]), Vector256.Create(b[(i + Width)..]), odd);
        }

        var total = Vector256.Sum(even + odd);
        for (; i < a.Length; i++)
        {
            total += a[i] * b[i];
        }

        return total;
    }

    /// <summary>target = a - b.</summary>
    public static void Subtract(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> target)
    {
        var i = 0;
        for (; i <= a.Length - Width; i += Width)
        {
            (Vector256.Create(a[i..]) - Vector256.Create(b[i..])).CopyTo(target[i..]);
        }

        for (; i < a.Length; i++)
        {
            target[i] = a[i] - b[i];
        }
    }

    /// <summary>sum += weight * point, in float64.</summary>
    public static void AddTo(Span<double> sum, ReadOnlySpan<float> point, double weight)
    {
        var i = 0;
        for (; i <= point.Length - Width; i += Width)
        {
            var (low, high) = Vector256.Widen(Vector256.Create(point[i..]));
            (Vector256.Create<double>(sum[i..]) + (weight * low)).CopyTo(sum[i..]);
            (Vector256.Create<double>(sum[(i + 4)..]) + (weight * high)).CopyTo(sum[(i + 4)..]);
        }

        for (; i < point.Length; i++)
        {
            sum[i] += weight * point[i];
        }
    }

    /// <summary>Whether all numbers are finite.</summary>
    public static bool AllFinite(ReadOnlySpan<float> values)
    {
        var zero = Vector256<float>.Zero; // infinity and NaN times 0 are NaN, which stays
        var sum = zero;
        var i = 0;
        for (; i <= values.Length - Width; i += Width)
        {
            sum = Vector256.FusedMultiplyAdd(Vector256.Create(values[i..]), zero, sum);
        }

        var total = Vector256.Sum(sum);
        for (; i < values.Length; i++)
        {
            total += values[i] * 0f;
        }

        return total == 0f;
    }
}

using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>
/// Bicubic resampling of one axis as a matrix [out, in], so that an image is R X R^T. Both of torch's kernels: the plain one (a = -0.75, four taps, borders repeated) and the one
/// with antialias, which is Pillow's (a = -0.5, widened where it shrinks, weights normalised inside the image).
/// </summary>
internal static class CubicResampling
{
    /// <summary>Sample i of the result lies at (i + 0.5) <paramref name="scale"/> - 0.5 in the source.</summary>
    /// <param name="source">Samples there are.</param>
    /// <param name="target">Samples wanted.</param>
    /// <param name="scale">Source samples a target sample.</param>
    /// <param name="antialias">Which kernel.</param>
    /// <returns>Row by row, float64.</returns>
    public static double[,] Matrix(int source, int target, double scale, bool antialias)
    {
        var matrix = new double[target, source];
        for (var i = 0; i < target; i++)
        {
            if (antialias)
            {
                Widened(matrix, i, source, scale);
            }
            else
            {
                FourTaps(matrix, i, source, scale);
            }
        }

        return matrix;
    }

    /// <summary>The matrix as a tensor [out, in] float32.</summary>
    public static Tensor ToTensor(double[,] matrix) => tensor(matrix, ScalarType.Float32);

    private static void FourTaps(double[,] matrix, int i, int source, double scale)
    {
        var at = ((i + 0.5) * scale) - 0.5;
        var first = (int)Math.Floor(at);
        for (var tap = first - 1; tap <= first + 2; tap++)
        {
            matrix[i, Math.Clamp(tap, 0, source - 1)] += Kernel(at - tap, -0.75);
        }
    }

    private static void Widened(double[,] matrix, int i, int source, double scale)
    {
        var width = Math.Max(scale, 1);
        var centre = (i + 0.5) * scale;
        var first = Math.Max(0, (int)(centre - (2 * width) + 0.5));
        var last = Math.Min(source, (int)(centre + (2 * width) + 0.5));
        var sum = 0.0;
        for (var tap = first; tap < last; tap++)
        {
            sum += matrix[i, tap] = Kernel((tap - centre + 0.5) / width, -0.5);
        }

        for (var tap = first; tap < last; tap++)
        {
            matrix[i, tap] /= sum;
        }
    }

    // Keys (1981).
    private static double Kernel(double x, double a)
    {
        x = Math.Abs(x);
        return x < 1 ? ((((a + 2) * x) - (a + 3)) * x * x) + 1
            : x < 2 ? ((((((x - 5) * x) + 8) * x) - 4) * a)
            : 0;
    }
}

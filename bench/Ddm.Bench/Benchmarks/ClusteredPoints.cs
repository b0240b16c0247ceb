using System.Runtime.InteropServices;
using Ddm.Tensors;
using TorchSharp;

namespace Ddm.Bench;

/// <summary>Mixtures of Gaussians with components of unequal size and spread.</summary>
/// <param name="Name">What the table calls them.</param>
/// <param name="Components">How many components there are.</param>
/// <param name="Apart">Spread of the components' centres in a dimension; the points' spread about them is 0.7 to 1.3.</param>
/// <param name="Latent">Dimensions the points are drawn in before they are mapped into all at random, with noise of 0.05; null: in all.</param>
internal sealed record ClusteredPoints(string Name, int Components, float Apart, int? Latent)
{
    private const uint CentreStream = 2001, PointStream = 2002, ComponentStream = 2003, MapStream = 2004, NoiseStream = 2005;

    /// <summary>Draws points: [rows, dimensions] float32.</summary>
    public torch.Tensor Draw(int rows, int dimensions, long seed)
    {
        var inner = Latent ?? dimensions;
        var centres = Normal(Components, inner, seed, CentreStream);
        var component = Philox.Create(seed, 0, ComponentStream);
        var shares = Shares(component);
        var points = torch.empty([rows, dimensions]);
        var map = Latent is null ? null : torch.tensor(Normal(inner, dimensions, seed, MapStream), [inner, dimensions]);
        using Scalar scale = 1f / MathF.Sqrt(inner), quiet = 0.05f;
        const int BlockRows = 10_000;
        for (var start = 0; start < rows; start += BlockRows)
        {
            using var scope = torch.NewDisposeScope();
            var count = Math.Min(BlockRows, rows - start);
            var block = torch.empty([count, inner]);
            Fill(MemoryMarshal.Cast<byte, float>(block.bytes), start, inner, centres, component, shares, Philox.Create(seed, 0, PointStream));
            if (map is not null)
            {
                var noise = torch.empty([count, dimensions]);
                NoiseTensor.FillNormal(noise, Philox.Create(seed, 0, NoiseStream), 0, (uint)start);
                block = block.mm(map).mul_(scale).Plus(noise.mul_(quiet));
            }

            points.narrow(0, start, count).copy_(block);
        }

        map?.Dispose();
        return points;
    }

    private void Fill(Span<float> block, int start, int inner, float[] centres, Philox component, double[] shares, Philox noise)
    {
        for (var row = 0; row * inner < block.Length; row++)
        {
            var at = Array.BinarySearch(shares, component.Uniform((ulong)(start + row), 0));
            var which = Math.Min(at < 0 ? ~at : at, Components - 1);
            var spread = 0.7f + (0.6f * (which * 0.6180339f % 1f));
            var point = block.Slice(row * inner, inner);
            noise.FillNormal(point, 0, (uint)(start + row));
            for (var d = 0; d < inner; d++)
            {
                point[d] = (Apart * centres[(which * inner) + d]) + (spread * point[d]);
            }
        }
    }

    // Cumulative; log-normal sizes, the largest component some ten times the median.
    private double[] Shares(Philox philox)
    {
        var sizes = new float[Components];
        philox.FillNormal(sizes, 0, 1);
        var (sum, shares) = (0.0, new double[Components]);
        for (var i = 0; i < Components; i++)
        {
            shares[i] = sum += Math.Exp(0.7 * sizes[i]);
        }

        return Array.ConvertAll(shares, share => share / sum);
    }

    private static float[] Normal(int rows, int columns, long seed, uint stream)
    {
        var values = new float[rows * columns];
        for (var row = 0; row < rows; row++)
        {
            Philox.Create(seed, 0, stream).FillNormal(values.AsSpan(row * columns, columns), 0, (uint)row);
        }

        return values;
    }
}

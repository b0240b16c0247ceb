using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>The fixed two-dimensional sine-cosine table of MAE and DiT.</summary>
internal static class PositionTable
{
    /// <summary>[1, grid², D] float32: the first half of a row encodes the patch's column, the second its row; each half sines, then cosines.</summary>
    public static Tensor Create(int hidden, int grid, Device device)
    {
        var quarter = hidden / 4;
        var table = new float[grid * grid * hidden];
        for (var row = 0; row < grid; row++)
        {
            for (var column = 0; column < grid; column++)
            {
                var at = table.AsSpan((row * grid + column) * hidden, hidden);
                for (var i = 0; i < quarter; i++)
                {
                    var omega = 1 / Math.Pow(10000, i / (double)quarter);
                    at[i] = (float)Math.Sin(column * omega);
                    at[quarter + i] = (float)Math.Cos(column * omega);
                    at[2 * quarter + i] = (float)Math.Sin(row * omega);
                    at[3 * quarter + i] = (float)Math.Cos(row * omega);
                }
            }
        }

        return tensor(table, [1, grid * grid, hidden], device: device);
    }
}

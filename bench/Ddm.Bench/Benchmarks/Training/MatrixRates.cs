using Ddm.Diffusion;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Bench;

/// <summary>
/// What this process reaches in float32 matrix products alone: a large square one, and those of a block's four linear layers, forward and backward, at the
/// step's own sizes. Nothing else of a step is in here.
/// </summary>
internal sealed class MatrixRates : IDisposable
{
    private const int Square = 2048;

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Tensor a = randn(Square, Square), b = randn(Square, Square);
    private readonly List<(Tensor Input, Tensor Weight, Tensor Output)> layers = [];

    public MatrixRates(DiTConfig config, int batch)
    {
        long rows = batch * config.Tokens, d = config.Hidden;
        foreach (var (inputs, outputs) in new[] { (d, 3 * d), (d, d), (d, config.MlpHidden), (config.MlpHidden, d) })
        {
            layers.Add((randn(rows, inputs), randn(outputs, inputs), randn(rows, outputs)));
            LayersFlops += 3 * 2.0 * rows * inputs * outputs;
        }
    }

    /// <summary>Operations of a round of <see cref="MultiplySquares"/>.</summary>
    public static double SquareFlops => 2.0 * Square * Square * Square;

    /// <summary>Operations of a round of <see cref="MultiplyLayers"/>.</summary>
    public double LayersFlops { get; }

    public void MultiplySquares() => a.mm(b).Dispose();

    public void MultiplyLayers()
    {
        foreach (var (input, weight, output) in layers)
        {
            using var one = NewDisposeScope();
            input.mm(weight.t());
            output.mm(weight);
            output.t().mm(input);
        }
    }

    public void Dispose() => scope.Dispose();
}

using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Bench;

/// <summary>Mixtures of Gaussians with components of unequal size (log-normal) and spread (0.7 to 1.3).</summary>
/// <param name="Name">What the table calls them.</param>
/// <param name="Components">How many components there are.</param>
/// <param name="Apart">Spread of the components' centres in a dimension.</param>
/// <param name="Latent">Dimensions the points are drawn in before they are mapped into all at random, with noise of 0.05; null: in all.</param>
internal sealed record ClusteredPoints(string Name, int Components, float Apart, int? Latent)
{
    private const int BlockRows = 10_000;

    /// <summary>Draws points: [rows, dimensions] float32.</summary>
    public Tensor Draw(int rows, int dimensions, long seed)
    {
        using var all = NewDisposeScope();
        using var gradientsOff = no_grad();
        using Scalar apart = Apart, size = 0.7f, noise = 0.05f, narrow = 0.7f, range = 0.6f;
        using var generator = new Generator((ulong)seed, CPU);
        var inner = Latent ?? dimensions;
        var centres = randn([Components, inner], generator: generator).mul_(apart);
        var spreads = rand([Components, 1], generator: generator).mul_(range).add_(narrow);
        var shares = randn([Components], generator: generator).mul_(size).exp_();
        var map = Latent is null ? null : randn([inner, dimensions], generator: generator).div_(MathF.Sqrt(inner));
        var points = empty([rows, dimensions]);
        for (var start = 0; start < rows; start += BlockRows)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(BlockRows, rows - start);
            var component = multinomial(shares, count, replacement: true, generator);
            var block = randn([count, inner], generator: generator).mul_(spreads.index_select(0, component));
            block = block.Plus(centres.index_select(0, component));
            if (map is not null)
            {
                block = block.mm(map).Plus(randn([count, dimensions], generator: generator).mul_(noise));
            }

            points.narrow(0, start, count).copy_(block);
        }

        return points.MoveToOuterDisposeScope();
    }
}

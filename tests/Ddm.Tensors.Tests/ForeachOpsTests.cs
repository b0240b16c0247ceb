using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Tensors.Tests;

public class ForeachOpsTests
{
    private static readonly long[][] Shapes = [[7, 5], [33], [2, 3, 4], [1]];
    private static readonly AdamWSettings Settings = new(LearningRate: 1e-2, Beta1: 0.9, Beta2: 0.95, WeightDecay: 0.1);

    [Fact]
    public void TheFusedUpdateEqualsTheTextbooks()
    {
        using var scope = NewDisposeScope();
        var (weights, m, v) = (Draw(0), Zeros(), Zeros());
        var reference = weights.Select(w => w.data<float>().ToArray().Select(x => (double)x).ToArray()).ToArray();
        var (m64, v64) = (reference.Select(r => new double[r.Length]).ToArray(), reference.Select(r => new double[r.Length]).ToArray());

        for (var step = 1; step <= 5; step++)
        {
            var gradients = Draw(step);
            var plain = gradients.Select(g => g.data<float>().ToArray()).ToArray();
            var norm = Math.Sqrt(plain.Sum(g => g.Sum(x => (double)x * x)));
            var statistics = ForeachOps.Measure(gradients, tensor(0.5f), 2.0);
            Assert.Equal(norm, statistics[1].item<float>(), 1e-4);
            ForeachOps.FusedAdamW(weights, gradients, m, v, tensor((float)step), Settings, statistics);
            Reference(reference, m64, v64, plain, Math.Min(1, 2.0 / norm), step);
        }

        for (var i = 0; i < weights.Length; i++)
        {
            Assert.All(weights[i].data<float>().ToArray().Zip(reference[i]), pair => Assert.Equal(pair.Second, pair.First, 1e-6));
        }
    }

    [Theory]
    [InlineData(float.NaN, 0.5f)]
    [InlineData(float.PositiveInfinity, 0.5f)]
    [InlineData(1f, float.NaN)]
    public void NothingMovesWhenSomethingIsNotFinite(float gradient, float loss)
    {
        using var scope = NewDisposeScope();
        var (weights, m, v, gradients) = (Draw(0), Draw(1), Draw(2), Draw(3));
        foreach (var second in v)
        {
            second.abs_();
        }

        gradients[2][0, 0, 0] = gradient;
        var before = Bits([.. weights, .. m, .. v]);

        var statistics = ForeachOps.Measure(gradients, tensor(loss), 1.0);
        ForeachOps.FusedAdamW(weights, gradients, m, v, tensor(1f), Settings, statistics);

        Assert.Equal(1f, statistics[2].item<float>());
        Assert.Equal(before, Bits([.. weights, .. m, .. v]));
    }

    [Fact]
    public void SmallGradientsAreNotClipped()
    {
        using var scope = NewDisposeScope();
        var statistics = ForeachOps.Measure([tensor([3f, 0f]), tensor([4f])], tensor(0.25f), 5.1);
        Assert.Equal([0.25f, 5f, 0f, 1f], statistics.data<float>().ToArray());
    }

    [Fact]
    public void LerpMovesEveryAverageByItsShare()
    {
        using var scope = NewDisposeScope();
        var (averages, values) = (Draw(0), Draw(1));
        var expected = averages.Zip(values, (a, b) => a.data<float>().ToArray().Zip(b.data<float>().ToArray(), (x, y) => x + (0.25f * (y - x))).ToArray()).ToArray();
        ForeachOps.LerpAll(averages, values, 0.25);
        for (var i = 0; i < averages.Length; i++)
        {
            Assert.All(averages[i].data<float>().ToArray().Zip(expected[i]), pair => Assert.Equal(pair.Second, pair.First, 1e-6f));
        }
    }

    [Fact]
    public void RepeatedUpdatesKeepNoTensors()
    {
        using var outer = NewDisposeScope();
        var (weights, m, v, gradients, step) = (Draw(0), Zeros(), Zeros(), Draw(1), tensor(1f));
        Scalar clip = 1.0;
        long before = 0;
        for (var i = 0; i < 200; i++)
        {
            using var scope = NewDisposeScope();
            ForeachOps.FusedAdamW(weights, gradients, m, v, step, Settings, ForeachOps.Measure(gradients, tensor(1f), clip));
            ForeachOps.LerpAll(m, weights, 0.1);
            before = i == 0 ? Tensor.TotalCount : before;
            Assert.InRange(Tensor.TotalCount, 0, before);
        }
    }

    private static Tensor[] Draw(int seed)
        => [.. Shapes.Select((shape, i) => NoiseTensor.Normal(Philox.Create(seed, (uint)i, 0), 0, 0, (int)shape[0], shape.AsSpan(1)))];

    private static Tensor[] Zeros() => [.. Shapes.Select(shape => zeros(shape))];

    private static byte[] Bits(IEnumerable<Tensor> tensors) => [.. tensors.SelectMany(t => t.bytes.ToArray())];

    private static void Reference(double[][] weights, double[][] m, double[][] v, float[][] gradients, double scale, int step)
    {
        var s = Settings;
        for (var i = 0; i < weights.Length; i++)
        {
            for (var j = 0; j < weights[i].Length; j++)
            {
                var g = gradients[i][j] * scale;
                weights[i][j] *= 1 - (s.LearningRate * s.WeightDecay);
                m[i][j] = (s.Beta1 * m[i][j]) + ((1 - s.Beta1) * g);
                v[i][j] = (s.Beta2 * v[i][j]) + ((1 - s.Beta2) * g * g);
                var (mHat, vHat) = (m[i][j] / (1 - Math.Pow(s.Beta1, step)), v[i][j] / (1 - Math.Pow(s.Beta2, step)));
                weights[i][j] -= s.LearningRate * mHat / (Math.Sqrt(vHat) + s.Epsilon);
            }
        }
    }
}

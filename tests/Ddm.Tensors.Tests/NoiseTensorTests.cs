using static TorchSharp.torch;

namespace Ddm.Tensors.Tests;

public class NoiseTensorTests
{
    private static readonly Philox Key = Philox.Create(3, 1, RandomStreams.TrainingNoise);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(48)]
    public void AnySplitOfTheBatchGivesTheSameNumbers(int microBatch)
    {
        using var scope = NewDisposeScope();
        var whole = NoiseTensor.Normal(Key, step: 12, firstRow: 0, count: 48, [3, 17, 17]); // wide enough to be filled in parallel
        var parts = new List<Tensor>();
        for (var row = 0; row < 48; row += microBatch)
        {
            parts.Add(NoiseTensor.Normal(Key, 12, (uint)row, Math.Min(microBatch, 48 - row), [3, 17, 17]));
        }

        Assert.True(cat(parts).equal(whole).all().item<bool>());
    }

    [Fact]
    public void RowsAreTheGeneratorsOwn()
    {
        var expected = new float[10];
        Key.FillUniform(expected, step: 4, row: 6);
        using var drawn = NoiseTensor.Uniform(Key, 4, firstRow: 5, count: 3, [2, 5]);
        Assert.Equal([3L, 2, 5], drawn.shape);
        Assert.Equal(expected, drawn.data<float>().ToArray()[10..20]);
    }

    [Fact]
    public void OnlyPlainFloatTensorsAreFilled()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => NoiseTensor.FillNormal(zeros(4, 4, ScalarType.Float64), Key, 0, 0));
        Assert.Throws<ArgumentException>(() => NoiseTensor.FillNormal(zeros(4, 5).t(), Key, 0, 0));
        NoiseTensor.FillNormal(zeros(0, 5), Key, 0, 0);
    }
}

namespace Ddm.Tensors.Tests;

public class FeistelPermutationTests
{
    private static readonly Philox Key = Philox.Create(11, 0, RandomStreams.SampleOrder);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(9_973)]
    public void EveryElementComesExactlyOnce(int size)
    {
        for (ulong epoch = 0; epoch < 3; epoch++)
        {
            var permutation = new FeistelPermutation(size, Key, epoch);
            var images = Enumerable.Range(0, size).Select(i => permutation[i]).ToHashSet();
            Assert.Equal(size, images.Count);
            Assert.All(images, image => Assert.InRange(image, 0, size - 1));
        }
    }

    [Fact]
    public void EpochPartAndKeyEachChangeTheOrder()
    {
        FeistelPermutation[] permutations =
            [new(1000, Key), new(1000, Key, epoch: 1), new(1000, Key, part: 1), new(1000, Philox.Create(12, 0, RandomStreams.SampleOrder))];
        var orders = permutations.Select(p => string.Join(',', Enumerable.Range(0, 1000).Select(i => p[i])));
        Assert.Equal(permutations.Length, orders.Distinct().Count());
    }

    // Each place receives each element equally often over the epochs.
    [Fact]
    public void OrdersAreUniform()
    {
        const int Size = 5, Epochs = 4_000;
        var counts = new int[Size, Size];
        for (ulong epoch = 0; epoch < Epochs; epoch++)
        {
            var permutation = new FeistelPermutation(Size, Key, epoch);
            for (var i = 0; i < Size; i++)
            {
                counts[i, permutation[i]]++;
            }
        }

        var chiSquare = counts.Cast<int>().Sum(n => Math.Pow(n - (Epochs / Size), 2) / (Epochs / Size));
        Assert.InRange(chiSquare, 2, 45); // 16 degrees of freedom
    }

    [Fact]
    public void HugeSizesWorkAndStrayIndicesAreRefused()
    {
        var permutation = new FeistelPermutation(1L << 61, Key);
        Assert.Equal(100, Enumerable.Range(0, 100).Select(i => permutation[i]).Distinct().Count());
        Assert.Throws<ArgumentOutOfRangeException>(() => new FeistelPermutation(4, Key)[4]);
        Assert.Throws<ArgumentOutOfRangeException>(() => new FeistelPermutation(0, Key));
    }
}

namespace Ddm.Tensors.Tests;

public class PhiloxTests
{
    // Random123's kat_vectors for philox4x32-10
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void BlocksEqualThePublishedVectors(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint x0, uint x1, uint x2, uint x3)
        => Assert.Equal((x0, x1, x2, x3), Philox.Block(c0, c1, c2, c3, k0, k1));

    // Guards every checkpoint and picture ever made: these bits must never change.
    [Fact]
    public void AStreamKeepsItsNumbers()
    {
        var philox = Philox.Create(seed: 42, role: 3, RandomStreams.TrainingNoise);
        var normals = new float[4];
        philox.FillNormal(normals, step: 7, row: 5);
        Assert.Equal(PinnedNormals, normals.Select(BitConverter.SingleToInt32Bits));
    }

    private static readonly int[] PinnedNormals = [-1078673756, -1090162932, 1059935010, 1022341797];

    [Fact]
    public void NormalsHaveTheMomentsOfTheNormalDistribution()
    {
        var values = new float[400_000];
        Philox.Create(1, 0, RandomStreams.PictureNoise).FillNormal(values, step: 0, row: 0);
        var mean = values.Average(v => (double)v);
        var central = (int power) => values.Average(v => Math.Pow(v - mean, power));
        // 5 standard errors of each moment's estimate
        Assert.Equal(0, mean, 0.008);
        Assert.Equal(1, central(2), 0.012);
        Assert.Equal(0, central(3), 0.02);
        Assert.Equal(3, central(4), 0.08);
    }

    [Fact]
    public void UniformsFillTheOpenIntervalEvenly()
    {
        var values = new float[200_000];
        Philox.Create(2, 0, RandomStreams.Sampling).FillUniform(values, step: 3, row: 4);
        Assert.All(values, v => Assert.InRange(v, float.Epsilon, 0.99999994f));
        var bins = new int[20];
        foreach (var value in values)
        {
            bins[(int)(value * 20)]++;
        }

        var chiSquare = bins.Sum(n => Math.Pow(n - 10_000, 2) / 10_000);
        Assert.InRange(chiSquare, 2, 50); // 19 degrees of freedom: beyond 50 has p < 2e-4
    }

    [Fact]
    public void NumbersDoNotDependOnHowManyAreAskedFor()
    {
        var philox = Philox.Create(-5, 1, RandomStreams.TrainingNoise);
        var whole = new float[11];
        philox.FillNormal(whole, 9, 2);
        for (var length = 1; length < whole.Length; length++)
        {
            var part = new float[length];
            philox.FillNormal(part, 9, 2);
            Assert.Equal(whole[..length], part);
        }
    }

    [Fact]
    public void SeedRoleStreamStepAndRowEachChangeTheNumbers()
    {
        (long Seed, uint Role, uint Stream, ulong Step, uint Row)[] places =
            [(0, 0, 0, 0, 0), (1, 0, 0, 0, 0), (1L << 32, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, 0, 1, 0), (0, 0, 0, 1UL << 32, 0), (0, 0, 0, 0, 1)];
        var first = places.Select(p => Philox.Create(p.Seed, p.Role, p.Stream).Uniform(p.Step, p.Row));
        Assert.Equal(places.Length, first.Distinct().Count());
    }

    [Fact]
    public void PortableMathAgreesWithTheSystems()
    {
        for (var i = 0; i < 100_000; i++)
        {
            var x = (i + 0.5) / 100_000;
            Assert.Equal(Math.Log(x), PortableMath.Log(x), 1e-12);
            Assert.Equal(1, PortableMath.Exp(400 * (x - 0.5)) / Math.Exp(400 * (x - 0.5)), 1e-13);
            var (sine, cosine) = PortableMath.SinCosOfTurns(x);
            Assert.Equal(Math.Sin(2 * Math.PI * x), sine, 2e-12);
            Assert.Equal(Math.Cos(2 * Math.PI * x), cosine, 2e-12);
        }
    }
}

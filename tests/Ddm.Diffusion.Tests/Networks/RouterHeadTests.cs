using static Ddm.Diffusion.Tests.Closeness;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>What published weights need and our own networks do not have: an MLP for a head, positions and an eps of their own.</summary>
public class RouterHeadTests
{
    private static readonly DiTConfig Shape = new(21, 3, 3, 36, 2, 3, 2, 0, 0) { MlpHead = true, StoredPositions = true, NormEps = 1e-5 };

    [Fact]
    public void ItStartsAtTheUniformDistributionWithTheFixedPositions()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var router = new RouterNetwork(Shape, 5);
        using var plain = new RouterNetwork(Shape with { MlpHead = false, StoredPositions = false }, 5);
        Assert.Equal(0, router.Forward(randn([4, 3, 21, 21]), rand([4]), null).abs().max().item<float>());
        Assert.Equal(0, Distance(plain.state_dict()["pos_embed"], router.TrainableParameters().Single(p => p.Name == "pos_embed").Parameter));
        Assert.DoesNotContain(plain.TrainableParameters(), p => p.Name == "pos_embed");
        Assert.Equal(
            ["head.0.bias", "head.0.weight", "head.2.bias", "head.2.weight", "head.4.bias", "head.4.weight"],
            router.TrainableParameters().Select(p => p.Name).Except(plain.TrainableParameters().Select(p => p.Name)).Where(name => name != "pos_embed"));
    }

    [Fact]
    public void ARowsLogitsDoNotDependOnTheOthers()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = Shaken.Fill(new RouterNetwork(Shape, 5), 4);
        using var generator = new Generator(1, CPU);
        var router = new NetworkRouter(network);
        var (x, t) = (randn([40, 3, 21, 21], generator: generator), rand([40], generator: generator));
        var alone = cat([.. Enumerable.Range(0, 40).Select(i => router.Logits(x.narrow(0, i, 1), t.narrow(0, i, 1), null))], dim: 0);
        for (var rows = 2; rows <= 40; rows += 3)
        {
            Assert.True(router.Logits(x.narrow(0, 40 - rows, rows), t.narrow(0, 40 - rows, rows), null).Equals(alone.narrow(0, 40 - rows, rows)), $"{rows} rows");
        }
    }

    [Fact]
    public void TheHeadsArithmeticIsCounted()
    {
        var plain = Shape with { MlpHead = false };
        Assert.Equal((2 * 36 * (36 + 5)) - ((2 * 36 * 5) + (2 * 2 * 36 * 36)), Flops.RouterForward(Shape, 5) - Flops.RouterForward(plain, 5));
    }
}

using static Ddm.Diffusion.Tests.Closeness;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

public class RouterLastBlockTests
{
    /// <summary>What the router reads of its last block is what the whole block would have said, and so are its gradients.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(20, false)]
    [InlineData(1, true)]
    [InlineData(20, true)]
    public void TheFirstTokenAloneIsTheFirstTokenOfAll(int rows, bool captions)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4, CPU);
        var config = new DiTConfig(8, 1, 2, 32, 1, 4, 4, 0, 0);
        using TransformerBlock block = captions ? new TextBlock(config, CPU) : new DiTBlock(config, CPU);
        using (no_grad())
        {
            foreach (var parameter in block.parameters())
            {
                parameter.copy_(randn(parameter.shape, generator: generator) * 0.2);
            }
        }

        var x = randn([rows, 17, 32], generator: generator).requires_grad_(true);
        var activated = randn([rows, 32], generator: generator);
        var mask = arange(5).view(1, 1, 1, 5).expand(rows, 1, 1, 5) < 3;
        var condition = new Conditioning(
            activated, activated, [.. Enumerable.Range(0, 6).Select(_ => randn([rows, 1, 32], generator: generator))], randn([rows, 5, 32], generator: generator), mask);
        var alone = block.ForwardFirst(x, condition, ComputeType.Float32);
        var ofAll = block.Forward(x, condition, ComputeType.Float32).narrow(1, 0, 1);
        Assert.InRange(RelativeDistance(alone, ofAll), 0, 1e-6);

        alone.square().sum().backward();
        var gradient = x.grad!.clone();
        x.grad = null;
        ofAll.square().sum().backward();
        Assert.InRange(RelativeDistance(gradient, x.grad!), 0, 1e-5);
    }
}

using static Ddm.Diffusion.Tests.Closeness;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

public class RouterLastBlockTests
{
    /// <summary>What the router reads of its last block is what the whole block would have said, and so are its gradients.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    public void TheFirstTokenAloneIsTheFirstTokenOfAll(int rows)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4, CPU);
        using var block = new DiTBlock(new DiTConfig(8, 1, 2, 32, 1, 4, 4, 0, 0), CPU);
        using (no_grad())
        {
            foreach (var parameter in block.parameters())
            {
                parameter.copy_(randn(parameter.shape, generator: generator) * 0.2);
            }
        }

        var (x, condition) = (randn([rows, 17, 32], generator: generator).requires_grad_(true), randn([rows, 32], generator: generator));
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

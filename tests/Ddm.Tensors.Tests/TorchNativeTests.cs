using TorchSharp;

namespace Ddm.Tensors.Tests;

public class TorchNativeTests
{
    [Fact]
    public void TorchLoadsAndAdds()
    {
        TorchNative.EnsureLoaded();
        using var ones = torch.ones(3);
        using var sum = ones.sum();
        Assert.Equal(3f, sum.item<float>());
    }
}

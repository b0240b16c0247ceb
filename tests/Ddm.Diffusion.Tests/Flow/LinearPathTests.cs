using static Ddm.Diffusion.Tests.Closeness;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

public class LinearPathTests
{
    [Fact]
    public void DataAndNoiseComeBackFromVelocity()
    {
        using var scope = NewDisposeScope();
        var (x0, eps) = (randn([4, 2, 3, 3], ScalarType.Float64), randn([4, 2, 3, 3], ScalarType.Float64));
        var t = tensor(new[] { 0, 0.2, 0.7, 1 });
        var xt = LinearPath.Interpolate(x0, eps, t);
        var v = LinearPath.Velocity(x0, eps);

        Assert.InRange(Distance(LinearPath.X0(xt, v, t), x0), 0, 1e-14);
        Assert.InRange(Distance(LinearPath.Eps(xt, v, t), eps), 0, 1e-14);
        Assert.Equal(0, Distance(xt[0], x0[0])); // t = 0 is data
        Assert.Equal(0, Distance(xt[3], eps[3])); // t = 1 is noise
        Assert.InRange(Distance(xt[1], (0.8 * x0[1]) + (0.2 * eps[1])), 0, 1e-14);
    }
}

using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>The velocity field of a mixture.</summary>
internal sealed class ExactExpert(GaussianMixture mixture) : IVelocityModel
{
    public List<long> Rows { get; } = [];

    public Tensor Velocity(Tensor x, Tensor t, Tensor? labels)
    {
        using var scope = NewDisposeScope();
        Rows.Add(x.size(0));
        return mixture.Velocity(x.flatten(1), t).reshape(x.shape).MoveToOuterDisposeScope();
    }
}

/// <summary>The posterior of a mixture's clusters.</summary>
internal sealed class ExactRouter(GaussianMixture mixture) : IRouterModel
{
    public int Calls { get; private set; }

    public Tensor Logits(Tensor x, Tensor t, Tensor? labels)
    {
        using var scope = NewDisposeScope();
        Calls++;
        return mixture.LogClusters(x.flatten(1), t).MoveToOuterDisposeScope();
    }
}

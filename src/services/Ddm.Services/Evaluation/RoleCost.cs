using Ddm.Diffusion;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>What a role's network costs, counted from its shape.</summary>
/// <param name="Parameters">Weights in training.</param>
/// <param name="ForwardFlops">Floating-point operations of one image's forward pass, a multiply-add counted as two.</param>
public sealed record RoleCost(long Parameters, long ForwardFlops)
{
    /// <summary>The cost of a role of a run.</summary>
    public static RoleCost Of(RunSpec spec, Role role, int classes)
    {
        var router = role.Kind == RoleKind.Router;
        var network = NetworkPresets.Resolve(router ? spec.Router.Network : spec.Model);
        var shape = DiTConfig.From(network, spec.Data.ImageSize, spec.Data.Channels, classes);
        return router
            ? new RoleCost(Flops.RouterParameters(shape, spec.Partition.Experts), Flops.RouterForward(shape, spec.Partition.Experts))
            : new RoleCost(Flops.Parameters(shape), Flops.Forward(shape));
    }
}

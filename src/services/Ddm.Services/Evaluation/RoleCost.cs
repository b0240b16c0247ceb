using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>What a role's network costs, counted from its shape.</summary>
/// <param name="Parameters">Weights in training.</param>
/// <param name="ForwardFlops">Floating-point operations of one image's forward pass, a multiply-add counted as two.</param>
public sealed record RoleCost(long Parameters, long ForwardFlops)
{
    /// <summary>The cost of a role of a run.</summary>
    public static RoleCost Of(RunSpec spec, Role role, int classes, TextShape? text)
    {
        var shape = Roles.Network(spec, role, classes, text);
        return role.Kind == RoleKind.Router
            ? new RoleCost(ParameterCount.OfRouter(shape, spec.Partition.Experts), Flops.RouterForward(shape, spec.Partition.Experts))
            : new RoleCost(ParameterCount.Of(shape), Flops.Forward(shape));
    }
}

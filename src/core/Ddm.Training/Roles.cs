using Ddm.Diffusion;
using Ddm.Runs;

namespace Ddm.Training;

/// <summary>What a spec says about one role.</summary>
public static class Roles
{
    /// <summary>How the role is trained.</summary>
    public static TrainingSpec Training(RunSpec spec, Role role) => role.Kind switch
    {
        RoleKind.Expert => spec.Experts,
        RoleKind.Router => spec.Router.Training,
        _ => throw NoTraining(role),
    };

    /// <summary>The shape of the role's network, presets resolved.</summary>
    /// <param name="spec">The run's spec.</param>
    /// <param name="role">The role.</param>
    /// <param name="classes">Classes of the data set.</param>
    /// <param name="text">What networks see of captions, where these are the run's condition.</param>
    public static DiTConfig Network(RunSpec spec, Role role, int classes, TextShape? text = null)
    {
        var network = role.Kind switch
        {
            RoleKind.Expert => spec.Model,
            RoleKind.Router => spec.Router.Network,
            _ => throw NoTraining(role),
        };
        var input = spec.Input();
        return DiTConfig.From(NetworkPresets.Resolve(network), input.Size, input.Channels, classes, text);
    }

    /// <summary>What the role learns.</summary>
    /// <param name="spec">The run's spec.</param>
    /// <param name="role">The role.</param>
    /// <param name="classes">Classes of the data set.</param>
    /// <param name="numerics">Its numerics class, for the type of the heavy arithmetic.</param>
    /// <param name="text">What networks see of captions, where these are the run's condition.</param>
    public static Objective Objective(RunSpec spec, Role role, int classes, NumericsClass numerics, TextShape? text = null)
    {
        var (config, type) = (Network(spec, role, classes, text), ComputeTypes.Parse(numerics.ComputeType));
        return role.Kind == RoleKind.Router ? new RouterObjective(config, spec.Partition.Experts, type) : new ExpertObjective(config, type);
    }

    private static NotSupportedException NoTraining(Role role) => new($"Role '{role}' has no training in a spec: only experts and the router have.");
}

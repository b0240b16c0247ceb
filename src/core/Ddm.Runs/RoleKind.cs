namespace Ddm.Runs;

/// <summary>The kinds of <see cref="Role"/>.</summary>
public enum RoleKind
{
    /// <summary>A diffusion transformer trained on one cluster.</summary>
    Expert,

    /// <summary>The network of p(k | x_t, t, c).</summary>
    Router,

    /// <summary>One dense model distilled from the ensemble.</summary>
    Student,
}

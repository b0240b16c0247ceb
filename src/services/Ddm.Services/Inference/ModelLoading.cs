using Ddm.Diffusion;

namespace Ddm.Services;

/// <summary>How a model is brought into memory.</summary>
internal sealed record ModelLoading
{
    /// <summary>All of it here.</summary>
    public static ModelLoading Whole { get; } = new();

    /// <summary>How experts that are here are kept.</summary>
    public ExpertMemory Memory { get; init; } = ExpertMemory.Whole;

    /// <summary>The expert of an index as it is reached elsewhere; null: it is loaded here.</summary>
    public Func<int, PublishedRole, IVelocityModel?> Elsewhere { get; init; } = (_, _) => null;

    /// <summary>The least probability that the live experts must hold of a picture at t = 1.</summary>
    public double LiveMassFloor { get; init; } = Ensemble.DefaultLiveMassFloor;
}

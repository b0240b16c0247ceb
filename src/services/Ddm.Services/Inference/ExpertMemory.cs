using Ddm.Diffusion;

namespace Ddm.Services;

/// <summary>How experts are kept in memory.</summary>
/// <param name="Bytes">What they may take; those that do not fit are read when they are asked. Null: any number.</param>
/// <param name="Weights">What their matrices are kept as.</param>
internal sealed record ExpertMemory(long? Bytes = null, WeightType Weights = WeightType.Float32)
{
    /// <summary>All of them, as they were trained.</summary>
    public static ExpertMemory Whole { get; } = new();
}

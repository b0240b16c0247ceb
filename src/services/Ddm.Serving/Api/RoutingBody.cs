using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Ddm.Serving;

/// <summary>Part of <see cref="GenerationBody"/>: how experts are chosen; <see cref="RoutingFields"/> reads it.</summary>
internal sealed record RoutingBody
{
    [AllowedValues("top-k", "top-1", "top-2", "full", "sample", "nucleus", "threshold", "ancestral")]
    public string? Strategy { get; init; }

    [Description("Experts, of 'top-k' alone.")]
    [Range(1, int.MaxValue)]
    public int? TopK { get; init; }

    [Range(0.001, 1000.0)]
    public double? Temperature { get; init; }

    [Description("Mass, of 'nucleus' alone: above 0.")]
    [Range(0.0, 1.0)]
    public double? P { get; init; }

    [Description("Level, of 'threshold' alone: below 1.")]
    [Range(0.0, 1.0)]
    public double? Threshold { get; init; }

    [Description("The router is asked at every r-th step.")]
    [Range(1, 1000)]
    public int? Interval { get; init; }

    [AllowedValues("shared", "separate")]
    public string? Guidance { get; init; }
}

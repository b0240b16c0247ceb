using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Ddm.Serving;

/// <summary>The body of <c>POST /v1/images/generations</c> as it is described to machines. <see cref="GenerationParser"/> reads it, and says more where something is wrong.</summary>
internal sealed record GenerationBody
{
    [Description("A caption; of a model of classes a class's name; of an unconditional model empty or left out.")]
    [MaxLength(4000)]
    public string? Prompt { get; init; }

    [Description("May be left out where there is one.")]
    public string? Model { get; init; }

    [Description("Pictures; picture i has the seed 'seed' + i. 1 where it is left out.")]
    [Range(1, 10)]
    public int? N { get; init; }

    [Description("'auto' or the model's own: WxH.")]
    public string? Size { get; init; }

    [AllowedValues("auto", "standard")]
    public string? Quality { get; init; }

    [AllowedValues("b64_json", "url")]
    public string? ResponseFormat { get; init; }

    [AllowedValues("png", "jpeg", "webp")]
    public string? OutputFormat { get; init; }

    [Description("Of jpeg and webp.")]
    [Range(0, 100)]
    public int? OutputCompression { get; init; }

    [Description("Answer by server-sent events.")]
    public bool? Stream { get; init; }

    [Description("Estimates of every picture on the way, with 'stream' alone.")]
    [Range(0, 3)]
    public int? PartialImages { get; init; }

    [AllowedValues("auto", "opaque")]
    public string? Background { get; init; }

    [AllowedValues("auto", "low")]
    public string? Moderation { get; init; }

    [Description("Has no effect, and is refused.")]
    public string? Style { get; init; }

    [MaxLength(512)]
    public string? User { get; init; }

    [Description("Of a model of captions, with guidance: what guidance leads away from.")]
    [MaxLength(4000)]
    public string? NegativePrompt { get; init; }

    [Description("Solver steps; the gateway's settings may allow fewer.")]
    [Range(1, 1000)]
    public int? NumInferenceSteps { get; init; }

    [Range(0.0, 100.0)]
    public double? GuidanceScale { get; init; }

    [Description("Left out: a random one. It is always answered.")]
    [Range(0.0, 9.2e18)]
    public long? Seed { get; init; }

    [Description("A class by number instead of by 'prompt'; -1: none.")]
    public long? ClassLabel { get; init; }

    public RoutingBody? Routing { get; init; }

    [AllowedValues("euler", "heun")]
    public string? Solver { get; init; }

    [Range(0.001, 100.0)]
    public double? Shift { get; init; }

    [Description("504 when it is over.")]
    public double? DeadlineSeconds { get; init; }
}

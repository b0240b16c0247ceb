using System.Globalization;
using Ddm.Diffusion;

namespace Ddm.Serving;

/// <summary>The object <c>routing</c> of a request.</summary>
internal static class RoutingFields
{
    private const string Top = "top-k";
    /// <summary>The fields of the object.</summary>
    internal static readonly string[] Known = ["strategy", "top_k", "temperature", "p", "threshold", "interval", "guidance"];
    private static readonly string[] Strategies = [Top, "top-1", "top-2", "full", "sample", "nucleus", "threshold", "ancestral"];

    /// <summary>Name of the field.</summary>
    public const string Field = "routing";

    /// <summary>Reads it into a request.</summary>
    /// <param name="request">What it changes.</param>
    /// <param name="fields">The request's fields.</param>
    /// <param name="usual">The model's own strategy.</param>
    /// <param name="experts">K.</param>
    /// <exception cref="GatewayException">A value is wrong, or has no effect on the strategy.</exception>
    public static SampleRequest Read(SampleRequest request, FieldReader fields, RoutingStrategy usual, int experts)
    {
        if (fields.Object(Field, Known) is not { } routing)
        {
            return request with { Strategy = usual };
        }

        return request with
        {
            Strategy = Strategy(routing, usual, experts),
            RouterInterval = (int)(routing.Whole("interval", 1, 1000) ?? 1),
            GuidanceRouting = routing.Word("guidance", "shared", "separate") == "separate" ? GuidanceRouting.Separate : GuidanceRouting.Shared,
        };
    }

    private static RoutingStrategy Strategy(FieldReader routing, RoutingStrategy usual, int experts)
    {
        var temperature = routing.Number("temperature", 1e-3, 1e3);
        var name = routing.Word("strategy", Strategies);
        var top = routing.Whole("top_k", 1, int.MaxValue);
        if (top > experts)
        {
            throw GatewayException.Bad($"{Field}.top_k", $"'routing.top_k' is {top}, but the model has {experts} experts.");
        }

        RequireMeaning(routing, "top_k", name is Top, Top);
        RequireMeaning(routing, "p", name is "nucleus", "nucleus");
        RequireMeaning(routing, "threshold", name is "threshold", "threshold");
        var strategy = name switch
        {
            null => usual,
            Top => new TopRouting((int)(top ?? throw GatewayException.Bad($"{Field}.top_k", $"Strategy 'top-k' needs 'routing.top_k', from 1 to {experts}."))),
            "nucleus" => new NucleusRouting(Above(routing, "p") ?? NucleusRouting.DefaultMass),
            "threshold" => new ThresholdRouting(Below(routing, "threshold") ?? ThresholdRouting.DefaultLevel),
            _ => RoutingStrategy.Parse(name),
        };
        return temperature is null ? strategy : strategy with { Temperature = temperature.Value };
    }

    // A number that is passed over would look as if it had done something.
    private static void RequireMeaning(FieldReader routing, string field, bool means, string strategy)
    {
        if (routing.Has(field) && !means)
        {
            throw GatewayException.Bad($"{Field}.{field}", $"'routing.{field}' means something for the strategy '{strategy}' alone: name it in 'routing.strategy', or leave '{field}' out.");
        }
    }

    private static double? Above(FieldReader routing, string field)
        => routing.Number(field, 0, 1) is not { } value ? null : value > 0 ? value : throw Out(field, value, "above 0, at most 1");

    private static double? Below(FieldReader routing, string field)
        => routing.Number(field, 0, 1) is not { } value ? null : value < 1 ? value : throw Out(field, value, "from 0, below 1");

    private static GatewayException Out(string field, double value, string wanted)
        => GatewayException.Bad($"{Field}.{field}", $"'routing.{field}' is {value.ToString(CultureInfo.InvariantCulture)}; expected a number {wanted}.");
}

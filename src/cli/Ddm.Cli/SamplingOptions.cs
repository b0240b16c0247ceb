using System.CommandLine;
using System.Text.Json.Nodes;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Cli;

/// <summary>The options of every command that draws. What is not given comes from the model.</summary>
internal sealed class SamplingOptions
{
    private readonly Option<string?> strategy = new("--strategy") { Description = "Routing: " + RoutingStrategy.Syntax + " [default: the model's]" };
    private readonly Option<int?> steps = new("--steps") { Description = "Solver steps [default: the model's]" };
    private readonly Option<double?> guidance = new("--guidance") { Description = "Classifier-free guidance scale, 1: none [default: the model's]" };
    private readonly Option<Solver?> solver = new("--solver") { Description = "Euler or Heun [default: the model's]" };
    private readonly Option<double?> shift = new("--shift") { Description = "Timestep shift, 1: none [default: the model's]" };
    private readonly Option<GuidanceRouting> guidanceRouting = new("--guidance-routing")
    {
        Description = "Weights of the unconditional half: shared with the conditional one, or separate",
        DefaultValueFactory = _ => GuidanceRouting.Shared,
    };

    public void AddTo(Command command)
    {
        foreach (var option in All)
        {
            command.Add(option);
        }
    }

    /// <summary>Every one of them.</summary>
    public IReadOnlyList<Option> All => [strategy, steps, guidance, solver, shift, guidanceRouting];

    /// <summary>What was given, as a gateway reads it.</summary>
    /// <exception cref="UserErrorException">The strategy is none.</exception>
    public JsonObject ToFields(ParseResult parsed)
    {
        var fields = new JsonObject();
        var routing = new JsonObject();
        Set(fields, "num_inference_steps", parsed.GetValue(steps));
        Set(fields, "guidance_scale", parsed.GetValue(guidance));
        Set(fields, "shift", parsed.GetValue(shift));
        if (parsed.GetValue(solver) is { } chosen)
        {
            fields["solver"] = chosen.ToString().ToLowerInvariant();
        }

        if (parsed.GetValue(guidanceRouting) == GuidanceRouting.Separate)
        {
            routing["guidance"] = "separate";
        }

        if (parsed.GetValue(strategy) is { } text)
        {
            Strategy(RoutingStrategy.Parse(text), routing);
        }

        if (routing.Count > 0)
        {
            fields["routing"] = routing;
        }

        return fields;
    }

    private static void Strategy(RoutingStrategy strategy, JsonObject routing)
    {
        (string Name, string Field, JsonNode? Value) said = strategy switch
        {
            TopRouting top => ("top-k", "top_k", top.Count),
            NucleusRouting nucleus => ("nucleus", "p", nucleus.Mass),
            ThresholdRouting threshold => ("threshold", "threshold", threshold.Level),
            _ => ((strategy with { Temperature = 1 }).ToString(), "", null),
        };
        routing["strategy"] = said.Name;
        if (said.Value is not null)
        {
            routing[said.Field] = said.Value;
        }

        if (strategy.Temperature != 1)
        {
            routing["temperature"] = strategy.Temperature;
        }
    }

    private static void Set<T>(JsonObject fields, string name, T? value)
        where T : struct
    {
        if (value is { } given)
        {
            fields[name] = JsonValue.Create(given);
        }
    }

    /// <summary>The request without its seeds and labels.</summary>
    public SampleRequest Read(ParseResult parsed, LoadedModel model)
    {
        var standard = model.Manifest.Sampling;
        return new SampleRequest
        {
            Seeds = [],
            Steps = parsed.GetValue(steps) ?? standard.Steps,
            Guidance = parsed.GetValue(guidance) ?? (model.Ensemble.Conditional ? standard.Guidance : 1),
            Solver = parsed.GetValue(solver) ?? standard.Solver,
            Shift = parsed.GetValue(shift) ?? standard.Shift,
            Strategy = RoutingStrategy.Parse(parsed.GetValue(strategy) ?? model.Manifest.Routing),
            GuidanceRouting = parsed.GetValue(guidanceRouting),
        };
    }
}

using System.Text.Json;
using System.Text.Json.Nodes;
using Ddm.Diffusion;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>The JSON files of an export.</summary>
internal static class ExportIndex
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, NewLine = "\n", Encoder = BlobJson.Options.Encoder };

    /// <summary>The facts about a model as a whole.</summary>
    /// <param name="model">The model.</param>
    /// <param name="networks">Configs of the parts by name, of a flat export; null: they lie beside their weights.</param>
    public static JsonObject Of(ModelManifest model, IEnumerable<ExportPart>? networks)
    {
        var index = new JsonObject
        {
            ["_class_name"] = "DDMPipeline",
            ["num_experts"] = model.Experts.Count,
            ["expert_architecture"] = Architecture(ModelLoader.Shape(model, model.Experts[0], model.Expert)),
            ["router_architecture"] = model.Router.Weights is null ? null : Architecture(ModelLoader.Shape(model, model.Router, model.RouterNetwork)),
            ["image_size"] = model.ImageSize,
            ["image_channels"] = model.Channels,
            ["scheduler"] = networks is null ? new JsonArray("diffusers", "FlowMatchEulerDiscreteScheduler") : Scheduler(model),
            [EnsembleFacts.Key] = JsonObject.Create(EnsembleFacts.Of(model).ToJson()),
        };
        if (networks is not null)
        {
            index["networks"] = new JsonObject(networks.Where(part => part.Config is not null).Select(part => KeyValuePair.Create(part.Name, (JsonNode?)part.Config!.DeepClone())));
        }

        return index;
    }

    /// <summary>The solver's grid as diffusers names it: Euler, t' = s t / (1 + (s - 1) t).</summary>
    public static JsonObject Scheduler(ModelManifest model)
        => new() { ["_class_name"] = "FlowMatchEulerDiscreteScheduler", ["num_train_timesteps"] = 1000, ["shift"] = model.Sampling.Shift };

    /// <summary>Writes a JSON file, indented.</summary>
    public static Task WriteAsync(string file, JsonObject json, CancellationToken cancellationToken) => File.WriteAllTextAsync(file, json.ToJsonString(Readable) + "\n", cancellationToken);

    private static string Architecture(DiTConfig shape) => shape.Text is null ? "dit" : "dit-cross-attention";
}

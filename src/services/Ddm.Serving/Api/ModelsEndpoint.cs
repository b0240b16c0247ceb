using Ddm.Runs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Serving;

/// <summary><c>GET /v1/models</c>: OpenAI's fields, then what a client may ask the model for.</summary>
internal static class ModelsEndpoint
{
    /// <summary>Maps it.</summary>
    public static void Map(IEndpointRouteBuilder models)
    {
        models.MapGet("/", (ModelShelf shelf) => TypedResults.Json(new { @object = "list", data = shelf.Models.Select(Describe).ToArray() }, GatewayApi.Json)).WithName("listModels");
        models.MapGet("/{name}", (string name, ModelShelf shelf) => shelf.Models.FirstOrDefault(model => model.Manifest.Name == name) is { } model
            ? TypedResults.Json(Describe(model), GatewayApi.Json)
            : throw new GatewayException(StatusCodes.Status404NotFound, $"There is no model '{Printable.Text(name)}'.", "model", "model_not_found")).WithName("retrieveModel");
    }

    private static object Describe(ServedModel model)
    {
        var manifest = model.Manifest;
        return new
        {
            id = manifest.Name,
            @object = "model",
            created = manifest.PublishedAt.ToUnixTimeSeconds(),
            owned_by = "ddm",
            version = manifest.Version,
            sha256 = model.Sha256,
            size = FormattableString.Invariant($"{manifest.ImageSize}x{manifest.ImageSize}"),
            experts = manifest.Experts.Count,
            condition = model.Loaded.Captions is not null ? "caption" : model.Loaded.Ensemble.NullLabel is not null ? "class" : "none",
            classes = manifest.ClassNames,
            defaults = new
            {
                strategy = manifest.Routing,
                num_inference_steps = manifest.Sampling.Steps,
                guidance_scale = model.Loaded.Ensemble.Conditional ? manifest.Sampling.Guidance : 1,
                solver = manifest.Sampling.Solver == Solver.Heun ? "heun" : "euler",
                shift = manifest.Sampling.Shift,
            },
            notices = model.Loaded.Notices,
        };
    }
}

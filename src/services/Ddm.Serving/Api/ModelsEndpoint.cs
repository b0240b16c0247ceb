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
        models.MapGet("/", (ModelShelf shelf) => TypedResults.Json(new ModelList([.. shelf.Models.Select(ModelAnswer.Of)]), GatewayApi.Json))
            .WithName("listModels")
            .WithSummary("The models that are served")
            .Produces<ModelList>();
        models.MapGet("/{name}", (string name, ModelShelf shelf) => shelf.Models.FirstOrDefault(model => model.Manifest.Name == name) is { } model
            ? TypedResults.Json(ModelAnswer.Of(model), GatewayApi.Json)
            : throw new GatewayException(StatusCodes.Status404NotFound, $"There is no model '{Printable.Text(name)}'.", "model", "model_not_found"))
            .WithName("retrieveModel")
            .WithSummary("One model")
            .Produces<ModelAnswer>()
            .Refuses(StatusCodes.Status404NotFound);
    }
}

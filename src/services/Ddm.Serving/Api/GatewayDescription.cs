using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using Ddm.Services;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Ddm.Serving;

/// <summary>The OpenAPI document of the gateway: also what a key for requests that are sent again does, and which words a field may have.</summary>
internal sealed class GatewayDescription() : KeyedDescription(
    "DdmAspire inference gateway",
    "Pictures of published models, by OpenAI's images API and extensions. An error names field, value and remedy; all four keys are always there."), IOpenApiSchemaTransformer
{
    /// <inheritdoc/>
    public override Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.Description.ActionDescriptor.EndpointMetadata.OfType<TakesIdempotencyKey>().Any())
        {
            operation.Parameters ??= [];
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = ImagesEndpoint.IdempotencyKey,
                In = ParameterLocation.Header,
                Description = "The same key and body is the same job, for a day; another body is a 409.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, MaxLength = ImageJobs.LongestIdempotencyKey },
            });
        }

        return base.TransformAsync(operation, context, cancellationToken);
    }

    /// <inheritdoc/>
    public Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var words = context.JsonPropertyInfo?.AttributeProvider?.GetCustomAttributes(typeof(AllowedValuesAttribute), inherit: false).OfType<AllowedValuesAttribute>().FirstOrDefault();
        if (words is not null)
        {
            schema.Enum = [.. words.Values.Select(word => (JsonNode)JsonValue.Create((string)word!))];
        }

        return Task.CompletedTask;
    }
}

using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using Ddm.Services;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Ddm.Serving;

/// <summary>What the OpenAPI document says besides what endpoints say of themselves: its title, how keys are brought and where, and which words a field may have.</summary>
internal sealed class GatewayDescription : IOpenApiDocumentTransformer, IOpenApiOperationTransformer, IOpenApiSchemaTransformer
{
    private const string Bearer = "bearer";
    private const string Header = "apiKey";

    /// <inheritdoc/>
    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "DdmAspire inference gateway",
            Version = "v1",
            Description = "Pictures of published models, by OpenAI's images API and extensions. An error names field, value and remedy; all four keys are always there.",
        };
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [Bearer] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "Authorization: Bearer KEY" },
            [Header] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = ApiKeyHandler.Header },
        };
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<IAuthorizeData>().Any() || metadata.OfType<AuthorizationPolicy>().Any())
        {
            operation.Security = [Requirement(Bearer, context.Document), Requirement(Header, context.Document)];
        }

        if (metadata.OfType<TakesIdempotencyKey>().Any())
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

        return Task.CompletedTask;
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

    private static OpenApiSecurityRequirement Requirement(string scheme, OpenApiDocument? document)
        => new() { [new OpenApiSecuritySchemeReference(scheme, document)] = [] };
}

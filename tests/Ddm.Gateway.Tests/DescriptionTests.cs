using System.Net;
using System.Text.Json;
using Ddm.Serving;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ddm.Gateway.Tests;

/// <summary>The OpenAPI document: all that is there and nothing else, with the names that are sent.</summary>
public class DescriptionTests(TinyModel model)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheDocumentIsOfTheRoutesAndOfWhatTheyReadAndSend()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        using var bare = gateway.ClientOf(null);
        var document = JsonDocument.Parse(await bare.GetStringAsync("/openapi/v1.json", Token)).RootElement;
        var operations = document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => (Key: $"{operation.Name} {path.Name.TrimEnd('/')}", operation.Value))).ToDictionary(pair => pair.Key, pair => pair.Value);

        var routes = gateway.Host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(route => route.RoutePattern.RawText!.StartsWith("/v1/", StringComparison.Ordinal))
            .SelectMany(route => route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(method => $"{method.ToLowerInvariant()} {route.RoutePattern.RawText!.TrimEnd('/')}"));
        Assert.Equal(routes.Order(), operations.Keys.Order());
        Assert.Contains("post /v1/images/generations", operations.Keys);
        foreach (var (name, operation) in operations)
        {
            Assert.True(operation.TryGetProperty("operationId", out _) && operation.TryGetProperty("summary", out _), name);
            var responses = operation.GetProperty("responses");
            Assert.True(name == "get /v1/images/files/{id}/{file}" ? !operation.TryGetProperty("security", out _) : operation.GetProperty("security").GetArrayLength() == 2, name);
            foreach (var refusal in responses.EnumerateObject().Where(response => response.Name[0] is '4' or '5'))
            {
                Assert.EndsWith("/ErrorAnswer", refusal.Value.GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("$ref").GetString(), StringComparison.Ordinal);
            }
        }

        Assert.Equal(GenerationParser.Known.Order(), Fields(document, "GenerationBody"));
        Assert.Equal(RoutingFields.Known.Order(), Fields(document, "RoutingBody"));
        Assert.Equal(["png", "jpeg", "webp"], Schema(document, "GenerationBody").GetProperty("properties").GetProperty("output_format").GetProperty("enum").EnumerateArray().Select(word => word.GetString()));
        Assert.Contains("Idempotency-Key", operations["post /v1/images/jobs"].GetProperty("parameters").ToString(), StringComparison.Ordinal);
        Assert.Equal(["code", "message", "param", "type"], Fields(document, "ErrorBody"));

        var answer = await gateway.DrawAsync(new { prompt = "1" });
        Assert.Equal(Fields(document, "ImagesAnswer"), Names(answer));
        Assert.Empty(Names(answer.GetProperty("data")[0]).Except(Fields(document, "ImageData")));
        using var models = await gateway.Client.GetAsync("/v1/models", Token);
        var listed = await GatewayServer.JsonAsync(models, HttpStatusCode.OK);
        Assert.Equal(Fields(document, "ModelList"), Names(listed));
        Assert.Equal(Fields(document, "ModelAnswer"), Names(listed.GetProperty("data")[0]));
        using var submitted = await gateway.SendTextAsync("""{"prompt": "1"}""", "/v1/images/jobs");
        Assert.Empty(Names(await GatewayServer.JsonAsync(submitted, HttpStatusCode.Accepted)).Except(Fields(document, "JobAnswer")));
    }

    private static JsonElement Schema(JsonElement document, string name) => document.GetProperty("components").GetProperty("schemas").GetProperty(name);

    private static string[] Fields(JsonElement document, string name) => Names(Schema(document, name).GetProperty("properties"));

    private static string[] Names(JsonElement json) => [.. json.EnumerateObject().Select(property => property.Name).Order()];
}

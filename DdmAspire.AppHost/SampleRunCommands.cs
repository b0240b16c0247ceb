using System.Net.Http.Headers;

namespace DdmAspire.AppHost;

/// <summary>Buttons of the dashboard that submit and steer the sample run, and links to pages and descriptions of the services.</summary>
internal static class SampleRunCommands
{
    private const string Run = "quickstart";

    /// <summary>Adds them to the control plane.</summary>
    public static IResourceBuilder<ProjectResource> WithSampleRunCommands(this IResourceBuilder<ProjectResource> controlPlane, IResourceBuilder<ParameterResource> apiKey)
    {
        var spec = Path.GetFullPath($"../samples/{Run}.yaml", controlPlane.ApplicationBuilder.AppHostDirectory);
        return controlPlane
            .WithUrlForEndpoint("http", endpoint => Link(endpoint, "/pages/runs", "Runs"))
            .WithUrlForEndpoint("http", endpoint => Link(endpoint, "/openapi/v1.json", "OpenAPI"))
            .WithHttpCommand("/runs", "Submit the sample run", commandName: "submit-sample", commandOptions: Options("Play", async request =>
            {
                request.Request.Content = new StringContent(await File.ReadAllTextAsync(spec, request.CancellationToken));
                request.Request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/yaml");
            }))
            .WithHttpCommand($"/runs/{Run}/pause", "Pause the sample run", commandName: "pause-sample", commandOptions: Options("Pause"))
            .WithHttpCommand($"/runs/{Run}/resume", "Resume the sample run", commandName: "resume-sample", commandOptions: Options("Play"))
            .WithHttpCommand($"/runs/{Run}/cancel", "Cancel the sample run", commandName: "cancel-sample", commandOptions: Options("Stop"));

        HttpCommandOptions Options(string icon, Func<HttpCommandRequestContext, Task>? fill = null) => new()
        {
            Method = HttpMethod.Post,
            IconName = icon,
            PrepareRequest = async request =>
            {
                request.Request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await apiKey.Resource.GetValueAsync(request.CancellationToken));
                if (fill is not null)
                {
                    await fill(request);
                }
            },
        };
    }

    /// <summary>Links of the gateway.</summary>
    public static IResourceBuilder<ProjectResource> WithPlaygroundLinks(this IResourceBuilder<ProjectResource> gateway)
        => gateway.WithUrlForEndpoint("http", endpoint => Link(endpoint, "/pages/playground", "Playground"));

    private static ResourceUrlAnnotation Link(EndpointReference endpoint, string path, string text) => new() { Url = endpoint.Url + path, DisplayText = text };
}

using System.Text.Encodings.Web;
using System.Text.Json;
using Ddm.Pages;
using Ddm.Services;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace Ddm.Serving;

/// <summary>Pictures over HTTP: <c>docs/serving.md</c>.</summary>
public static class GatewayApi
{
    /// <summary>Bytes a second: a body that comes more slowly is not read to its end.</summary>
    private const double SlowestBody = 240;

    private const int MostConnections = 2000;

    /// <summary>OpenAI's names: snake_case.</summary>
    internal static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.General)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.Default,
    };

    /// <summary>What the gateway needs besides a store, the device thread and the model catalogue.</summary>
    public static IServiceCollection AddDdmGateway(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(provider => ServingSettings.From(provider.GetRequiredService<IConfiguration>()));
        services.TryAddSingleton<ModelLoader>();
        services.AddSingleton(provider => FleetSettings.From(provider.GetRequiredService<IConfiguration>())).AddSingleton<ExpertFleet>();
        services.AddSingleton<FleetWatch>().AddHostedService(provider => provider.GetRequiredService<FleetWatch>());
        services.AddSingleton<ModelShelf>().AddSingleton<GenerationParser>().AddSingleton<Generation>().AddSingleton<AuditLog>();
        services.AddSingleton<DrawingEngine>().AddHostedService(provider => provider.GetRequiredService<DrawingEngine>());
        services.AddSingleton<ModelWatch>().AddHostedService(provider => provider.GetRequiredService<ModelWatch>());
        services.AddSingleton<PictureFiles>().AddSingleton<SignedLinks>().AddSingleton<KeyLimits>().AddSingleton<HostGuard>().AddSingleton<ImagesEndpoint>();
        services.AddSingleton<JobStore>().AddSingleton<ImageJobs>().AddSingleton<JobSweep>();
        services.AddSingleton<JobRunner>().AddHostedService(provider => provider.GetRequiredService<JobRunner>());
        services.AddSingleton(provider => ApiSettings.From(
            provider.GetRequiredService<IConfiguration>(), provider.GetRequiredService<ILoggerFactory>().CreateLogger("Ddm.Gateway.Api")));
        services.AddSingleton<WrongKeys>().AddSingleton<PageSessions>();
        services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, ApiKeyHandler>(ApiKeyHandler.SchemeName, null);
        services.AddAuthorization();
        services.AddHealthChecks().AddCheck<ModelWatch>("models", tags: ["ready"]).AddCheck<FleetWatch>("expert-hosts", tags: ["ready"]);
        services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter(ServingTelemetry.Name).AddPrometheusExporter());
        services.AddProblemDetails(); // the error middleware asks for a form, though the handler always has its own
        services.AddExceptionHandler<GatewayErrors>();
        services.AddTransient<IStartupFilter, GatewayStartup>();
        services.AddDdmPages();
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.PropertyNamingPolicy = Json.PropertyNamingPolicy); // the description's names are those that are sent
        services.AddOpenApi(options => options
            .AddDocumentTransformer<GatewayDescription>().AddOperationTransformer<GatewayDescription>().AddSchemaTransformer<GatewayDescription>());
        services.AddOptions<KestrelServerOptions>().Configure<ServingSettings>((options, settings) =>
        {
            options.AddServerHeader = false;
            options.Limits.RequestHeadersTimeout = settings.HeadersTimeout;
            options.Limits.MinRequestBodyDataRate = new MinDataRate(SlowestBody, settings.BodyGrace);
            options.Limits.MaxRequestBodySize = ImagesEndpoint.MostBytes; // also where nothing reads a body
            options.Limits.MaxConcurrentConnections = MostConnections;
        });
        return services;
    }

    /// <summary>Maps <c>/v1</c>, <c>/openapi/v1.json</c> and the pages. Reads the settings, so that a wrong one stops the start.</summary>
    /// <exception cref="Ddm.Runs.UserErrorException">A setting is wrong.</exception>
    public static IEndpointRouteBuilder MapDdmGateway(this IEndpointRouteBuilder endpoints)
    {
        endpoints.ServiceProvider.GetRequiredService<ServingSettings>();
        endpoints.ServiceProvider.GetRequiredService<ApiSettings>();
        endpoints.ServiceProvider.GetRequiredService<FleetSettings>();
        endpoints.MapOpenApi(); // describes, and tells nothing of any model
        if (endpoints.ServiceProvider.GetRequiredService<IConfiguration>()[SettingNames.MetricsPort] is not { Length: > 0 }) // else there, and without a key
        {
            endpoints.MapPrometheusScrapingEndpoint().RequireAuthorization(ApiKeyHandler.ImagesPolicy);
        }

        FilesEndpoint.Map(endpoints);
        var keyed = endpoints.MapGroup("/v1").RequireAuthorization(ApiKeyHandler.ImagesPolicy)
            .Refuses(StatusCodes.Status401Unauthorized, StatusCodes.Status403Forbidden, StatusCodes.Status429TooManyRequests);
        var models = keyed.MapGroup("/models");
        ModelsEndpoint.Map(models);
        CardEndpoint.Map(models);
        var images = keyed.MapGroup("/images");
        ImagesEndpoint.Map(images);
        JobEndpoints.Map(images.MapGroup("/jobs"));
        endpoints.MapDdmPages(PageSet.Playground);
        return endpoints;
    }
}

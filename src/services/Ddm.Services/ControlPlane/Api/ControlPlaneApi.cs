using System.Text.Json;
using System.Text.Json.Serialization;
using Ddm.Storage;
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

namespace Ddm.Services;

/// <summary>The control plane over HTTP: <c>docs/api.md</c>.</summary>
public static class ControlPlaneApi
{
    /// <summary>How long a client may take over its headers; Kestrel's own rates bound bodies and answers.</summary>
    private static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(15);

    private const int MostConnections = 2000;

    /// <summary>What a caller sees is written on one line, else as blobs are.</summary>
    internal static JsonSerializerOptions Json { get; } = new(BlobJson.Options) { WriteIndented = false };

    /// <summary>What the API needs besides the control plane's own services, a store, and settings (<c>Ddm:ApiKeys</c>, <c>Ddm:SourceRoots</c>).</summary>
    public static IServiceCollection AddDdmControlPlaneApi(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(provider => SourceRoots.From(provider.GetRequiredService<IConfiguration>()));
        services.TryAddSingleton<RunIntake>();
        services.TryAddSingleton<RunControl>();
        services.TryAddSingleton<IRunControl>(provider => provider.GetRequiredService<RunControl>());
        services.TryAddSingleton<RunInspector>();
        services.TryAddSingleton<PoolInspector>();
        services.TryAddSingleton<RunFactsCache>();
        services.TryAddSingleton<RunCurves>();
        services.AddSingleton(provider => ApiSettings.From(
            provider.GetRequiredService<IConfiguration>(), provider.GetRequiredService<ILoggerFactory>().CreateLogger("Ddm.Services.Api")));
        services.AddSingleton<WrongKeys>().AddSingleton<PageSessions>();
        services.TryAddSingleton<SliceOffers>();
        services.TryAddSingleton<OutsideLimits>();
        services.TryAddSingleton<IBlobLimits, ClaimLimits>();
        services.TryAddSingleton<OutsideDesk>();
        services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, ApiKeyHandler>(ApiKeyHandler.SchemeName, null);
        services.AddAuthorization();
        services.AddProblemDetails(options => options.CustomizeProblemDetails = ApiErrors.Complete);
        services.AddExceptionHandler<ApiErrors>();
        services.AddTransient<IStartupFilter, ApiStartup>();
        services.ConfigureHttpJsonOptions(options =>
        {
            // What the description says of figures and words must be what is sent.
            options.SerializerOptions.NumberHandling = Json.NumberHandling;
            options.SerializerOptions.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase));
        });
        services.AddOpenApi(options => options.AddDocumentTransformer<ApiDescription>().AddOperationTransformer<ApiDescription>());
        return services.Configure<KestrelServerOptions>(options =>
        {
            options.AddServerHeader = false;
            options.Limits.RequestHeadersTimeout = HeadersTimeout;
            options.Limits.MaxConcurrentConnections = MostConnections;
        });
    }

    /// <summary>Maps <c>/runs</c> and <c>/openapi/v1.json</c>. Reads the settings, so that a wrong one stops the start.</summary>
    /// <exception cref="Ddm.Runs.UserErrorException">A setting is wrong.</exception>
    public static IEndpointRouteBuilder MapDdmControlPlane(this IEndpointRouteBuilder endpoints)
    {
        endpoints.ServiceProvider.GetRequiredService<ApiSettings>();
        endpoints.ServiceProvider.GetRequiredService<SourceRoots>();
        endpoints.MapOpenApi(); // describes, and tells nothing of any run
        var runs = endpoints.MapGroup("/runs").RequireAuthorization(ApiKeyHandler.Policy).WithTags("runs")
            .ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status429TooManyRequests)
            .AddEndpointFilter<KeylessFilter>();
        SubmitEndpoint.Map(runs);
        ListEndpoint.Map(runs);
        var one = runs.MapGroup("/{name}").AddEndpointFilter<KnownRunFilter>()
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound);
        RunEndpoints.Map(one);
        CurveEndpoint.Map(one);
        PictureEndpoints.Map(one);
        EventsEndpoint.Map(one);
        ControlEndpoints.Map(one);
        OutsideEndpoints.Map(endpoints);
        return endpoints;
    }
}

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace DdmAspire.ServiceDefaults;

/// <summary>What every service has: telemetry, health, resilient clients, service discovery.</summary>
public static class ServiceDefaults
{
    /// <summary>Where a service says whether it can work: its broker and its store answer.</summary>
    public const string HealthPath = "/health";

    /// <summary>Where a service says whether it should be restarted: its own main loop, nothing else.</summary>
    public const string AlivePath = "/alive";

    /// <summary>The setting that names a port of its own for <see cref="MetricsPath"/>; unset: metrics go by OTLP alone.</summary>
    public const string MetricsPort = "Ddm:MetricsPort";

    /// <summary>Where Prometheus reads the metrics.</summary>
    public const string MetricsPath = "/metrics";

    private const string OtlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string Ready = "ready";
    private const string Live = "live";

    // What gateways ask expert hosts: a look a second, and a question a step for all requests together, so that it belongs to the trace of none.
    private const string ExpertQuestions = "/ddm.ExpertHost";

    private static readonly string[] Untraced = [HealthPath, AlivePath, MetricsPath, ExpertQuestions];

    /// <summary>Adds them.</summary>
    /// <param name="builder">The service.</param>
    /// <param name="sources">Names of its activity sources and meters.</param>
    public static void AddServiceDefaults(this IHostApplicationBuilder builder, params string[] sources)
    {
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http =>
        {
            http.AddStandardResilienceHandler();
            http.AddServiceDiscovery();
        });
        AddTelemetry(builder, sources);
    }

    /// <summary>Maps <see cref="HealthPath"/>, <see cref="AlivePath"/> and, on its own port, <see cref="MetricsPath"/>, in every environment: probes of a deployed service ask for them too.</summary>
    public static void MapDefaultEndpoints(this WebApplication app)
    {
        app.MapHealthChecks(HealthPath, new HealthCheckOptions
        {
            Predicate = check => check.Tags.Contains(Ready),
            ResultStatusCodes = { [HealthStatus.Degraded] = 503 },
            ResponseWriter = HealthReportWriter.WriteAsync,
        });
        if (app.Configuration.GetValue<int?>(MetricsPort) is { } port)
        {
            // By the port that the connection came in through, not by a header that the other side writes.
            app.UseOpenTelemetryPrometheusScrapingEndpoint(context => context.Connection.LocalPort == port && context.Request.Path == MetricsPath);
        }

        app.MapHealthChecks(AlivePath, new HealthCheckOptions { Predicate = check => check.Tags.Contains(Live), ResponseWriter = HealthReportWriter.WriteAsync });
    }

    private static void AddTelemetry(IHostApplicationBuilder builder, string[] sources)
    {
        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });
        var telemetry = builder.Services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics.AddAspNetCoreInstrumentation().AddHttpClientInstrumentation().AddRuntimeInstrumentation().AddMeter(sources))
            .WithTracing(tracing => tracing
                .AddSource([builder.Environment.ApplicationName, .. sources])
                .AddAspNetCoreInstrumentation(options => options.Filter = context => IsTraced(context.Request.Path))
                .AddHttpClientInstrumentation(options => options.FilterHttpRequestMessage = request => request.RequestUri is not { } asked || IsTraced(asked.AbsolutePath)));
        if (builder.Configuration.GetValue<int?>(MetricsPort) is not null)
        {
            telemetry.WithMetrics(metrics => metrics.AddPrometheusExporter());
        }

        if (!string.IsNullOrWhiteSpace(builder.Configuration[OtlpEndpoint]))
        {
            telemetry.UseOtlpExporter();
        }
    }

    // A trace every few seconds of every probe would bury the others.
    private static bool IsTraced(Microsoft.AspNetCore.Http.PathString path) => !Untraced.Any(start => path.StartsWithSegments(start, StringComparison.Ordinal));
}

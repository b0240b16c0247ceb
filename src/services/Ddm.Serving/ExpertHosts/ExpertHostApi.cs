using Ddm.Services;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Ddm.Serving;

/// <summary>An expert host: <c>docs/serving.md</c>.</summary>
public static class ExpertHostApi
{
    /// <summary>What it needs besides a store, the device thread and the model catalogue; and a port of its own for HTTP/2.</summary>
    /// <exception cref="Ddm.Runs.UserErrorException">A setting is wrong.</exception>
    public static WebApplicationBuilder AddDdmExpertHost(this WebApplicationBuilder builder)
    {
        var (services, settings) = (builder.Services, ExpertHostSettings.From(builder.Configuration));
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(settings).AddSingleton<ModelLoader>().AddSingleton<ExpertHostLoad>().AddSingleton<ExpertHostService>();
        services.AddSingleton<HostedExperts>().AddHostedService(provider => provider.GetRequiredService<HostedExperts>());
        services.AddSingleton(provider => ApiSettings.From(
            provider.GetRequiredService<IConfiguration>(), provider.GetRequiredService<ILoggerFactory>().CreateLogger("Ddm.ExpertHost.Api")));
        services.AddSingleton<WrongKeys>();
        services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, ApiKeyHandler>(ApiKeyHandler.SchemeName, null);
        services.AddAuthorization();
        services.AddHealthChecks().AddCheck<HostedExperts>("experts", tags: ["ready"]);
        services.AddGrpc(options => (options.MaxReceiveMessageSize, options.MaxSendMessageSize) = (ExpertWire.MostBytes, ExpertWire.MostBytes));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<ExpertHostService>, ExpertHostMethods>());
        if (!builder.Configuration.GetSection("Kestrel:Endpoints").Exists())
        {
            builder.WebHost.UseUrls([.. Pages(builder.Configuration), settings.Listen.GetLeftPart(UriPartial.Authority)]);
        }

        services.Configure<KestrelServerOptions>(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = ExpertWire.MostBytes + 1024;

            // Without TLS nothing tells the two protocols apart, so that each has its port.
            options.ConfigureEndpointDefaults(listen => listen.Protocols = listen.IPEndPoint?.Port == settings.Listen.Port ? HttpProtocols.Http2 : HttpProtocols.Http1);
        });
        return builder;
    }

    /// <summary>Maps the calls. Reads the keys, so that a wrong one stops the start.</summary>
    /// <exception cref="Ddm.Runs.UserErrorException">A setting is wrong.</exception>
    public static WebApplication MapDdmExpertHost(this WebApplication app)
    {
        app.Services.GetRequiredService<ApiSettings>();
        app.MapGrpcService<ExpertHostService>().RequireAuthorization(ApiKeyHandler.ExpertsPolicy);
        return app;
    }

    // As the host is told, in either way: addresses that are added to ports would replace them.
    private static IEnumerable<string> Pages(ConfigurationManager configuration)
        => configuration["urls"] is { Length: > 0 } urls ? urls.Split(';', StringSplitOptions.RemoveEmptyEntries)
            : (configuration["http_ports"] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(port => $"http://*:{port}");
}

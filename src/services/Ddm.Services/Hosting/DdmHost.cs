using System.Globalization;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Ddm.Services;

/// <summary>What the hosts have in common: a service is its parts and a port.</summary>
public static class DdmHost
{
    private const int UserError = 2;

    /// <summary>Runs a service until it is told to stop.</summary>
    /// <param name="args">Of the command line: settings as <c>--Ddm:Pool=a100</c>.</param>
    /// <param name="port">Where it answers on this machine unless <c>urls</c> or <c>ASPNETCORE_*</c> say otherwise.</param>
    /// <param name="parts">What it does; null: it hears no queue, and needs no broker.</param>
    /// <param name="prepare">What every service has besides: telemetry, health.</param>
    /// <param name="map">Its endpoints.</param>
    /// <returns>The exit code: 2 for settings that its user has to mend.</returns>
    public static async Task<int> RunAsync(
        string[] args, int port, Action<DdmBuilder>? parts, Action<WebApplicationBuilder> prepare, Action<WebApplication> map)
    {
        try
        {
            TorchNative.EnsureLoaded(); // before anything touches torch
            var builder = WebApplication.CreateBuilder(args);
            ListenHere(builder, port);
            ListenForMetrics(builder, WorkerSettingsReader.ReadMetricsPort(builder.Configuration));
            prepare(builder);
            using var server = await AddDdmAsync(builder, parts);
            await using var app = builder.Build();
            app.Services.GetRequiredService<GpuMeter>(); // from now on it is asked
            var stop = app.Services.GetRequiredService<StopSignal>();
            app.Lifetime.ApplicationStopping.Register(stop.Raise); // at once: the running slice winds down while the rest is being stopped
            map(app);
            await app.RunAsync();
            return 0;
        }
        catch (UserErrorException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return UserError;
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            await Console.Error.WriteLineAsync($"{e.Message} Another program listens there; say --urls http://127.0.0.1:PORT.");
            return UserError;
        }
    }

    // The connection that an outside worker has; null for a service that has broker and store.
    private static async Task<ServerConnection?> AddDdmAsync(WebApplicationBuilder builder, Action<DdmBuilder>? parts)
    {
        var (configuration, services) = (builder.Configuration, builder.Services);
        var settings = WorkerSettingsReader.Read(configuration);
        services.AddSingleton<MainLoopWatchdog>().AddHostedService(provider => provider.GetRequiredService<MainLoopWatchdog>());
        services.AddSingleton<IGpuMemory, NvidiaManagement>().AddSingleton<GpuMeter>();
        services.AddHealthChecks().AddCheck<MainLoopWatchdog>("main-loop", tags: ["live"]);
        if (parts is not null && ServerAddress.From(configuration) is { } address)
        {
            return await AddOutsideAsync(services, settings, address, parts);
        }

        var broker = parts is null ? null : BrokerAddress.Parse(configuration["ConnectionStrings:messaging"]);
        var store = BlobStores.Open(configuration[BlobStores.Setting]);
        var worker = WorkerIdentity.Service(settings.Worker ?? Environment.MachineName, Environment.ProcessId, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        services.AddHealthChecks().AddCheck<StoreHealthCheck>("store", tags: ["ready"]);
        if (parts is null)
        {
            services.AddDdmModels(store, worker, new StopSignal(), settings);
            return null;
        }

        services.AddSingleton<RoleAges>().AddSingleton<ServiceProgress>().AddSingleton<IRunProgress>(provider => provider.GetRequiredService<ServiceProgress>());
        services.AddHostedService(provider => provider.GetRequiredService<ServiceProgress>());
        var ddm = services.AddDdm(store, worker, new StopSignal(), settings);
        parts(ddm);
        ddm.OverRabbitMq(broker!, new BrokerSettings(WorkerSettingsReader.ReadManagement(configuration)));
        return null;
    }

    private static async Task<ServerConnection> AddOutsideAsync(IServiceCollection services, WorkerSettings settings, ServerAddress address, Action<DdmBuilder> parts)
    {
        var server = new ServerConnection(address, TimeProvider.System);
        var session = await OutsideSession.JoinAsync(
            server, settings, settings.Worker ?? Environment.MachineName, Environment.ProcessId, TimeProvider.System, Console.Error.WriteLine, CancellationToken.None);
        services.AddSingleton<OutsideProgress>().AddSingleton<IRunProgress>(provider => provider.GetRequiredService<OutsideProgress>());
        services.AddHostedService(provider => provider.GetRequiredService<OutsideProgress>());
        services.AddHealthChecks().AddCheck<ServerHealthCheck>("control-plane", tags: ["ready"]);
        var told = settings with { OwnerTimeout = TimeSpan.FromSeconds(session.Welcome.OwnerTimeoutSeconds) }; // by which it is judged
        var ddm = services.AddDdm(OutsideBlobs.Open(server, session, TimeProvider.System), session.Identity, new StopSignal(), told);
        parts(ddm);
        ddm.OverHttps(server, session);
        return server;
    }

    private static void ListenHere(WebApplicationBuilder builder, int port)
    {
        string[] settings = ["urls", "http_ports", "https_ports"];
        if (settings.All(setting => string.IsNullOrEmpty(builder.Configuration[setting])) && !builder.Configuration.GetSection("Kestrel:Endpoints").Exists())
        {
            builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        }
    }

    // Beside its other addresses: metrics need no key, so that they must not be where the API is.
    private static void ListenForMetrics(WebApplicationBuilder builder, int? port)
    {
        if (port is null)
        {
            return;
        }

        var ports = (builder.Configuration["http_ports"] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var urls = builder.Configuration["urls"] is { Length: > 0 } said ? said : string.Join(';', ports.Select(own => $"http://*:{own}"));
        builder.WebHost.UseUrls($"{urls};{string.Create(CultureInfo.InvariantCulture, $"http://*:{port}")}");
    }
}

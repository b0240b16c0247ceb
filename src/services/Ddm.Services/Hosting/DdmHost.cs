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
    /// <param name="parts">What it does.</param>
    /// <param name="prepare">What every service has besides: telemetry, health.</param>
    /// <param name="map">Its endpoints.</param>
    /// <returns>The exit code: 2 for settings that its user has to mend.</returns>
    public static async Task<int> RunAsync(
        string[] args, int port, Action<DdmBuilder> parts, Action<WebApplicationBuilder> prepare, Action<WebApplication> map)
    {
        try
        {
            TorchNative.EnsureLoaded(); // before anything touches torch
            var builder = WebApplication.CreateBuilder(args);
            ListenHere(builder, port);
            ListenForMetrics(builder, WorkerSettingsReader.ReadMetricsPort(builder.Configuration));
            prepare(builder);
            AddDdm(builder, parts);
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

    private static void AddDdm(WebApplicationBuilder builder, Action<DdmBuilder> parts)
    {
        var (configuration, services) = (builder.Configuration, builder.Services);
        var settings = WorkerSettingsReader.Read(configuration);
        var broker = BrokerAddress.Parse(configuration["ConnectionStrings:messaging"]);
        var store = BlobStores.Open(configuration[BlobStores.Setting]);
        var worker = WorkerIdentity.Service(settings.Worker ?? Environment.MachineName, Environment.ProcessId, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        services.AddSingleton<RoleAges>().AddSingleton<ServiceProgress>().AddSingleton<IRunProgress>(provider => provider.GetRequiredService<ServiceProgress>());
        services.AddHostedService(provider => provider.GetRequiredService<ServiceProgress>());
        services.AddSingleton<MainLoopWatchdog>().AddHostedService(provider => provider.GetRequiredService<MainLoopWatchdog>());
        services.AddSingleton<IGpuMemory, NvidiaManagement>().AddSingleton<GpuMeter>();
        services.AddHealthChecks()
            .AddCheck<StoreHealthCheck>("store", tags: ["ready"])
            .AddCheck<MainLoopWatchdog>("main-loop", tags: ["live"]);
        var ddm = services.AddDdm(store, worker, new StopSignal(), settings);
        parts(ddm);
        ddm.OverRabbitMq(broker, new BrokerSettings(WorkerSettingsReader.ReadManagement(configuration)));
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

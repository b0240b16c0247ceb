using Ddm.Services;
using Ddm.Storage;
using Ddm.Tensors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ddm.Serving;

/// <summary>A server in this process over a store, which answers when it has looked at the store's models.</summary>
internal static class StoreHost
{
    /// <summary>Starts it.</summary>
    /// <param name="blobs">The store.</param>
    /// <param name="configuration">Settings.</param>
    /// <param name="logging">Where logs go.</param>
    /// <param name="add">Its services, and where it listens.</param>
    /// <param name="map">Its addresses.</param>
    /// <param name="looked">Ends when it has looked.</param>
    /// <param name="cancellationToken">Stops the start.</param>
    /// <exception cref="Ddm.Runs.UserErrorException">A setting is wrong.</exception>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<WebApplication> StartAsync(
        IBlobStore blobs, IReadOnlyDictionary<string, string?> configuration, Action<ILoggingBuilder> logging, Action<WebApplicationBuilder> add, Action<WebApplication> map,
        Func<IServiceProvider, Task> looked, CancellationToken cancellationToken)
    {
        TorchNative.EnsureLoaded(); // before anything touches torch
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Configuration.AddInMemoryCollection(configuration);
        logging(builder.Logging);
        builder.Services.AddRouting();
        var worker = WorkerIdentity.Service(Environment.MachineName, Environment.ProcessId, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        builder.Services.AddDdmModels(blobs, worker, new StopSignal(), new WorkerSettings());
        add(builder);
        var app = builder.Build();
        try
        {
            map(app);
            await app.StartAsync(cancellationToken);
            await looked(app.Services).WaitAsync(cancellationToken);
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Where it answers.</summary>
    public static Uri AddressOf(WebApplication app) => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
}

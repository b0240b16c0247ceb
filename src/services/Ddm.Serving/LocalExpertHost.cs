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

/// <summary>An expert host in this process over a store: what <c>ddm host</c> starts.</summary>
public sealed class LocalExpertHost : IAsyncDisposable
{
    private readonly WebApplication app;

    private LocalExpertHost(WebApplication app)
    {
        this.app = app;
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    /// <summary>Where questions are answered.</summary>
    public Uri Address { get; }

    /// <summary>What it holds, in words; null: nothing.</summary>
    public string? Holding => app.Services.GetRequiredService<HostedExperts>().Holding;

    /// <summary>Why the model's current version is not held; null: it is, or none is published.</summary>
    public string? Refused => app.Services.GetRequiredService<HostedExperts>().Refused;

    /// <summary>Starts it, and loads the experts before it returns, where there are any.</summary>
    /// <param name="blobs">The store.</param>
    /// <param name="configuration">Settings, as the host's own: <c>Ddm:ApiKeys</c>, <c>Ddm:ExpertHost:...</c>.</param>
    /// <param name="logging">Where logs go.</param>
    /// <param name="cancellationToken">Stops the start.</param>
    /// <exception cref="Ddm.Runs.UserErrorException">A setting is wrong.</exception>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<LocalExpertHost> StartAsync(
        IBlobStore blobs, IReadOnlyDictionary<string, string?> configuration, Action<ILoggingBuilder> logging, CancellationToken cancellationToken)
    {
        TorchNative.EnsureLoaded(); // before anything touches torch
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Configuration.AddInMemoryCollection(configuration);
        logging(builder.Logging);
        builder.Services.AddRouting();
        var worker = WorkerIdentity.Service(Environment.MachineName, Environment.ProcessId, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        builder.Services.AddDdmModels(blobs, worker, new StopSignal(), new WorkerSettings());
        builder.AddDdmExpertHost();
        var app = builder.Build();
        try
        {
            app.MapDdmExpertHost();
            await app.StartAsync(cancellationToken);
            await app.Services.GetRequiredService<HostedExperts>().Looked.WaitAsync(cancellationToken);
            return new LocalExpertHost(app);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await app.StopAsync(CancellationToken.None);
        await app.DisposeAsync();
    }
}

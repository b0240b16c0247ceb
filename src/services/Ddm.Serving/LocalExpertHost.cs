using Ddm.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ddm.Serving;

/// <summary>An expert host in this process over a store: what <c>ddm host</c> starts.</summary>
public sealed class LocalExpertHost : IAsyncDisposable
{
    private readonly WebApplication app;

    private LocalExpertHost(WebApplication app) => (this.app, Address) = (app, StoreHost.AddressOf(app));

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
        var app = await StoreHost.StartAsync(
            blobs, configuration, logging, builder => builder.AddDdmExpertHost(), app => app.MapDdmExpertHost(), services => services.GetRequiredService<HostedExperts>().Looked, cancellationToken);
        return new LocalExpertHost(app);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await app.StopAsync(CancellationToken.None);
        await app.DisposeAsync();
    }
}

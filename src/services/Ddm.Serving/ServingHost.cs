using System.Globalization;
using Ddm.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ddm.Serving;

/// <summary>A gateway in this process over a store: what <c>ddm serve</c> and tests start.</summary>
public sealed class ServingHost : IAsyncDisposable
{
    private readonly WebApplication app;

    private ServingHost(WebApplication app) => (this.app, Address) = (app, StoreHost.AddressOf(app));

    /// <summary>Where it answers.</summary>
    public Uri Address { get; }

    /// <summary>The services inside.</summary>
    public IServiceProvider Services => app.Services;

    /// <summary>Starts it, and loads the models before it returns.</summary>
    /// <param name="blobs">The store.</param>
    /// <param name="address">Where to answer: <c>http://127.0.0.1:5090</c>; port 0 takes a free one.</param>
    /// <param name="configuration">Settings, as the host's own: <c>Ddm:ApiKeys</c>, <c>Ddm:Gateway:...</c>.</param>
    /// <param name="logging">Where logs go.</param>
    /// <param name="cancellationToken">Stops the start.</param>
    /// <exception cref="Ddm.Runs.UserErrorException">A setting is wrong.</exception>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<ServingHost> StartAsync(
        IBlobStore blobs, string address, IReadOnlyDictionary<string, string?> configuration, Action<ILoggingBuilder> logging, CancellationToken cancellationToken)
    {
        var app = await StoreHost.StartAsync(
            blobs, configuration, logging, Add, app => app.MapDdmGateway(), services => services.GetRequiredService<ModelWatch>().Looked, cancellationToken);
        return new ServingHost(app);

        void Add(WebApplicationBuilder builder)
        {
            builder.WebHost.UseUrls(address);
            builder.Services.AddDdmGateway();
        }
    }

    /// <summary>What is served, a line a model; and why others are not.</summary>
    public (IReadOnlyList<string> Served, IReadOnlyList<string> Refused) Describe()
    {
        var shelf = app.Services.GetRequiredService<ModelShelf>();
        return (
            [.. shelf.Models.Select(model => string.Create(CultureInfo.InvariantCulture, $"{model.Manifest.Name}/{model.Manifest.Version}: {model.Manifest.Experts.Count} experts, {model.Manifest.ImageSize} x {model.Manifest.ImageSize}"))],
            [.. shelf.Refused.Select(pair => $"{pair.Key}: {pair.Value}")]);
    }

    /// <summary>Takes in no more, lets requests under way end, and puts jobs back into the queue.</summary>
    public Task StopAsync() => app.StopAsync(CancellationToken.None);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await app.DisposeAsync();
    }
}

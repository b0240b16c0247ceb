using System.Globalization;
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

/// <summary>A gateway in this process over a store: what <c>ddm serve</c> and tests start.</summary>
public sealed class ServingHost : IAsyncDisposable
{
    private readonly WebApplication app;

    private ServingHost(WebApplication app)
    {
        this.app = app;
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

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
        TorchNative.EnsureLoaded(); // before anything touches torch
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls(address);
        builder.Configuration.AddInMemoryCollection(configuration);
        logging(builder.Logging);
        builder.Services.AddRouting();
        var worker = WorkerIdentity.Service(Environment.MachineName, Environment.ProcessId, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        builder.Services.AddDdmModels(blobs, worker, new StopSignal(), new WorkerSettings());
        builder.Services.AddDdmGateway();
        var app = builder.Build();
        try
        {
            app.MapDdmGateway();
            await app.StartAsync(cancellationToken);
            await app.Services.GetRequiredService<ModelWatch>().Looked.WaitAsync(cancellationToken);
            return new ServingHost(app);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
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

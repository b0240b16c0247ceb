using Ddm.Runs;
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

namespace Ddm.Tests;

/// <summary>The API on a port of its own, before every service of the embedded dress and a store in a folder.</summary>
internal sealed class ApiServer : IAsyncDisposable
{
    public const string Key = "a-key-of-the-tests-0123456789";
    private readonly WebApplication app;
    private readonly StopSignal stop;

    private ApiServer(WebApplication app, StopSignal stop)
    {
        (this.app, this.stop) = (app, stop);
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        Client = new HttpClient { BaseAddress = Address };
        Client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
    }

    public Uri Address { get; }

    /// <summary>A client with the key.</summary>
    public HttpClient Client { get; }

    public IServiceProvider Services => app.Services;

    public static async Task<ApiServer> StartAsync(
        IBlobStore blobs, string? sourceRoot, int port = 0, IReadOnlyDictionary<string, string?>? settings = null, IRunProgress? progress = null,
        Action<IServiceCollection>? add = null, Action<WebApplication>? map = null, CancellationToken cancellationToken = default)
    {
        TorchNative.EnsureLoaded();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls($"http://127.0.0.1:{port}");
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(settings ?? new Dictionary<string, string?>())
        {
            ["Ddm:SourceRoots"] = sourceRoot,
        });
        if (settings is null)
        {
            builder.Configuration["Ddm:ApiKeys:0"] = Key;
        }

        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        var stop = new StopSignal();
        var worker = WorkerIdentity.Embedded("test", Environment.ProcessId, 1);
        builder.Services.AddRouting();
        builder.Services.AddEmbeddedDdm(blobs, worker, progress ?? new Silent(), stop).AddDdmControlPlaneApi();
        add?.Invoke(builder.Services);
        var app = builder.Build();
        app.MapDdmControlPlane();
        map?.Invoke(app);
        await app.StartAsync(cancellationToken);
        return new ApiServer(app, stop);
    }

    /// <summary>What a periodic look at all runs would do.</summary>
    public Task WakeAsync(string run) => Services.GetRequiredService<ICommandSender>().AdvancedAsync(run, CancellationToken.None);

    public Task StopAsync() => app.StopAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        stop.Raise();
        await StopAsync();
        await app.DisposeAsync();
        stop.Dispose();
    }

    private sealed class Silent : IRunProgress
    {
        public void Stage(RunStage stage, int done, int total)
        {
        }

        public void Training(TrainingProgress progress)
        {
        }

        public void Notice(string message)
        {
        }

        public void Ended(RunDocument document)
        {
        }
    }
}

using System.Globalization;
using Ddm.Services;
using Ddm.Serving;
using Ddm.Storage;
using Ddm.Tensors;
using Ddm.Tests;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ddm.Gateway.Tests;

/// <summary>An expert host in this process, on a port of its own.</summary>
internal sealed class ExpertHostServer : IAsyncDisposable
{
    public const string Key = "a-key-of-the-expert-hosts-in-tests";
    private static readonly TimeSpan LongestStart = TimeSpan.FromSeconds(30);

    private readonly WebApplication app;

    private ExpertHostServer(WebApplication app, int port) => (this.app, Port) = (app, port);

    public int Port { get; }

    public string Address => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}");

    public DeviceThread Device => app.Services.GetRequiredService<DeviceThread>();

    public HostedExperts Experts => app.Services.GetRequiredService<HostedExperts>();

    public ExpertHostLoad Load => app.Services.GetRequiredService<ExpertHostLoad>();

    public static Task<ExpertHostServer> StartAsync(string home, string experts, int? port = null, params (string Setting, string Value)[] settings)
        => StartAsync(home, experts, port, (context, answer) => answer(context), settings);

    /// <summary>One of whose questions the test decides when they are answered.</summary>
    /// <param name="home">The store's folder.</param>
    /// <param name="experts">Which it holds.</param>
    /// <param name="around">Runs around every answer with velocities.</param>
    public static Task<ExpertHostServer> StartAsync(string home, string experts, Func<HttpContext, RequestDelegate, Task> around) => StartAsync(home, experts, null, around, []);

    private static async Task<ExpertHostServer> StartAsync(
        string home, string experts, int? port, Func<HttpContext, RequestDelegate, Task> around, (string Setting, string Value)[] settings)
    {
        TorchNative.EnsureLoaded();
        var listen = port ?? LoopbackPort.Free(1)[0];
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        foreach (var (setting, value) in new[]
        {
            ("Ddm:ApiKeys:0", "experts:" + Key), ("Ddm:ApiKeys:1", "images:" + GatewayServer.Key), ("Ddm:ExpertHost:Model", TinyModel.Name), ("Ddm:ExpertHost:Experts", experts),
            ("Ddm:ExpertHost:Listen", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{listen}")), ("Ddm:ExpertHost:PollEvery", "00:00:00.1"),
        }.Concat(settings))
        {
            builder.Configuration[setting] = value;
        }

        var worker = WorkerIdentity.Service("host-" + experts, Environment.ProcessId, listen);
        builder.Services.AddDdmModels(new FileBlobStore(home), worker, new StopSignal(), new WorkerSettings());
        builder.AddDdmExpertHost();
        var host = new ExpertHostServer(builder.Build(), listen);
        host.app.UseWhen(context => context.Request.Path.Value!.EndsWith("/Velocity", StringComparison.Ordinal), asked => asked.Use(around));
        host.app.MapDdmExpertHost();
        await host.app.StartAsync(TestContext.Current.CancellationToken);
        await Waiting.ForAsync("the host holds its experts", LongestStart, _ => Task.FromResult(host.Experts.Held.Count > 0));
        return host;
    }

    /// <summary>A channel to it, without a key.</summary>
    public GrpcChannel Channel() => GrpcChannel.ForAddress(Address);

    /// <summary>Settings of a gateway over hosts.</summary>
    public static (string Setting, string Value)[] Over(params ExpertHostServer[] hosts)
        => [("Ddm:ExpertHosts:Addresses", string.Join(';', hosts.Select(host => host.Address))), ("Ddm:ExpertHosts:Key", Key), ("Ddm:ExpertHosts:ProbeEvery", "00:00:00.1")];

    /// <summary>Keeps its device from answering until it is disposed: a host that is slow, not dead.</summary>
    public IDisposable Block()
    {
        var gate = new ManualResetEventSlim();
        _ = Device.RunAsync(() => gate.Wait(TimeSpan.FromMinutes(1), CancellationToken.None));
        return new Gate(gate);
    }

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(1)); // as a process that is killed: nobody is answered to the end
        await app.StopAsync(patience.Token);
        await app.DisposeAsync();
    }

    private sealed class Gate(ManualResetEventSlim gate) : IDisposable
    {
        public void Dispose() => gate.Set();
    }
}

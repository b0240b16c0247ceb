using Ddm.Runs;
using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

/// <summary>The services of a small installation, each a process: they share a broker and a store and nothing else.</summary>
internal sealed class ServiceCluster : IAsyncDisposable
{
    public const string ApiKey = "a-key-of-the-tests-that-is-long-enough-0123456789";

    /// <summary>An outside worker's key, whose it is, and the only pool that it opens.</summary>
    public const string OutsideKey = "a-worker-key-of-the-tests-0123456789", OutsideHolder = "anna", OutsidePool = "home";

    private readonly List<ServiceProcess> processes = [];
    private readonly List<(string Pool, ServiceProcess Process)> pools = [];
    private readonly Dictionary<string, string> settings;

    public ServiceCluster(string broker, string store, string sources, params (string Setting, string Value)[] more)
    {
        settings = new Dictionary<string, string>
        {
            ["ConnectionStrings:messaging"] = broker,
            ["ConnectionStrings:blobs"] = store,
            ["Ddm:SourceRoots:0"] = sources,
            ["Ddm:ApiKeys:0"] = ApiKey,
            ["Ddm:WorkerKeys:0"] = $"{OutsideHolder}@{OutsidePool}={OutsideKey}",
            ["Ddm:ReconcileEvery"] = "00:00:02",
            ["Ddm:OwnerTimeout"] = "00:00:10",
            ["Ddm:ResendAfter"] = "00:00:10",
            ["Ddm:LocalFolder"] = "none",
            ["DOTNET_gcServer"] = "0",
            ["DOTNET_TieredPGO"] = "0", // they live too briefly to win by it
            ["Logging:LogLevel:Default"] = "Information",
        };
        foreach (var (setting, value) in more)
        {
            settings[setting] = value;
        }
    }

    public IReadOnlyList<ServiceProcess> Processes => processes;

    public ServiceProcess ControlPlane => processes.First(process => process.Name == "ControlPlane" && !process.HasExited);

    /// <summary>What every process has said, for a failure's message.</summary>
    public string Output => string.Join(Environment.NewLine, processes.Select(process => $"--- {process.Name}{Environment.NewLine}{process.Output}"));

    /// <summary>Starts one more.</summary>
    public ServiceProcess Start(string name, string? pool = null)
    {
        var own = pool is null ? settings : new Dictionary<string, string>(settings) { ["Ddm:Pool"] = pool };
        var process = ServiceProcess.Start(name, own);
        processes.Add(process);
        if (pool is not null)
        {
            pools.Add((pool, process));
        }

        return process;
    }

    /// <summary>Starts a control plane again, where the other was.</summary>
    public ServiceProcess Restart(ServiceProcess ended)
    {
        var process = ServiceProcess.Start(ended.Name, settings, ended.Port);
        processes.Add(process);
        return process;
    }

    /// <summary>Starts a trainer that knows a control plane's address and a key, and nothing else.</summary>
    public ServiceProcess StartOutside(string key = OutsideKey, string pool = OutsidePool, string share = "1")
    {
        var process = ServiceProcess.Start("ExpertTrainer", new Dictionary<string, string>
        {
            ["ConnectionStrings:controlplane"] = ControlPlane.Address,
            ["Ddm:ApiKey"] = key,
            ["Ddm:Pool"] = pool,
            ["Ddm:DeviceShare"] = share,
            ["Ddm:LocalFolder"] = "none",
            ["ASPNETCORE_ENVIRONMENT"] = "Development", // there its parts are looked at when they are put together
            ["DOTNET_gcServer"] = "0",
            ["DOTNET_TieredPGO"] = "0",
        });
        processes.Add(process);
        return process;
    }

    /// <summary>Those that were told to work in a pool.</summary>
    public IEnumerable<ServiceProcess> In(string pool) => pools.Where(known => known.Pool == pool).Select(known => known.Process);

    /// <summary>Starts one of each, but three expert trainers in the pool that a worker belongs to by default, and waits until all are ready.</summary>
    public Task StartAllAsync() => StartAllAsync(PoolName.Local, PoolName.Local, PoolName.Local);

    /// <summary>Starts one of each, but an expert trainer in each of the pools <paramref name="trainers"/>, and waits until all are ready.</summary>
    public async Task StartAllAsync(params string[] trainers)
    {
        foreach (var name in (string[])["ControlPlane", "FeatureExtractor", "Clusterer", "RouterTrainer"])
        {
            Start(name);
        }

        Array.ForEach(trainers, pool => Start("ExpertTrainer", pool));
        await Task.WhenAll(processes.Select(process => process.ReadyAsync()));
    }

    /// <summary>Ends all that still run, in order.</summary>
    /// <returns>The exit code of each.</returns>
    public Task<int[]> StopAsync() => Task.WhenAll(processes.Where(process => !process.HasExited).Select(process => process.StopAsync()));

    public async ValueTask DisposeAsync() => await Task.WhenAll(processes.Select(process => process.DisposeAsync().AsTask()));
}

using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

/// <summary>The services of a small installation, each a process: they share a broker and a store and nothing else.</summary>
internal sealed class ServiceCluster : IAsyncDisposable
{
    public const string ApiKey = "a-key-of-the-tests-that-is-long-enough-0123456789";

    /// <summary>An outside worker's key, whose it is, and the only pool that it opens.</summary>
    public const string OutsideKey = "a-worker-key-of-the-tests-0123456789", OutsideHolder = "anna", OutsidePool = "home";

    private readonly List<ServiceProcess> processes = [];
    private readonly Dictionary<string, string> settings;

    public ServiceCluster(string broker, string store, string sources)
        => settings = new Dictionary<string, string>
        {
            ["ConnectionStrings:messaging"] = broker,
            ["ConnectionStrings:blobs"] = store,
            ["Ddm:SourceRoots:0"] = sources,
            ["Ddm:ApiKeys:0"] = ApiKey,
            ["Ddm:WorkerKeys:0"] = $"{OutsideHolder}@{OutsidePool}={OutsideKey}",
            ["Ddm:ReconcileEvery"] = "00:00:02",
            ["Ddm:OwnerTimeout"] = "00:00:10",
            ["DOTNET_gcServer"] = "0",
            ["Logging:LogLevel:Default"] = "Information",
        };

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
    public ServiceProcess StartOutside(string key = OutsideKey, string pool = OutsidePool)
    {
        var process = ServiceProcess.Start("ExpertTrainer", new Dictionary<string, string>
        {
            ["ConnectionStrings:controlplane"] = ControlPlane.Address,
            ["Ddm:ApiKey"] = key,
            ["Ddm:Pool"] = pool,
            ["Ddm:DeviceShare"] = "0.15", // so that there is time to disturb it
            ["DOTNET_gcServer"] = "0",
        });
        processes.Add(process);
        return process;
    }

    /// <summary>Starts one of each, but three expert trainers, and waits until all are ready.</summary>
    public async Task StartAllAsync()
    {
        foreach (var name in (string[])["ControlPlane", "FeatureExtractor", "Clusterer", "RouterTrainer"])
        {
            Start(name);
        }

        Start("ExpertTrainer");
        Start("ExpertTrainer");
        Start("ExpertTrainer");
        foreach (var process in processes)
        {
            await process.ReadyAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in processes)
        {
            await process.DisposeAsync();
        }
    }
}

namespace Ddm.EndToEnd.Tests;

/// <summary>The services of a small installation, each a process: they share a broker and a store and nothing else.</summary>
internal sealed class ServiceCluster : IAsyncDisposable
{
    private readonly List<ServiceProcess> processes = [];
    private readonly Dictionary<string, string> settings;

    public ServiceCluster(string broker, string store, string sources)
        => settings = new Dictionary<string, string>
        {
            ["ConnectionStrings:messaging"] = broker,
            ["ConnectionStrings:blobs"] = store,
            ["Ddm:SourceRoots:0"] = sources,
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

    /// <summary>Starts one of each, three expert trainers in two pools among them, and waits until all are ready.</summary>
    public async Task StartAllAsync()
    {
        foreach (var name in (string[])["ControlPlane", "FeatureExtractor", "Clusterer", "RouterTrainer"])
        {
            Start(name);
        }

        Start("ExpertTrainer", "local");
        Start("ExpertTrainer", "local");
        Start("ExpertTrainer", "local");
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

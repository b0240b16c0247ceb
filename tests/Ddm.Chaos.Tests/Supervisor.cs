using System.Collections.Concurrent;
using System.Globalization;
using Ddm.Tests;

namespace Ddm.Chaos.Tests;

/// <summary>Keeps services running as an orchestrator does: one that ends is started anew.</summary>
internal sealed class Supervisor(IReadOnlyDictionary<string, string> settings, ChaosLog log) : IAsyncDisposable
{
    /// <summary>Environment variable: a folder to keep the logs of all services in.</summary>
    public const string LogsVariable = "DDM_CHAOS_LOGS";

    private readonly ConcurrentQueue<ServiceProcess> all = new();
    private readonly ConcurrentDictionary<int, bool> hit = new();
    private readonly ConcurrentDictionary<ServiceProcess, ServiceProcess> successors = new();
    private readonly List<Task> keeping = [];
    private readonly Lock gate = new();
    private volatile bool hurry;
    private bool ceased;

    /// <summary>Every process there was, the ended ones too.</summary>
    public IReadOnlyCollection<ServiceProcess> All => all;

    /// <summary>Those that run.</summary>
    public IEnumerable<ServiceProcess> Running => all.Where(process => !process.HasExited);

    /// <summary>Ends that no fault asked for.</summary>
    public ConcurrentQueue<string> Surprises { get; } = new();

    /// <summary>The last that every process has said, steps left out, for a failure's message.</summary>
    public string Tail => string.Join(Environment.NewLine, all.Select(process =>
        $"--- {Name(process)}{Environment.NewLine}" + string.Join(Environment.NewLine, process.Lines.Where(line => !line.Contains("Trained", StringComparison.Ordinal)).TakeLast(40))));

    /// <summary>Starts a service and keeps it running.</summary>
    /// <param name="name">The host's name without the product's.</param>
    /// <param name="pool">Whose slices it trains; null: its own default.</param>
    public void Keep(string name, string? pool = null)
    {
        // Each as if on a machine of its own: one whose workers fail again and again is set aside.
        var own = new Dictionary<string, string>(settings) { ["Ddm:Worker"] = string.Create(CultureInfo.InvariantCulture, $"machine-{keeping.Count + 1}") };
        if (pool is not null)
        {
            own["Ddm:Pool"] = pool;
        }

        var first = Start(name, own); // at once: whoever waits for all to be ready must find it
        keeping.Add(Task.Run(() => KeepAsync(first, own)));
    }

    /// <summary>Waits until everything that runs says that it can work, nothing having ended in between.</summary>
    public Task ReadyAsync() => Waiting.ForAsync(
        "all services are ready",
        TimeSpan.FromMinutes(2),
        async token =>
        {
            var running = Running.ToArray();
            var answers = await Task.WhenAll(running.Select(process => process.StatusAsync("/health", token)));
            return running.Length == keeping.Count && answers.All(answer => answer == System.Net.HttpStatusCode.OK);
        },
        () => Tail);

    /// <summary>Waits until a process has ended and the one in its place can work.</summary>
    public Task ReplacedAsync(ServiceProcess ended) => Waiting.ForAsync(
        $"{Name(ended)} is replaced",
        TimeSpan.FromMinutes(2),
        async token => successors.TryGetValue(ended, out var next) && await next.StatusAsync("/health", token) == System.Net.HttpStatusCode.OK,
        () => Tail);

    /// <summary>Replaces the trainers, in order, by ones that have their device to themselves.</summary>
    public async Task HurryAsync()
    {
        hurry = true;
        var trainers = Running.Where(process => process.Name.EndsWith("Trainer", StringComparison.Ordinal)).ToArray();
        Array.ForEach(trainers, trainer => End(trainer, Signals.Terminate));
        await Task.WhenAll(trainers.Select(ReplacedAsync));
        log.Add("trainers have their device to themselves");
    }

    /// <summary>The process of that number, if it runs.</summary>
    public ServiceProcess? Find(int id) => Running.FirstOrDefault(process => process.Id == id);

    /// <summary>Signals a process that is expected to end of it.</summary>
    public void End(ServiceProcess process, int signal)
    {
        hit[process.Id] = true;
        process.Signal(signal);
    }

    /// <summary>Its name and number, for people.</summary>
    public static string Name(ServiceProcess process) => string.Create(CultureInfo.InvariantCulture, $"{process.Name} {process.Id}");

    /// <summary>Whether a name in records and events is that of a process: machine, number, start.</summary>
    public static bool IsOf(string worker, ServiceProcess process) => worker.Contains(string.Create(CultureInfo.InvariantCulture, $":{process.Id}:"), StringComparison.Ordinal);

    /// <summary>Ends all, in order.</summary>
    /// <returns>The exit codes of those that still ran.</returns>
    public Task<int[]> StopAsync()
    {
        Cease();
        return Task.WhenAll(Running.ToArray().Select(process => process.StopAsync()));
    }

    /// <summary>Writes what every process has said into a folder, a file each.</summary>
    public void KeepLogs(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var process in all)
        {
            File.WriteAllLines(Path.Combine(folder, Name(process).Replace(' ', '-') + ".log"), process.Lines);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Cease();
        foreach (var process in all)
        {
            process.Kill();
        }

        await Task.WhenAll(keeping);
        if (Environment.GetEnvironmentVariable(LogsVariable) is { Length: > 0 } folder)
        {
            KeepLogs(folder);
        }

        foreach (var process in all)
        {
            await process.DisposeAsync();
        }
    }

    private void Cease()
    {
        lock (gate)
        {
            ceased = true;
        }
    }

    private ServiceProcess Start(string name, Dictionary<string, string> own)
    {
        own["Ddm:DeviceShare"] = hurry ? "1" : "0.05"; // so that the run lasts for as long as there are faults, without much to train
        var process = ServiceProcess.Start(name, own);
        all.Enqueue(process);
        return process;
    }

    private async Task KeepAsync(ServiceProcess process, Dictionary<string, string> own)
    {
        while (true)
        {
            await process.WaitForEndAsync();
            var end = string.Create(CultureInfo.InvariantCulture, $"{Name(process)} ended with exit code {process.ExitCode}");
            lock (gate)
            {
                if (ceased)
                {
                    return;
                }

                if (!hit.ContainsKey(process.Id))
                {
                    Surprises.Enqueue(end);
                }

                process = successors[process] = Start(process.Name, own);
            }

            log.Add($"  {end}; {Name(process)} takes its place");
        }
    }
}

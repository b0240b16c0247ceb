using System.Globalization;
using Ddm.Runs;

namespace Ddm.Cli;

/// <summary>Everything that <c>ddm up</c> runs, from start to stop.</summary>
internal sealed class UpSession(UpOptions options) : IAsyncDisposable
{
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(0.25);
    private static readonly TimeSpan ServicePatience = TimeSpan.FromSeconds(45); // a running slice commits first
    private static readonly TimeSpan StorePatience = TimeSpan.FromSeconds(20);

    private readonly string folder = Path.Combine(options.Home, "up");
    private readonly List<(LocalProcess Process, ServicePlan Plan)> services = [];
    private LocalProcess? rabbitProcess;
    private LocalProcess? azuriteProcess;
    private readonly LeftPrograms left = new(Path.Combine(options.Home, "up", "programs.json"));
    private LocalRabbit? rabbit;
    private UpGuard? guard;

    /// <summary>Starts all, in the order in which they need each other; returns when all are ready.</summary>
    /// <exception cref="UserErrorException">Something is not installed, or a port is taken.</exception>
    /// <exception cref="IOException">Something ended, or did not become ready in time; the message has its last words.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // What is missing is told before anything is started.
        LocalRabbit.Find();
        if (options.Azurite)
        {
            LocalAzurite.Find();
        }

        var plans = ServicePlan.All(options.Port, options.Pools);
        var commands = plans.Select(plan => ServicePrograms.Command(plan.Program)).ToArray();
        if (await left.StopAsync(ServicePatience) is { Count: > 0 } found)
        {
            Say($"An earlier 'ddm up' was killed; stopped what it had left: {string.Join(", ", found)}.");
        }

        plans.ForEach(plan => UpPorts.Require(plan.Port, plan.Name, "--port"));
        Directory.CreateDirectory(Path.Combine(folder, "log"));
        var ports = UpPorts.Choose(Path.Combine(folder, "ports.json"));

        rabbit = new LocalRabbit(Path.Combine(folder, "rabbitmq"), ports);
        guard = UpGuard.Start(ServicePatience, StorePatience, LocalRabbit.EndNames, rabbit.Environment);
        rabbitProcess = Watch(rabbit.Start(LogOf("rabbitmq")), isStore: true);
        var azurite = new LocalAzurite(Path.Combine(folder, "azurite"), ports);
        azuriteProcess = options.Azurite ? Watch(azurite.Start(LogOf("azurite")), isStore: true) : null;
        await ReadyAsync(rabbitProcess, rabbit.AnswersAsync, $"127.0.0.1:{ports.Broker}", cancellationToken);
        if (azuriteProcess is not null)
        {
            await ReadyAsync(azuriteProcess, azurite.AnswersAsync, $"127.0.0.1:{ports.Blobs}", cancellationToken);
        }

        var store = options.Azurite ? azurite.ConnectionString : options.Home;
        for (var i = 0; i < plans.Count; i++)
        {
            services.Add((Watch(LocalProcess.Start(plans[i].Name, LogOf(plans[i].Name), commands[i], EnvironmentOf(plans[i], store)), isStore: false), plans[i]));
        }

        foreach (var (process, plan) in services)
        {
            await ReadyAsync(process, token => Probe.IsReadyAsync(plan.Port, token), $"http://127.0.0.1:{plan.Port}", cancellationToken);
        }
    }

    /// <summary>Waits until one of them ends by itself, which none should.</summary>
    /// <returns>What ended, with its last words.</returns>
    public async Task<string> BrokenAsync(CancellationToken cancellationToken)
    {
        var all = services.Select(service => service.Process).Append(rabbitProcess!).Concat(azuriteProcess is { } blobs ? [blobs] : []).ToArray();
        await Task.WhenAny(all.Select(process => process.Exited)).WaitAsync(cancellationToken);
        return Obituary(all.First(process => process.ExitCode is not null));
    }

    /// <summary>Stops all: the services first, together, so that their last commits find store and broker.</summary>
    public async Task StopAsync()
    {
        await Task.WhenAll(services.Select(service => StopAsync(service.Process, ServicePatience)));
        await Task.WhenAll(StopAsync(azuriteProcess, StorePatience), StopAsync(rabbitProcess, StorePatience));
        if (rabbitProcess is not null)
        {
            await rabbit!.EndNamesAsync(LogOf("rabbitmq"));
        }

        if (guard is not null)
        {
            guard.Dismiss();
            left.Clear();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var process in services.Select(service => service.Process).Append(azuriteProcess).Append(rabbitProcess).OfType<LocalProcess>())
        {
            await process.DisposeAsync();
        }

        guard?.Dispose();
    }

    /// <summary>Tells people something, unless their terminal is gone: that must not keep anything from being stopped.</summary>
    public static void Say(string text)
    {
        try
        {
            Console.WriteLine(text);
        }
        catch (IOException)
        {
            // nobody reads it
        }
    }

    private LocalProcess Watch(LocalProcess process, bool isStore)
    {
        guard!.Watch(process, isStore);
        left.Note(process);
        process.Go();
        return process;
    }

    private static async Task StopAsync(LocalProcess? process, TimeSpan patience)
    {
        if (process is not null)
        {
            Say(await process.StopAsync(patience) ? $"{process.Name,-18} stopped" : $"{process.Name,-18} did not stop in time and was ended");
        }
    }

    private static async Task ReadyAsync(LocalProcess process, Func<CancellationToken, Task<bool>> ready, string where, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(LongestStart);
        try
        {
            while (!await ready(patience.Token))
            {
                if (process.ExitCode is not null)
                {
                    throw new IOException(Obituary(process));
                }

                await Task.Delay(LookEvery, patience.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"{process.Name} is not ready after {LongestStart.TotalMinutes:F0} minutes. Its log is {process.Log} and ends:{Environment.NewLine}{process.Tail()}");
        }

        Say($"{process.Name,-18} ready    {where}");
    }

    private static string Obituary(LocalProcess process) => string.Create(
        CultureInfo.InvariantCulture, $"{process.Name} ended with exit code {process.ExitCode}. Its log is {process.Log} and ends:{Environment.NewLine}{process.Tail()}");

    private string LogOf(string name) => Path.Combine(folder, "log", name + ".log");

    private Dictionary<string, string> EnvironmentOf(ServicePlan plan, string store) => new()
    {
        ["ConnectionStrings__messaging"] = rabbit!.ConnectionString,
        ["ConnectionStrings__blobs"] = store,
        ["URLS"] = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{plan.Port}"),
        ["Ddm__Pool"] = plan.Pool,
        ["Ddm__SourceRoots"] = string.Join(';', options.Roots),
        ["Ddm__ApiKeyFile"] = options.KeyFile,
        ["Ddm__Pages__Runs"] = options.Runs,
        ["Ddm__Pages__Playground"] = options.Playground,
        ["Ddm__LocalFolder"] = Path.Combine(folder, "local"),
    };
}

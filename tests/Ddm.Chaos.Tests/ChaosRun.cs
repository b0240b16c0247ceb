using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Chaos.Tests;

/// <summary>A run under way over a real broker and a real blob service, by real processes under a supervisor.</summary>
internal sealed class ChaosRun : IAsyncDisposable
{
    public const string Name = TinyFolder.RunName;

    private static readonly TimeSpan LongestRecovery = TimeSpan.FromMinutes(2), LookEvery = TimeSpan.FromMilliseconds(250); // each look is a dozen blobs

    private readonly TinyFolder files;
    private readonly AzuriteProcess azurite = new();
    private readonly ChaosLog log;

    private ChaosRun(string spec, ChaosLog log) => (files, this.log) = (new TinyFolder(spec), log);

    public RabbitServer Rabbit { get; private set; } = null!;

    public AzuriteProcess Azurite => azurite;

    public IBlobStore Blobs { get; private set; } = null!;

    public CheckpointStore Checkpoints { get; private set; } = null!;

    public Supervisor Services { get; private set; } = null!;

    public HeadWatch Watch { get; private set; } = null!;

    /// <summary>Every role with its steps.</summary>
    public IReadOnlyDictionary<Role, long> Targets { get; private set; } = null!;

    /// <summary>Starts everything and waits until the run trains.</summary>
    public static async Task<ChaosRun> StartAsync(string spec, int controlPlanes, ChaosLog log)
    {
        var run = new ChaosRun(spec, log);
        try
        {
            await run.StartAsync(controlPlanes);
            return run;
        }
        catch
        {
            await run.DisposeAsync();
            throw;
        }
    }

    /// <summary>The heads; a role that was never claimed is left out.</summary>
    public async Task<Dictionary<Role, RoleHead>> HeadsAsync(CancellationToken cancellationToken)
    {
        var heads = new Dictionary<Role, RoleHead>();
        foreach (var role in Targets.Keys)
        {
            if (await Checkpoints.ReadHeadAsync(Name, role, cancellationToken) is { } head)
            {
                heads[role] = head;
            }
        }

        return heads;
    }

    /// <summary>The process that trains a role now; null: none.</summary>
    public async Task<ServiceProcess?> OwnerAsync(Role role, CancellationToken cancellationToken)
    {
        var owner = await HolderAsync(role, cancellationToken);
        return owner?.Worker.Split(':') is [_, var id, _] ? Services.Find(int.Parse(id, System.Globalization.CultureInfo.InvariantCulture)) : null;
    }

    /// <summary>Who holds a role, whatever the age of the record; null: nobody.</summary>
    public Task<RoleOwner?> HolderAsync(Role role, CancellationToken cancellationToken)
        => Checkpoints.ReadLiveOwnerAsync(Name, role, static _ => false, TimeSpan.MaxValue, cancellationToken);

    /// <summary>Whether a role has left a head behind, or is done.</summary>
    public bool HasMoved(Role role, RoleHead? before, RoleHead? now) => now is not null && (now.Step > (before?.Step ?? 0) || now.Step >= Targets[role]);

    /// <summary>Waits until all, or where <paramref name="all"/> is false one, of the unfinished roles have committed since.</summary>
    public Task MovesOnAsync(Dictionary<Role, RoleHead> before, bool all) => WaitAsync("training goes on", async token =>
    {
        var now = await HeadsAsync(token);
        var moved = Targets.Keys.Where(role => !IsDone(role, before)).Select(role => HasMoved(role, before.GetValueOrDefault(role), now.GetValueOrDefault(role))).ToArray();
        return moved.Length == 0 || (all ? Array.TrueForAll(moved, m => m) : Array.Exists(moved, m => m));
    });

    /// <summary>Fails where there is nothing left to train: a fault that comes then proves little.</summary>
    public async Task TrainsAsync()
    {
        var heads = await HeadsAsync(TestContext.Current.CancellationToken);
        Assert.True(Targets.Keys.Any(role => !IsDone(role, heads)), "The run has its steps before all faults were tried: give it more.");
    }

    /// <summary>Whether a role has its steps.</summary>
    public bool IsDone(Role role, Dictionary<Role, RoleHead> heads) => heads.GetValueOrDefault(role)?.Step >= Targets[role];

    /// <summary>Waits for a sign of recovery.</summary>
    public Task WaitAsync(string what, Func<CancellationToken, Task<bool>> ask) => Waiting.ForAsync(what, LongestRecovery, ask, Describe, LookEvery);

    /// <summary>Everything that helps to understand a failure.</summary>
    public string Describe() => $"seed {FaultScript.Seed}{Environment.NewLine}{log}{Environment.NewLine}{Services?.Tail}";

    public async ValueTask DisposeAsync()
    {
        // Each whatever becomes of the others.
        Func<ValueTask>[] ends =
        [
            () => Watch?.DisposeAsync() ?? default,
            () => Services?.DisposeAsync() ?? default,
            () => Rabbit?.DisposeAsync() ?? default,
            azurite.DisposeAsync,
            () =>
            {
                files.Dispose();
                return default;
            },
        ];
        var failures = new List<Exception>();
        foreach (var end in ends)
        {
            try
            {
                await end();
            }
            catch (Exception e)
            {
                failures.Add(e);
            }
        }

        if (failures.Count > 0)
        {
            throw new AggregateException(failures);
        }
    }

    private async Task StartAsync(int controlPlanes)
    {
        var broker = RabbitServer.StartAsync();
        await azurite.InitializeAsync();
        Rabbit = await broker;
        var store = azurite.ConnectionString("chaos");
        Blobs = BlobStores.Open(store);
        Checkpoints = new CheckpointStore(Blobs, TimeProvider.System, NullLogger<CheckpointStore>.Instance);
        await RunOutcome.SubmitAsync(Blobs, files);
        log.Add("broker and store are there, the run is submitted");
        Services = new Supervisor(Settings(store), log);
        foreach (var name in (string[])[.. Enumerable.Repeat("ControlPlane", controlPlanes), "FeatureExtractor", "Clusterer", "RouterTrainer"])
        {
            Services.Keep(name);
        }

        foreach (var pool in (string[])["local", "local", "spare"])
        {
            Services.Keep("ExpertTrainer", pool);
        }

        var runs = new RunRepository(Blobs);
        await WaitAsync("the run trains", async token => (await runs.GetAsync(Name, token)).Stage == RunStage.Train);
        var document = await runs.GetAsync(Name, TestContext.Current.CancellationToken);
        Targets = document.Roles.ToDictionary(role => Role.Parse(role.Role), role => (long)role.TargetSteps);
        Watch = new HeadWatch(Checkpoints, Name, [.. Targets.Keys]);
        await Services.ReadyAsync();
        await MovesOnAsync([], all: true);
        log.Add("every role has committed");
    }

    private Dictionary<string, string> Settings(string store) => new()
    {
        ["ConnectionStrings:messaging"] = Rabbit.ConnectionString,
        ["ConnectionStrings:blobs"] = store,
        ["Ddm:ApiKeys:0"] = "a-key-of-the-tests-that-is-long-enough-0123456789",
        ["Ddm:ReconcileEvery"] = "00:00:01",
        ["Ddm:OwnerTimeout"] = "00:00:06",
        ["Ddm:ResendAfter"] = "00:00:05",
        ["Ddm:LocalFolder"] = Path.Combine(files.Folder, "local"),
        ["DOTNET_gcServer"] = "0",
        ["DOTNET_TieredPGO"] = "0", // they live too briefly to win by it
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft"] = "Warning",
        ["Logging:LogLevel:MassTransit"] = "Information",
        ["Logging:LogLevel:Azure"] = "Warning",
        ["Logging:LogLevel:System.Net.Http"] = "Warning",
        ["Logging:LogLevel:" + WorkAccount.StepCategory] = "Debug",
        ["Logging:Console:FormatterName"] = "simple",
        ["Logging:Console:FormatterOptions:SingleLine"] = "true",
        ["Logging:Console:FormatterOptions:UseUtcTimestamp"] = "true",
        ["Logging:Console:FormatterOptions:TimestampFormat"] = WorkAccount.TimeFormat + " ",
    };
}

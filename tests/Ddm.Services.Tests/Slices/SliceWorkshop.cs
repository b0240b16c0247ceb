using Ddm.Runs;
using Ddm.Storage;
using Ddm.Storage.Tests;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Ddm.Services.Tests;

/// <summary>The real handler of slices over a store in memory, a clock of the test's and trainers without torch: a step is a second.</summary>
internal sealed class SliceWorkshop : ICommandSender, IQueueDepth, IAsyncDisposable
{
    public const string Run = "tiny";
    public static readonly Role Expert = Role.Expert(0);
    public static readonly NumericsClass Numerics = new("cpu-avx2", "float32", 16, 1, "libtorch 2.10.0", true);

    private readonly List<TrainSliceHandler> handlers = [];

    public SliceWorkshop(int steps = 1000, string execution = "slice_seconds: 20, commit_seconds: 60", string pools = "", int experts = 2)
    {
        Store = new CountedStore(Memory);
        Trainers = new PlainTrainers(Time, TimeSpan.FromSeconds(1));
        Checkpoints = new CheckpointStore(Store, Time, NullLogger.Instance);
        Runs = new RunRepository(Store);
        Identity = new WorkerIdentity("one:1", _ => false) { Host = "one" };
        Events = new RunEvents(Store, Identity, Time);
        var yaml = TinyFolder.DefaultSpec.Replace("slice_seconds: 0.01", execution, StringComparison.Ordinal)
            .Replace("experts: 2", FormattableString.Invariant($"experts: {experts}"), StringComparison.Ordinal).Replace(", fine: 4", "", StringComparison.Ordinal)
            .Replace("steps: 12", FormattableString.Invariant($"steps: {steps}{pools}"), StringComparison.Ordinal);
        var spec = RunSpecReader.Read(yaml, "tiny.yaml");
        var roles = Enumerable.Range(0, experts).Select(Role.Expert).Append(Role.Router).ToList();
        Document = new RunDocument
        {
            Name = Run,
            Spec = spec,
            SpecText = yaml,
            SourceRoot = "/",
            SubmittedAt = Time.GetUtcNow(),
            Stage = RunStage.Train,
            DatasetId = "d",
            ShardCount = 1,
            Numerics = roles.ToDictionary(role => role.Path, _ => Numerics),
            Roles = [.. roles.Select(role => new RoleDecision(role.Path, role == Role.Router ? 8 : steps, RoleStatus.Training))],
        };
        Assert.True(Runs.TryCreateAsync(Document, CancellationToken.None).GetAwaiter().GetResult());
        PlaceholderProducts.WriteAsync(Memory, Run, Document.DatasetId, experts).GetAwaiter().GetResult();
        Control = ControlOf(Runs, this);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public MemoryBlobStore Memory { get; } = new();

    public CountedStore Store { get; }

    public PlainTrainers Trainers { get; }

    public CheckpointStore Checkpoints { get; }

    public RunRepository Runs { get; }

    public RunEvents Events { get; }

    public RunControl Control { get; }

    public RunDocument Document { get; }

    public WorkerIdentity Identity { get; set; }

    public WorkerSettings Settings { get; set; } = new();

    public StopSignal Stop { get; } = new();

    public RecordingProgress Progress { get; } = new();

    /// <summary>Messages that other workers' slices wait as.</summary>
    public int? Waiting { get; set; } = 0;

    public List<IRunCommand> Sent { get; } = [];

    public List<string> Advanced { get; } = [];

    /// <summary>The workers' own disk; null: they keep nothing on it.</summary>
    public IBlobStore? Disk { get; init; }

    public Exception? SendFailure { get; set; }

    public TrainSliceHandler Handler(WorkerIdentity? worker = null)
    {
        var identity = worker ?? Identity;
        var presence = new WorkerPresence(Store, identity, Settings, Trainers, Time);
        var handler = new TrainSliceHandler(
            Checkpoints, Runs, Trainers, identity, Settings, presence, new SliceGate(), this, this, new StoreReports(Store, Runs, Events), Stop, Progress, Time)
        {
            Local = Disk is null ? null : new LocalCheckpoints(Disk, Time),
        };
        handlers.Add(handler);
        return handler;
    }

    /// <summary>What a person may ask of the run, in a process that has seen of it what <paramref name="runs"/> has.</summary>
    public RunControl ControlOf(RunRepository runs, ICommandSender sender)
    {
        var publication = new Publication(Store, new ModelCatalog(Store, Checkpoints, runs, Time));
        return new RunControl(Store, Checkpoints, runs, Events, new RunRepair(Store, runs, new LostSteps(Checkpoints, runs, Events, Progress), publication), sender);
    }

    /// <summary>A claim of the first expert.</summary>
    public async Task<RoleClaim> ClaimAsync() => Assert.IsType<ClaimOutcome.Claimed>(
        await Checkpoints.ClaimAsync(Run, Expert, Identity.Name, _ => false, TimeSpan.FromMinutes(1), CancellationToken.None)).Claim;

    /// <summary>The claim's first commit, of step 10, with one part.</summary>
    public Task<CommitOutcome> CommitAsync(RoleClaim claim, string part, Func<Stream, CancellationToken, Task> write) => Checkpoints.CommitAsync(
        claim, new CommitRequest { Step = 10, FromStep = 0, DataManifestSha256 = "da7a", Numerics = Numerics, Parts = [(part, write)] }, CancellationToken.None);

    public Task<RoleHead?> HeadAsync(Role? role = null) => Checkpoints.ReadHeadAsync(Run, role ?? Expert, CancellationToken.None);

    public async Task<string?> StateAsync(Role? role = null)
    {
        var opened = await Checkpoints.OpenAsync(Run, role ?? Expert, null, CancellationToken.None);
        if (opened is null)
        {
            return null;
        }

        using var reader = new StreamReader(await opened.OpenPartAsync(PlainTrainers.Part, CancellationToken.None));
        return await reader.ReadToEndAsync();
    }

    public async Task<string[]> EventsAsync(string kind) => [.. (await RunEvents.ReadAsync(Store, Run, CancellationToken.None)).Where(e => e.Kind == kind).Select(e => e.Text)];

    public Task SendAsync(IRunCommand command, CancellationToken cancellationToken)
    {
        if (SendFailure is { } failure)
        {
            return Task.FromException(failure);
        }

        Sent.Add(command);
        return Task.CompletedTask;
    }

    public Task AdvancedAsync(string run, CancellationToken cancellationToken) => AdvancedAsync(run, "", cancellationToken);

    public Task AdvancedAsync(string run, string role, CancellationToken cancellationToken)
    {
        Advanced.Add(role);
        return Task.CompletedTask;
    }

    public Task<int?> CountAsync(string pool, CancellationToken cancellationToken) => Task.FromResult(Waiting);

    public async ValueTask DisposeAsync()
    {
        foreach (var handler in handlers)
        {
            await handler.DisposeAsync();
        }

        Stop.Dispose();
    }
}

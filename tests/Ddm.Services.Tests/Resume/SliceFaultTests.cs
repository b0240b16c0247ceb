using Ddm.Runs;
using Ddm.Storage;
using Ddm.Storage.Tests;
using Ddm.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ddm.Services.Tests;

/// <summary>
/// A fault at every storage call of the training slice with a real trainer: claim, load, step, commit, sweep, give back, successor. The enumeration counts
/// the calls itself, so that none is left out when code changes. After each fault a fresh worker goes on, and the weights are those of an undisturbed training, bit for bit.
/// </summary>
public sealed class SliceFaultTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // A slice is one step here, so that the fifth slice meets all there is: parents, a sweep that deletes, and the end.
    private static string Spec => TinyFolder.DefaultSpec
        .Replace("steps: 12", "steps: 4", StringComparison.Ordinal).Replace("steps: 8", "steps: 4", StringComparison.Ordinal)
        .Replace("slice_seconds: 0.01", "slice_seconds: 0.0001, retention: 2", StringComparison.Ordinal);

    public static TheoryData<string, Fault> Cases
    {
        get
        {
            var cases = new TheoryData<string, Fault>();
            foreach (var role in new[] { "experts/0", "router" })
            {
                foreach (var fault in Enum.GetValues<Fault>())
                {
                    cases.Add(role, fault);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public Task EveryNinthCallOfASlice(string path, Fault fault) => EnumerateAsync(Role.Parse(path), fault, (int)fault, stride: 9);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Cases))]
    public Task EveryCallOfASlice(string path, Fault fault) => EnumerateAsync(Role.Parse(path), fault, 0, stride: 1);

    private static async Task EnumerateAsync(Role role, Fault fault, int first, int stride)
    {
        using var tiny = new TinyRun(Spec);
        await PrepareAsync(tiny);
        var counting = new FaultyBlobStore(await CopyAsync(tiny.Blobs), at: -1, fault);
        Assert.Null(await TrainAsync(counting, role, "counter"));
        var expected = await HashesAsync(counting, role);
        Assert.InRange(counting.Calls, 60, 1000);
        for (var at = first; at < counting.Calls; at += stride)
        {
            var store = await CopyAsync(tiny.Blobs);
            var faulty = new FaultyBlobStore(store, at, fault);
            var error = await TrainAsync(faulty, role, "first");
            if (error is not null)
            {
                Assert.True(error is IOException, $"{fault} at {faulty.FaultedCall}: {error}");
                error = await TrainAsync(store, role, "second");
                Assert.True(error is null, $"{fault} at {faulty.FaultedCall}: does not recover: {error}");
            }

            var found = await HashesAsync(store, role);
            Assert.True(expected == found, $"{fault} at call {at}, {faulty.FaultedCall}: {found} instead of {expected}");
        }
    }

    private static async Task<MemoryBlobStore> CopyAsync(FileBlobStore from)
    {
        var copy = new MemoryBlobStore();
        await foreach (var blob in from.ListAsync("", Cancel))
        {
            await copy.TryWriteAsync(blob.Name, (await from.ReadAsync(blob.Name, Cancel))!.Bytes, WriteCondition.Any, Cancel);
        }

        return copy;
    }

    // Up to the frozen clusters; no role has begun.
    private static async Task PrepareAsync(TinyRun tiny)
    {
        using var stop = new StopSignal();
        await tiny.RunAsync(new RecordingProgress(onStage: stage => { if (stage == RunStage.Train) { stop.Raise(); } }), stop);
        foreach (var role in new[] { "experts", "router" }.Select(name => Path.Combine(tiny.Home, "runs", TinyRun.Name, name)).Where(Directory.Exists))
        {
            Directory.Delete(role, recursive: true);
        }
    }

    /// <summary>Slices of one role until nothing more is sent: what failed, or null when the role is trained.</summary>
    private static async Task<Exception?> TrainAsync(IBlobStore store, Role role, string worker)
    {
        var sender = new Successors();
        using var stop = new StopSignal();
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.None));
        services.AddEmbeddedDdm(store, new WorkerIdentity(worker, other => other != worker), new RecordingProgress(), stop);
        services.AddSingleton<ICommandSender>(sender);
        services.AddSingleton<IQueueDepth>(new SomebodyWaits()); // so that a role is several slices
        await using var provider = services.BuildServiceProvider();
        var handler = provider.GetRequiredService<ICommandHandler<TrainSlice>>();
        try
        {
            var step = (await provider.GetRequiredService<CheckpointStore>().ReadHeadAsync(TinyRun.Name, role, Cancel))?.Step ?? 0;
            sender.Next = new TrainSlice(TinyRun.Name, role.Path, step);
            for (var tries = 0; sender.Take() is { } slice && tries < 100; tries++)
            {
                await handler.HandleAsync(slice, Cancel);
            }

            return null;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return e;
        }
    }

    private static async Task<string> HashesAsync(IBlobStore store, Role role)
    {
        var facts = (await RunInspector.For(store).InspectAsync(TinyRun.Name, Cancel)).Roles.Single(r => r.Role == role.Path);
        return $"{facts.Step} {facts.Sha256} {facts.EmaSha256} {facts.Failure}";
    }

    private sealed class SomebodyWaits : IQueueDepth
    {
        public Task<int?> CountAsync(string pool, CancellationToken cancellationToken) => Task.FromResult<int?>(1);
    }

    private sealed class Successors : ICommandSender
    {
        public TrainSlice? Next { get; set; }

        public TrainSlice? Take()
        {
            var slice = Next;
            Next = null;
            return slice;
        }

        public Task SendAsync(IRunCommand command, CancellationToken cancellationToken)
        {
            Next = (TrainSlice)command;
            return Task.CompletedTask;
        }

        public Task AdvancedAsync(string run, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

using System.Text;
using Ddm.Runs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Storage.Tests;

/// <summary>The calls of a slice, with texts for tensors: a state is "s" and its step, so that a wrong resume shows.</summary>
internal static class Trainee
{
    public const string Run = "cats";
    public const string Data = "da7a";
    public static readonly Role Role = Role.Expert(2);
    public static readonly NumericsClass Numerics = new("cpu-avx2", "float32", 8, 2, "libtorch 2.10.0", true);
    public static readonly TimeSpan Timeout = TimeSpan.FromMinutes(1);

    public static CheckpointStore On(IBlobStore store) => new(store, TimeProvider.System, NullLogger.Instance);

    public static async Task<RoleClaim> ClaimAsync(IBlobStore store, string worker = "w", bool takeOver = true)
    {
        var outcome = await On(store).ClaimAsync(Run, Role, worker, _ => takeOver, Timeout, TestContext.Current.CancellationToken);
        return Assert.IsType<ClaimOutcome.Claimed>(outcome).Claim;
    }

    /// <summary>One commit, of the state that follows on what the claim stands on.</summary>
    public static Task<CommitOutcome> CommitAsync(IBlobStore store, RoleClaim claim, long from, long step, string data = Data) =>
        On(store).CommitAsync(claim, Request(from, step, data), TestContext.Current.CancellationToken);

    public static CommitRequest Request(long from, long step, string data = Data) => new()
    {
        Step = step,
        FromStep = from,
        DataManifestSha256 = data,
        Numerics = Numerics,
        Parts = [("weights.safetensors", Write($"weights at {step}")), ("ema.safetensors", Write($"ema at {step}")), ("metrics.jsonl", Write($"{from}..{step}"))],
    };

    /// <summary>A chain of commits under one claim.</summary>
    public static async Task<RoleClaim> TrainAsync(IBlobStore store, params long[] steps)
    {
        var claim = await ClaimAsync(store);
        var from = (await On(store).OpenAsync(claim, Data, TestContext.Current.CancellationToken))?.Manifest.Step ?? 0;
        foreach (var step in steps)
        {
            Assert.IsType<CommitOutcome.Committed>(await CommitAsync(store, claim, from, step));
            from = step;
        }

        return claim;
    }

    public static async Task<string> ReadPartAsync(OpenedCheckpoint checkpoint, string name)
    {
        using var reader = new StreamReader(await checkpoint.OpenPartAsync(name, TestContext.Current.CancellationToken));
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    private static Func<Stream, CancellationToken, Task> Write(string text) =>
        (stream, cancellationToken) => stream.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken).AsTask();
}

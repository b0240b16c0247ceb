using System.Text;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>A trainer whose steps are those of a <see cref="HashChain"/> and take simulated time.</summary>
internal sealed class ChainTrainer(SimulatedRun run, SimulatedProcess process, Role role) : IRoleTrainer
{
    public const string Weights = "weights.safetensors";
    public const string Average = "ema.safetensors";
    public const string Metrics = "metrics.jsonl";

    private byte[] state = run.Chain.Begin(role);
    private long committed;

    public string DataManifestSha256 => run.Chain.DataOf(role);

    public long Step => HashChain.StepOf(state);

    public double? RecentLoss => null;

    public async Task LoadAsync(OpenedCheckpoint? parent, CancellationToken cancellationToken)
    {
        if (parent is not null)
        {
            await using var stream = await parent.OpenPartAsync(Weights, cancellationToken);
            await stream.ReadExactlyAsync(state = new byte[HashChain.StateLength], cancellationToken);
        }

        committed = Step;
    }

    public async Task StepAsync(Func<long, bool> goOn)
    {
        do
        {
            await Task.Delay(run.StepTime(process), process.Clock);
            if (run.Poison is { } poison && poison.Role == role && poison.Step == Step)
            {
                run.Fleet.Die(process);
                await new TaskCompletionSource().Task;
            }

            state = HashChain.Next(state);
            run.Tally.Steps++;
        }
        while (goOn(Step));
    }

    public Task<RoleSnapshot> SnapshotAsync()
    {
        var (now, lines) = (state, Encoding.ASCII.GetBytes($"{committed}..{Step}\n"));
        return Task.FromResult(new RoleSnapshot(
            Step, [.. new[] { (Weights, Writer(now)), (Average, Writer(HashChain.Average(now))), (Metrics, Writer(lines)) }.Take(run.Shape.Parts)]));
    }

    public void Committed(long step) => committed = step;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static Func<Stream, CancellationToken, Task> Writer(byte[] bytes) => (stream, token) => stream.WriteAsync(bytes, token).AsTask();
}

using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Chaos.Tests;

/// <summary>What is done to the blobs.</summary>
internal sealed class StoreFaults(ChaosRun run, Random random, ChaosLog log)
{
    // Long enough to be told of: a wait of a second is no outage.
    private static readonly TimeSpan Outage = StoreOutages.Shortest * 3;

    /// <summary>Away and back.</summary>
    public async Task<Fault> RestartAsync(int number)
    {
        var fault = new Fault(number, FaultKind.StoreRestart, DateTimeOffset.UtcNow);
        log.Add($"fault {number}: {fault.Kind}");
        await run.Azurite.StopAsync(); // in order: what it has acknowledged must be on disk
        await Task.Delay(Outage, TestContext.Current.CancellationToken);
        await run.Azurite.StartAsync();
        log.Add("  the store is back");
        var back = await run.HeadsAsync(TestContext.Current.CancellationToken);
        await run.MovesOnAsync(back, all: true);
        return fault;
    }

    /// <summary>One bit of a newest checkpoint's weights, of a role that waits: whoever takes it next must notice, and go on from the one before.</summary>
    public async Task<Fault> DamageNewestAsync(int number)
    {
        while (true)
        {
            var began = DateTimeOffset.UtcNow;
            var (role, head) = await FindWaitingAsync();
            var manifest = (await run.Checkpoints.ReadNewestAsync(ChaosRun.Name, role, TestContext.Current.CancellationToken))!;
            var (bytes, bad) = await FlipBitAsync(head.Checkpoint + TrainingState.WeightsPart);
            var fault = new Fault(number, FaultKind.CheckpointDamaged, began) { Role = role, Checkpoint = head.Checkpoint, Manifest = manifest };
            log.Add($"fault {number}: {fault.Kind}: {role} at step {head.Step}, {head.Checkpoint}");
            await run.WaitAsync($"{role} leaves its damaged checkpoint behind", async token => (await run.HeadsAsync(token))[role].Checkpoint != head.Checkpoint);
            if (!await IsOnChainAsync(role, head))
            {
                await run.WaitAsync($"{role} has again what it lost", async token => run.HasMoved(role, head, (await run.HeadsAsync(token))[role]));
                return fault;
            }

            log.Add("  a worker had read it before it was damaged, and nobody may read it again: mended, and another one");
            await run.Blobs.TryWriteAsync(head.Checkpoint + TrainingState.WeightsPart, bytes, WriteCondition.IfMatch(bad), TestContext.Current.CancellationToken);
        }
    }

    private async Task<(Role Role, RoleHead Head)> FindWaitingAsync()
    {
        (Role, RoleHead)? found = null;
        await run.WaitAsync("a role with two checkpoints waits for a worker", async token =>
        {
            var roles = run.Targets.Keys.ToArray();
            random.Shuffle(roles);
            foreach (var role in roles)
            {
                var head = await run.Checkpoints.ReadHeadAsync(ChaosRun.Name, role, token);
                if (head?.Parent is not null && head.Step < run.Targets[role] && await run.HolderAsync(role, token) is null)
                {
                    found = (role, head);
                    return true;
                }
            }

            return false;
        });
        return found!.Value;
    }

    // The bytes that were there, and the ETag of those that are there now.
    private async Task<(byte[] Good, string Bad)> FlipBitAsync(string name)
    {
        var good = (await run.Blobs.ReadAsync(name, TestContext.Current.CancellationToken))!.Bytes;
        var bad = good.ToArray();
        bad[random.Next(bad.Length)] ^= 1;
        return (good, (await run.Blobs.TryWriteAsync(name, bad, WriteCondition.Any, TestContext.Current.CancellationToken))!);
    }

    private async Task<bool> IsOnChainAsync(Role role, RoleHead head)
        => (await run.Checkpoints.HistoryAsync(ChaosRun.Name, role, head.Step - 1, TestContext.Current.CancellationToken)).Any(checkpoint => checkpoint.Folder == head.Checkpoint);
}

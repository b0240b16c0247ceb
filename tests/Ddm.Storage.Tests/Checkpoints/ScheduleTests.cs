using Ddm.Runs;

namespace Ddm.Storage.Tests;

/// <summary>
/// Three workers that do not know of each other, one role, one store; after every storage call a seeded dice decides who goes next and whether
/// the call fails. Each seed is one schedule, and a failing seed replays.
/// </summary>
public sealed class ScheduleTests
{
    private const int Schedules = 500;
    private const int Workers = 3;
    private const long Target = 30;

    [Fact]
    public void NoScheduleBreaksAPromise()
    {
        var claims = 0;
        var fenced = 0;
        for (var seed = 0; seed < Schedules; seed++)
        {
            var (claimed, lost) = Run(seed);
            claims += claimed;
            fenced += lost;
        }

        // the schedules are of use only if workers do get in each other's way
        Assert.InRange(claims, Schedules * 2, Schedules * 40);
        Assert.InRange(fenced, Schedules / 4, Schedules * 40);
    }

    private static (int Claims, int Fenced) Run(int seed)
    {
        // Continuations must run where the dice lets them, not where a test runner's context does.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            var dice = new Random(seed);
            var watch = new HeadWatch(new MemoryBlobStore(), Trainee.Run, Trainee.Role);
            var waiting = new List<TaskCompletionSource>();
            var counts = new Counts();
            var workers = Enumerable.Range(0, Workers).Select(i => WorkAsync(new GatedStore(watch, waiting, dice), $"w{i}", dice, counts)).ToList();
            while (waiting.Count > 0)
            {
                var next = dice.Next(waiting.Count);
                var gate = waiting[next];
                waiting.RemoveAt(next);
                gate.SetResult();
            }

            foreach (var worker in workers)
            {
                Assert.True(worker.IsCompleted, $"seed {seed}: a worker hangs");
                Assert.True(worker.Exception is null, $"seed {seed}: {worker.Exception}");
            }

            Assert.Equal(Target, watch.Heads[^1].Step);
            return (counts.Claims, counts.Fenced);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    /// <summary>Trains the role to the target as long as it gets the claim; takes it from others when the dice says that they look dead.</summary>
    private static async Task WorkAsync(IBlobStore store, string name, Random dice, Counts counts)
    {
        var checkpoints = Trainee.On(store);
        for (var life = 0; life < 200; life++)
        {
            try
            {
                var outcome = await checkpoints.ClaimAsync(Trainee.Run, Trainee.Role, $"{name}.{life}", _ => dice.Next(4) == 0, Trainee.Timeout, CancellationToken.None);
                if (outcome is not ClaimOutcome.Claimed { Claim: var claim })
                {
                    continue;
                }

                counts.Claims++;
                var opened = await checkpoints.OpenAsync(claim, Trainee.Data, CancellationToken.None);
                if (await TrainAsync(checkpoints, claim, opened?.Manifest.Step ?? 0, counts) && claim.Head.Step >= Target)
                {
                    await checkpoints.ReleaseAsync(claim, CancellationToken.None);
                    return;
                }
            }
            catch (IOException)
            {
                // the store failed: the slice ends and its message comes again
            }
            catch (CheckpointException) when (counts.Fenced > 0)
            {
                // a displaced worker may find what it had opened swept by the one that displaced it
            }
        }
    }

    private static async Task<bool> TrainAsync(CheckpointStore checkpoints, RoleClaim claim, long step, Counts counts)
    {
        for (; step < Target; step += 10)
        {
            var outcome = await checkpoints.CommitAsync(claim, Trainee.Request(step, step + 10), CancellationToken.None);
            if (outcome is CommitOutcome.Fenced)
            {
                counts.Fenced++;
                return false;
            }

            await checkpoints.RenewAsync(claim, CancellationToken.None);
            await checkpoints.SweepAsync(Trainee.Run, Trainee.Role, new RetentionSpec { KeepLast = 2 }, CancellationToken.None);
        }

        return true;
    }

    private sealed class Counts
    {
        public int Claims { get; set; }

        public int Fenced { get; set; }
    }

    /// <summary>Holds each call at a gate, and lets about one in sixty fail before or after it took effect.</summary>
    private sealed class GatedStore(IBlobStore below, List<TaskCompletionSource> waiting, Random dice) : InterceptedBlobStore(below)
    {
        protected override async Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional)
        {
            var gate = new TaskCompletionSource();
            waiting.Add(gate);
            await gate.Task;
            var fault = dice.Next(120);
            if (fault == 0)
            {
                throw new IOException("before " + call);
            }

            var reply = await run();
            return fault == 1 ? throw new IOException("after " + call) : reply;
        }
    }
}

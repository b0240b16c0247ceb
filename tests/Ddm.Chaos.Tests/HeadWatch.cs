using System.Collections.Concurrent;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Chaos.Tests;

/// <summary>Looks at every head again and again, and remembers each checkpoint that one has named.</summary>
internal sealed class HeadWatch : IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(300); // a commit interval is longer, and the blob service has a core to itself at best

    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentDictionary<(Role Role, string Checkpoint), bool> seen = new();
    private readonly Task looking;

    /// <summary>Begins to look.</summary>
    public HeadWatch(CheckpointStore checkpoints, string run, IReadOnlyList<Role> roles) => looking = LookAsync(checkpoints, run, roles);

    /// <summary>Roles and checkpoints, by blob prefix, that a head has named.</summary>
    public IEnumerable<(Role Role, string Checkpoint)> Seen => seen.Keys;

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await looking;
        stop.Dispose();
    }

    private async Task LookAsync(CheckpointStore checkpoints, string run, IReadOnlyList<Role> roles)
    {
        using var timer = new PeriodicTimer(Every);
        while (!stop.IsCancellationRequested)
        {
            try
            {
                foreach (var role in roles)
                {
                    if ((await checkpoints.ReadHeadAsync(run, role, stop.Token))?.Checkpoint is { } checkpoint)
                    {
                        seen[(role, checkpoint)] = true;
                    }
                }

                await timer.WaitForNextTickAsync(stop.Token);
            }
            catch (Exception) when (!stop.IsCancellationRequested)
            {
                // the store is one of the things that are taken away
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}

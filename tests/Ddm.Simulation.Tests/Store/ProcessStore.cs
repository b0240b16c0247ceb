using System.Runtime.CompilerServices;
using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>A process's connection to the store: every call takes its time, may fail, may take effect and lose its reply, or take effect when nobody waits for it any more.</summary>
internal sealed class ProcessStore(World world, SimulatedStore store, SimulatedProcess process, FaultPlan faults, Tally tally, CallBook calls) : IBlobStore
{
    /// <summary>What a call takes each way.</summary>
    public static readonly TimeSpan Usual = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan ClientTimeout = TimeSpan.FromSeconds(10);

    public Task<BlobContent?> ReadAsync(string name, CancellationToken cancellationToken) =>
        CallAsync("read", name, () => store.ReadFor(name), null, false, cancellationToken);

    public async Task<Stream?> OpenReadAsync(string name, CancellationToken cancellationToken) =>
        await CallAsync("open", name, () => store.ReadFor(name), null, false, cancellationToken) is { } content ? new MemoryStream(content.Bytes, writable: false) : null;

    public Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken)
    {
        var bytes = content.ToArray();
        return CallAsync("write", name, () => store.TryWrite(process.Name, name, bytes, condition), null, condition != WriteCondition.Any, cancellationToken);
    }

    public async Task<bool> TryWriteStreamAsync(
        string name, Func<Stream, CancellationToken, Task> write, WriteCondition condition, CancellationToken cancellationToken)
    {
        // Some stores look first and some only when all is uploaded.
        if (condition.RequiresAbsent && world.Chance(2) && await ExistsAsync(name, cancellationToken))
        {
            return false;
        }

        using var buffer = new MemoryStream();
        await write(buffer, cancellationToken);
        return await TryWriteAsync(name, buffer.ToArray(), condition, cancellationToken) is not null;
    }

    public Task<bool> ExistsAsync(string name, CancellationToken cancellationToken) =>
        CallAsync("exists", name, () => store.Read(name) is not null, false, false, cancellationToken);

    public Task DeleteAsync(string name, CancellationToken cancellationToken) => CallAsync(
        "delete", name,
        () =>
        {
            store.Delete(process.Name, name);
            return true;
        },
        true, false, cancellationToken);

    public async IAsyncEnumerable<BlobInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // A listing comes in pages, and the store changes between them.
        var (after, most) = ("", 1 + world.Dice.Next(30));
        while (true)
        {
            var from = after;
            var page = await CallAsync("list", prefix, () => store.List(prefix, from, most), [], false, cancellationToken);
            foreach (var blob in page)
            {
                yield return blob;
            }

            if (page.Count < most)
            {
                yield break;
            }

            after = page[^1].Name;
        }
    }

    public Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) => CallAsync("clock", "", () => store.Now, default, false, cancellationToken);

    private Task<T> CallAsync<T>(string verb, string name, Func<T> effect, T refused, bool conditional, CancellationToken cancellationToken)
    {
        if (world.Running != process)
        {
            world.Fail($"{process.Name}: {verb} {name} comes from outside the simulation");
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<T>(cancellationToken);
        }

        calls.Add(process.Name, verb, name);
        var reply = new TaskCompletionSource<T>();
        var watch = cancellationToken.Register(() => reply.TrySetCanceled(cancellationToken));
        var fate = faults.OfStoreCall(world, conditional);
        if (fate != CallFate.Good)
        {
            tally.Faults++;
            tally.StoreFaults++;
        }

        world.After(world.About(Usual * faults.StoreSlowness), Arrive);
        return reply.Task;

        void Arrive()
        {
            if (process.StoreCut || fate == CallFate.FailsBefore || (!process.Alive && world.Chance(2)))
            {
                world.Note(process.Name, verb, $"{name}: does not arrive");
                Reply(ClientTimeout, () => reply.TrySetException(new IOException($"{verb} {name}: the store cannot be reached")));
                return;
            }

            if (fate == CallFate.TakesEffectLate)
            {
                world.Note(process.Name, verb, $"{name}: hangs");
                world.After(world.About(ClientTimeout * 2), () => Take(" late"));
                Reply(ClientTimeout, () => reply.TrySetException(new IOException($"{verb} {name}: no reply")));
                return;
            }

            var result = Take("");
            Reply(Usual, () =>
            {
                if (process.StoreCut || fate == CallFate.ReplyLost)
                {
                    world.Note(process.Name, verb, $"{name}: its reply is lost");
                    Reply(ClientTimeout, () => reply.TrySetException(new IOException($"{verb} {name}: the reply was lost")));
                    return;
                }

                reply.TrySetResult(fate == CallFate.RefusedAfterDone && conditional ? refused : result);
            });
        }

        T Take(string how)
        {
            var result = effect();
            world.Note(process.Name, verb, name + how + (conditional ? result is null ? ": refused" : ": done" : ""));
            return result;
        }

        void Reply(TimeSpan usual, Action answer) => world.After(world.About(usual), () =>
        {
            watch.Dispose();
            answer();
        });
    }
}

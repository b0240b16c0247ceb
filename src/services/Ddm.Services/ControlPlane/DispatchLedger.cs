using System.Collections.Concurrent;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>
/// Remembers which commands are on their way, so that a look at the run does not send them again. Only a saving: it may be lost or wrong, for a repeated
/// command finds its work done. A slice whose role went on is its worker's to send; one whose role stands still was lost, or waits in a long queue: so the
/// patience doubles each time.
/// </summary>
public sealed class DispatchLedger(WorkerSettings settings, TimeProvider time)
{
    private const int MostDoublings = 5, SlicesSooner = 5;
    private readonly ConcurrentDictionary<string, RunStage> stages = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<IRunCommand, long> sent = new();
    private readonly ConcurrentDictionary<(string Run, string Role), Entry> slices = new();

    /// <summary>Time after which a slice that nobody claimed is sent again whatever its queue holds: the messages there may be other runs', or void.</summary>
    public static TimeSpan LongestPatience(WorkerSettings settings) => Patience(settings, MostDoublings);

    /// <summary>True when <paramref name="command"/> is due: never sent, or so long ago that it must have been lost.</summary>
    public bool TryClaim(IRunCommand command)
    {
        var now = time.GetTimestamp();
        if (sent.TryGetValue(command, out var at) && time.GetElapsedTime(at, now) < settings.ResendAfter)
        {
            return false;
        }

        sent[command] = now;
        return true;
    }

    /// <summary>Says which stage a run is at: what was sent before it came there, forwards or back, says nothing of what is due now.</summary>
    public void Enter(string run, RunStage stage)
    {
        if (stages.TryGetValue(run, out var known) && known == stage)
        {
            return;
        }

        stages[run] = stage;
        Clear(run);
    }

    /// <summary>Says that <paramref name="command"/> was not sent after all.</summary>
    public void Forget(IRunCommand command) => sent.TryRemove(command, out _);

    /// <summary>The slice where it is due; null when it is on its way.</summary>
    /// <param name="slice">What the planner asks for.</param>
    /// <param name="epoch">Fencing number of the role's head; 0 without one.</param>
    /// <param name="pool">Where the head says it is placed; null: nowhere.</param>
    public DueSlice? Due(TrainSlice slice, long epoch, string? pool)
    {
        if (!slices.TryGetValue((slice.Run, slice.RolePath), out var known) || slice.FromStep < known.Step)
        {
            return new DueSlice(slice, pool, false, TimeSpan.Zero);
        }

        if (slice.FromStep > known.Step)
        {
            slices[(slice.Run, slice.RolePath)] = Entry.At(slice.FromStep, epoch, time.GetTimestamp(), pool);
            return null;
        }

        if (epoch != known.Epoch)
        {
            return new DueSlice(slice, pool ?? known.Pool, false, TimeSpan.Zero); // somebody had it since, or a person moved it
        }

        return time.GetElapsedTime(known.LookedAt) >= Patience(settings, known.Sends) ? new DueSlice(slice, pool ?? known.Pool, true, time.GetElapsedTime(known.Since)) : null;
    }

    /// <summary>Notes that a slice was sent, or found waiting in its queue.</summary>
    public void Note(PlacedSlice placed, long epoch)
    {
        var (slice, isWaiting) = placed;
        var key = (slice.Run, slice.RolePath);
        var (now, sends) = (time.GetTimestamp(), 0);
        if (!slices.TryGetValue(key, out var known) || known.Step != slice.FromStep)
        {
            known = default;
        }
        else
        {
            sends = isWaiting ? known.Sends : known.Sends + 1; // one that is seen to wait needs no more patience than before
        }

        slices[key] = new Entry(slice.FromStep, epoch, now, isWaiting && known.Since != 0 ? known.Since : now, sends, slice.Pool);
    }

    /// <summary>Whether a role was seen before with the same head, or never.</summary>
    public bool IsStill(string run, string role, long step, long epoch)
        => !slices.TryGetValue((run, role), out var known) || (known.Step == step && known.Epoch == epoch);

    /// <summary>Somebody says that this role is to be looked at: what is due is sent whatever was sent before.</summary>
    public void Forget(string run, string role) => slices.TryRemove((run, role), out _);

    /// <summary>Lets go of a run that does not go on: taken up again, it is a new one to the ledger.</summary>
    public void Leave(string run)
    {
        stages.TryRemove(run, out _);
        Clear(run);
    }

    private void Clear(string run)
    {
        foreach (var command in sent.Keys.Where(command => command.Run == run))
        {
            sent.TryRemove(command, out _);
        }

        foreach (var slice in slices.Keys.Where(slice => slice.Run == run))
        {
            slices.TryRemove(slice, out _);
        }
    }

    private static TimeSpan Patience(WorkerSettings settings, int sends) => settings.ResendAfter / SlicesSooner * (1 << Math.Min(sends, MostDoublings));

    private readonly record struct Entry(long Step, long Epoch, long LookedAt, long Since, int Sends, string? Pool)
    {
        public static Entry At(long step, long epoch, long at, string? pool) => new(step, epoch, at, at, 0, pool);
    }
}

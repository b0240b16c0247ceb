using System.Collections.Concurrent;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>
/// Remembers which commands were sent lately, so that a look at the run does not send again what is on its way. Only a saving: it may be
/// lost or wrong, for a repeated command finds its work done.
/// </summary>
public sealed class DispatchLedger(WorkerSettings settings, TimeProvider time)
{
    private readonly ConcurrentDictionary<IRunCommand, long> sent = new();

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

    /// <summary>Forgets what was sent for a run that goes back: the same commands are due again.</summary>
    public void Forget(string run)
    {
        foreach (var command in sent.Keys.Where(command => command.Run == run))
        {
            sent.TryRemove(command, out _);
        }
    }
}

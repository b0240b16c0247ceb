using System.Collections.Concurrent;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>
/// Remembers which commands were sent lately, so that a look at the run does not send again what is on its way. Only a saving: it may be
/// lost or wrong, for a repeated command finds its work done.
/// </summary>
public sealed class DispatchLedger(TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private readonly ConcurrentDictionary<IRunCommand, long> sent = new();

    /// <summary>True when <paramref name="command"/> is due: never sent, or so long ago that it must have been lost.</summary>
    public bool TryClaim(IRunCommand command)
    {
        var now = time.GetTimestamp();
        if (sent.TryGetValue(command, out var at) && time.GetElapsedTime(at, now) < Patience)
        {
            return false;
        }

        sent[command] = now;
        return true;
    }

    /// <summary>Says that <paramref name="command"/> was not sent after all.</summary>
    public void Forget(IRunCommand command) => sent.TryRemove(command, out _);
}

using System.Collections.Concurrent;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>
/// Which slices this process handed to whom of late: a role that was never placed may be claimed by whoever got its slice. Lost with the process; the slice is then
/// sent again.
/// </summary>
internal sealed class SliceOffers(TimeProvider time)
{
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(10);
    private readonly ConcurrentDictionary<(string Holder, string Run, string Role, string Pool), long> offers = new();

    /// <summary>Notes that a slice was handed out.</summary>
    public void Note(KeyHolder holder, TrainSlice slice)
    {
        foreach (var (old, at) in offers)
        {
            if (time.GetElapsedTime(at) > Kept)
            {
                offers.TryRemove(old, out _);
            }
        }

        offers[(holder.Name, slice.Run, slice.RolePath, slice.Pool)] = time.GetTimestamp();
    }

    /// <summary>Whether a slice of that role was handed to the holder.</summary>
    public bool Knows(KeyHolder holder, string run, string role, string pool) =>
        offers.TryGetValue((holder.Name, run, role, pool), out var at) && time.GetElapsedTime(at) <= Kept;
}

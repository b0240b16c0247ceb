using Ddm.Runs;

namespace Ddm.Services;

/// <summary>A slice that is to be sent.</summary>
/// <param name="Slice">The slice.</param>
/// <param name="Pool">Where it is placed so far; null: nowhere.</param>
/// <param name="HasWaited">Whether it was sent there before and nobody claimed its role.</param>
/// <param name="Waited">Time since its role was seen to go on or was sent to last, whichever was later; zero where nothing is known of it.</param>
public sealed record DueSlice(TrainSlice Slice, string? Pool, bool HasWaited, TimeSpan Waited);

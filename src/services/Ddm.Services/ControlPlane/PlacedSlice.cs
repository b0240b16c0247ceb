using Ddm.Runs;

namespace Ddm.Services;

/// <summary>A slice with its pool.</summary>
/// <param name="Slice">The slice as it is to be sent.</param>
/// <param name="IsWaiting">Whether it was found waiting in that pool's queue: then it is not sent.</param>
public sealed record PlacedSlice(TrainSlice Slice, bool IsWaiting);

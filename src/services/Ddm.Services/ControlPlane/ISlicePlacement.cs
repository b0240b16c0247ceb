using Ddm.Runs;

namespace Ddm.Services;

/// <summary>Puts each slice that is due in exactly one pool.</summary>
public interface ISlicePlacement
{
    /// <summary>All the slices that are due, each with its pool. A role that changes its pool is taken from whoever might hold it first, so that its old message is void.</summary>
    Task<IReadOnlyList<PlacedSlice>> PlaceAsync(RunDocument document, RunObservation seen, IReadOnlyList<DueSlice> due, CancellationToken cancellationToken);
}

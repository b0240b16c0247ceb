using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Placement where one process trains everything: the pools that a spec names are elsewhere.</summary>
internal sealed class OwnPlacement(CheckpointStore checkpoints) : ISlicePlacement
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<PlacedSlice>> PlaceAsync(
        RunDocument document, RunObservation seen, IReadOnlyList<DueSlice> due, CancellationToken cancellationToken)
    {
        var placed = new List<PlacedSlice>(due.Count);
        foreach (var (slice, at, _, _) in due)
        {
            var role = Role.Parse(slice.RolePath);
            var (own, pool) = (PoolName.Of(role), at);
            if (at is not (null or PoolName.Local or PoolName.Router))
            {
                await checkpoints.GrantAsync(slice.Run, role, own, cancellationToken); // of a run that was trained by services before
                pool = own;
            }

            placed.Add(new PlacedSlice(slice with { Pool = pool ?? own }, false));
        }

        return placed;
    }
}

using Ddm.Runs;

namespace Ddm.Services;

/// <summary>Takes slices out of a pool's queue one by one, for workers that cannot reach the queue.</summary>
public interface ISliceSource
{
    /// <summary>The next slice of a pool. It is acknowledged as it is taken: a worker that vanishes with it is noticed by its missing owner record, and the slice sent again.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="wait">How long to wait for one.</param>
    /// <param name="cancellationToken">Whoever asked is gone: nothing may be taken any more.</param>
    /// <returns>Null when none came.</returns>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    Task<TrainSlice?> TakeAsync(string pool, TimeSpan wait, CancellationToken cancellationToken);
}

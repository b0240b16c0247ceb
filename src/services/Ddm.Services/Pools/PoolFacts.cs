namespace Ddm.Services;

/// <summary>How a pool stands.</summary>
/// <param name="Name">The pool.</param>
/// <param name="Workers">Its workers by name, those among them that live no more for a while too.</param>
/// <param name="Training">Roles of the run that a worker trains there.</param>
/// <param name="Waiting">Roles of the run that are placed there and that nobody trains.</param>
public sealed record PoolFacts(string Name, IReadOnlyList<WorkerFacts> Workers, IReadOnlyList<string> Training, IReadOnlyList<string> Waiting)
{
    /// <summary>Whether something waits for workers that are not there.</summary>
    public bool Unmanned => Waiting.Count > 0 && !Workers.Any(worker => worker.TakesSlices);
}

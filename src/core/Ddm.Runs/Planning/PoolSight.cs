namespace Ddm.Runs;

/// <summary>A pool as placement sees it, for one role.</summary>
/// <param name="Name">The pool.</param>
/// <param name="Workers">Live workers that can compute in the role's numerics class.</param>
/// <param name="ImagesPerSecond">Rate of one of them at such roles; null: not measured yet.</param>
/// <param name="Backlog">Images that the other roles placed there still have to train.</param>
public sealed record PoolSight(string Name, int Workers, double? ImagesPerSecond, double Backlog);

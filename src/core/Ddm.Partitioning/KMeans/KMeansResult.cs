namespace Ddm.Partitioning;

/// <summary>The best clustering k-means found.</summary>
/// <param name="Clusters">Clusters, none empty: fewer than asked for where the points are not distinct enough.</param>
/// <param name="Dimensions">D.</param>
/// <param name="Centroids">[Clusters, D] float32, row by row.</param>
/// <param name="Assignment">[N]: the nearest centroid of each point.</param>
/// <param name="Weights">[Clusters]: summed weight of its points; their number when points have no weights.</param>
/// <param name="Inertia">Sum over the points of weight times squared distance to their centroid.</param>
/// <param name="Iterations">Lloyd iterations of the winning restart.</param>
public sealed record KMeansResult(
    int Clusters, int Dimensions, float[] Centroids, int[] Assignment, double[] Weights, double Inertia, int Iterations);

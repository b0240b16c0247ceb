namespace Ddm.Partitioning;

/// <summary>Weighted points in clusters of bounded weight.</summary>
/// <param name="Assignment">[F]: the cluster of each point.</param>
/// <param name="Centroids">[K, D], row by row: weighted means.</param>
/// <param name="Loads">[K]: weight of each cluster.</param>
/// <param name="Inertia">Sum of weight times squared distance to the cluster's mean.</param>
public sealed record BalancedResult(int[] Assignment, float[] Centroids, double[] Loads, double Inertia);

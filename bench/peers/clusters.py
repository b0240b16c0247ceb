"""What the k-means peers share: points from a file, and the inertia of their answer in float64."""

import numpy


def load(path, dimensions):
    """[N, D] float32, little endian, row by row."""
    return numpy.fromfile(path, "<f4").reshape(-1, dimensions)


def inertia(points, centroids):
    """Sum over all points of the squared distance to the nearest centroid."""
    centroids = centroids.astype("f8")
    norms, total = (centroids**2).sum(1), 0.0
    for start in range(0, len(points), 4096):
        block = points[start : start + 4096].astype("f8")
        total += ((block**2).sum(1) + (norms - 2 * block @ centroids.T).min(1)).sum()
    return total

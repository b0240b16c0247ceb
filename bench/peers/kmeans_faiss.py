"""faiss k-means of all points: kmeans_faiss.py FILE DIMENSIONS CLUSTERS ITERATIONS"""

import sys
import time

import faiss

import clusters
import peer

path, dimensions, k, iterations = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
points = clusters.load(path, dimensions)


def round_():
    kmeans = faiss.Kmeans(dimensions, k, niter=iterations, nredo=1, max_points_per_centroid=10**9, seed=1)
    started = time.perf_counter()
    kmeans.train(points)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "inertia": float(clusters.inertia(points, kmeans.centroids)), "iterations": iterations}


peer.serve(round_, {"faiss": faiss.__version__, "blas": peer.blas()})

"""scikit-learn k-means: kmeans_sklearn.py FILE DIMENSIONS CLUSTERS lloyd|elkan|minibatch"""

import sys
import time

import sklearn
from sklearn.cluster import KMeans, MiniBatchKMeans

import clusters
import peer

path, dimensions, k, algorithm = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
points = clusters.load(path, dimensions)


def round_():
    if algorithm == "minibatch":
        kmeans = MiniBatchKMeans(k, n_init=1, batch_size=4096, random_state=1)
    else:
        kmeans = KMeans(k, n_init=1, algorithm=algorithm, random_state=1)
    started = time.perf_counter()
    kmeans.fit(points)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "inertia": float(clusters.inertia(points, kmeans.cluster_centers_)), "iterations": kmeans.n_iter_}


peer.serve(round_, {"sklearn": sklearn.__version__, "blas": peer.blas()})

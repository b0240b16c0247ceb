"""float32 matrix products of one size: matmul.py SIDE THREADS"""

import sys

import torch

import peer

side, threads = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
a, b = torch.randn(side, side), torch.randn(side, side)


def round_():
    torch.mm(a, b)


peer.serve(round_, {"torch": torch.__version__, "blas": peer.blas()})

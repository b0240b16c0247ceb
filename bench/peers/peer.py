"""What every peer script does: say its versions, then run one round for every line on standard input and answer with its seconds."""

import json
import sys
import time


def serve(round_, versions):
    """round_() does one round of work; what it returns (a dict, or None) goes into the answer beside the seconds it took."""
    print(json.dumps({"versions": versions}), flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        extra = round_() or {}
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": extra.pop("seconds", seconds), **extra}), flush=True)


def blas():
    """The BLAS that numpy or torch found, with the kernel it picked for this processor."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return "unknown"
    return "; ".join(f"{p['internal_api']} {p['version']} {p.get('architecture', '')} {p['num_threads']} threads" for p in threadpool_info() if p["user_api"] == "blas")

"""Memory of the process during training."""

import ctypes
import sys
from pathlib import Path

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # names of mallopt(3), by number
_MOST_KEPT = 2**30  # bytes


def keep_freed_memory():
    """Let glibc keep freed blocks, at most 1 GiB of them, for the next step.

    By default it returns large blocks to the system at once, and each training step pays a page fault for
    every 4 KiB of its temporaries, which can cost more than the arithmetic on them. Other systems and C
    libraries are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)  # a block of its own mapping goes back when it is freed, whatever its size
        mallopt(_TRIM_THRESHOLD, _MOST_KEPT)


def share_of_maps():
    """Return the share of the memory maps that Linux allows a process which this one has, from 0 to 1.

    Other systems have no such limit; there it is 0.
    """
    try:
        limit = int(Path("/proc/sys/vm/max_map_count").read_text())
        with open("/proc/self/maps", "rb") as lines:
            return sum(1 for _ in lines) / limit
    except (OSError, ValueError, ZeroDivisionError):
        return 0.0


def peak_memory():
    """Return the peak of the resident memory of this process in MB, or None on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3))  # bytes there, KB elsewhere

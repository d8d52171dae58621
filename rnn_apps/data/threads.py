"""Maps a function over items in threads, in bounded memory."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice


def map_in_threads(items, function, workers=2, ahead=4):
    """Yield ``function(item)`` for every item in order, computed in threads.

    An exception is raised in place of the result of its item, and ends the iteration.

    Args:
        items: Iterable, consumed as needed.
        function: Function of an item.
        workers: Number of threads.
        ahead: Maximum number of results that are being computed or waiting to be consumed.
    """
    if ahead < 1:
        raise ValueError(f"map_in_threads: received ahead={ahead}, expected at least 1")
    items = iter(items)
    pool = ThreadPoolExecutor(workers)
    try:
        pending = deque(pool.submit(function, item) for item in islice(items, ahead))
        while pending:
            yield pending.popleft().result()
            pending.extend(pool.submit(function, item) for item in islice(items, 1))
    finally:
        pool.shutdown(cancel_futures=True)

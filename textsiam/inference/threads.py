"""Which threads compute: a pool for much work, and one BLAS thread in each."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from typing import Any

Map = Callable[..., Iterable[Any]]  # applies a function to each argument, as ``map`` or an executor's ``map`` does


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def worker_threads(questions: int, threads: int | None = None, *, alone: int = 256) -> Iterator[Map]:
    """Give a map whose calls threads share.

    Args:
        questions: how much there is to do.
        threads: how many; None: one a core.
        alone: questions that one thread answers sooner than others would start.
    """
    threads = threads or cores()
    if questions <= alone or threads == 1:
        yield map
    else:
        with ThreadPoolExecutor(threads) as pool:
            yield pool.map


class OneBlasThread:
    """Limits BLAS to one thread while anyone is inside: the limit is the process's, the calls are many threads'.

    On products as small as these, a second BLAS thread costs more than it computes.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0

    @cached_property
    def _libraries(self) -> list[Any]:
        from threadpoolctl import ThreadpoolController  # looks for the libraries in the process: once, it takes long

        return ThreadpoolController().select(user_api="blas").lib_controllers

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._threads = [library.get_num_threads() for library in self._libraries]
                self._limit([1] * len(self._threads))
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._limit(self._threads)

    def _limit(self, threads: list[int]) -> None:
        for library, number in zip(self._libraries, threads, strict=True):
            library.set_num_threads(number)


one_blas_thread = OneBlasThread()

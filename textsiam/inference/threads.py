"""Which threads compute: a pool for much work, and one BLAS thread in each."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from threading import Lock
from typing import Any, TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")
_ALONE = 256  # questions that one thread answers sooner than a pool would start


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_threads(questions: int, threads: int | None = None) -> AbstractContextManager[ThreadPoolExecutor | None]:
    """Give a pool of threads, one a core unless told, or None for little work or a single thread."""
    if questions <= _ALONE:
        return nullcontext()
    threads = threads or cores()
    return nullcontext() if threads == 1 else ThreadPoolExecutor(threads)


def each(pool: ThreadPoolExecutor | None, function: Callable[[_T], _R], arguments: Iterable[_T]) -> list[_R]:
    """Return what a function returns for each argument; the threads of a pool share the calls."""
    return list(map(function, arguments) if pool is None else pool.map(function, arguments))


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

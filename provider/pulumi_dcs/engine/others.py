"""Other providers' requests: served as they would be without this package, as many at once and no more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from types import FrameType
from typing import Any, Final

import grpc

from .running import Running
from .stock_host import is_running

WORKERS: Final = 4096
"""How many requests are served at once at most; threads are started when needed. The stock host has 4, the engine
starts no more than its ``--parallel`` says, and a fleet of a thousand resources waits on a thread each."""

_thread: Final = threading.local()


def many_workers() -> ThreadPoolExecutor:
    """The threads that this package's requests are served on, apart from the host's own."""

    def mark() -> None:
        _thread.is_ours = True

    return ThreadPoolExecutor(WORKERS, thread_name_prefix="adapter", initializer=mark)


class OtherRequests:
    """The requests of other people's dynamic providers.

    The stock host serves four requests at once, and a provider may count on that. So theirs are served on the host's
    own threads, in their order, as without this package.

    Args:
        host_pool: the host's own threads; None where everything is served on them anyway.
        earlier: the frames of requests that were being served before anything here was in place.
    """

    def __init__(self, host_pool: ThreadPoolExecutor | None, earlier: Sequence[FrameType] = ()) -> None:
        self._host_pool = host_pool
        self._earlier = list(earlier)
        self._running = Running()

    @property
    def running(self) -> int:
        """How many are being served; not those that wait for a thread."""
        self._earlier = [frame for frame in self._earlier if is_running(frame)]
        return self._running.count + len(self._earlier)

    def serve(self, stock: Callable[[Any, Any], Any], message: Any, context: grpc.ServicerContext) -> Any:
        """Have the stock handler serve a request."""
        if self._host_pool is None or not getattr(_thread, "is_ours", False):
            with self._running.one_more():
                return stock(message, context)

        def serve_in_turn() -> Any:
            if not context.is_active():
                # As grpc itself does with a request that was cancelled while it waited for a thread.
                context.abort(grpc.StatusCode.CANCELLED, "cancelled before it was started")
            with self._running.one_more():
                return stock(message, context)

        return self._host_pool.submit(copy_context().run, serve_in_turn).result()

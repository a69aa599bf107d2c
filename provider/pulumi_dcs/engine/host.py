"""The dynamic-provider host of this process, extended as far as it lets itself be: one per process."""

from __future__ import annotations

import atexit
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Final

from . import stock_host
from .adapter import Adapter
from .log import Log
from .others import OtherRequests, many_workers
from .shutdown import EngineWatch


class Capability(Enum):
    """What is in force in this process beyond the stock host."""

    REQUESTS = "see whole requests: URN, timeout, old inputs"
    DIAGNOSTICS = "fail with a clean message instead of a traceback"
    PARTIAL_STATE = "keep a resource in the state whose create or update failed"
    DETAILED_DIFF = "say which properties changed, and how"
    CANCELLATION = "hear that the deployment is cancelled"
    ENGINE_WATCH = "notice that the engine is gone"
    WORKERS = "serve more than four requests at once"
    MESSAGES = "show messages on the resource's row while it works"


class Host:
    """What the process's resources share of the host. Made by ``install``."""

    def __init__(self) -> None:
        self._capabilities: set[Capability] = set()
        self._cancel_callbacks: list[Callable[[], None]] = []
        self._close_callbacks: list[Callable[[], None]] = []
        self._is_cancelled = False
        self._lock = threading.Lock()
        self._watch: EngineWatch | None = None
        self.engine_log: Final = Log(stock_host.engine_address())
        if self.engine_log.is_available:
            self._capabilities.add(Capability.MESSAGES)
        self._others = OtherRequests(None)
        # Private names may change in any way: whatever looking for them raises means that they are not there.
        with contextlib.suppress(Exception):
            self._others = OtherRequests(stock_host.thread_pool(), stock_host.busy_frames())
        self.adapter: Final = Adapter(self._others, self._cancel)
        for extend in (self._see_requests, self._replace_handlers, self._watch_engine):
            with contextlib.suppress(Exception):
                extend()

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What is in force in this process."""
        return frozenset(self._capabilities)

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call this when the engine cancels the deployment, or is gone; at once if that was before."""
        with self._lock:
            self._cancel_callbacks.append(callback)
            if not self._is_cancelled:
                return
        callback()

    def on_close(self, callback: Callable[[], None]) -> None:
        """Call this when the process ends while the engine is there, as it does after a deployment."""
        self._close_callbacks.append(callback)

    def _cancel(self) -> None:
        with self._lock:
            self._is_cancelled = True
            callbacks = list(self._cancel_callbacks)
        for callback in callbacks:
            # One that fails must not keep the others from hearing of it, nor the engine from its response.
            with contextlib.suppress(Exception):
                callback()

    def _close(self) -> None:
        if self._watch is not None and self._close_callbacks and self._watch.is_engine_there():
            for callback in self._close_callbacks:
                callback()

    def _see_requests(self) -> None:
        if stock_host.served_request() is not None:
            self._capabilities |= {Capability.REQUESTS, Capability.DIAGNOSTICS, Capability.PARTIAL_STATE}

    def _replace_handlers(self) -> None:
        workers: ThreadPoolExecutor | None = None
        with contextlib.suppress(Exception):
            workers = self._more_workers()
        for table in stock_host.method_tables():
            self.adapter.replace_handlers(table, workers)
            self._capabilities |= {
                Capability.DIAGNOSTICS,
                Capability.PARTIAL_STATE,
                Capability.DETAILED_DIFF,
                Capability.CANCELLATION,
            }
        if workers is not None:
            self._capabilities.add(Capability.WORKERS)
            stock_host.move_queued(stock_host.thread_pool(), workers, self.adapter.replaced)

    def _more_workers(self) -> ThreadPoolExecutor:
        workers = many_workers()
        stock_host.serve_on(lambda: None, workers)
        return workers

    def _watch_engine(self) -> None:
        address = stock_host.engine_address()
        if not address:
            return
        watch = EngineWatch(
            address,
            on_lost=self._cancel,
            own_requests=lambda: self.adapter.running.count,
            other_requests=lambda: self._others.running,
        )
        watch.start()
        self._watch = watch
        atexit.register(self._close)
        self._capabilities.add(Capability.ENGINE_WATCH)


_lock: Final = threading.Lock()
_host: Host | None = None


def install() -> Host:
    """This process's host, extended when it is first asked for."""
    global _host  # noqa: PLW0603 - one per process, whoever asks
    with _lock:
        if _host is None:
            _host = Host()
        return _host

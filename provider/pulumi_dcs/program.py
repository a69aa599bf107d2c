"""What one run of a program shares: settings, clients, clock, responses; made once, whatever asks first."""

from __future__ import annotations

import copy
import os
import threading
import weakref
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from typing import Any, Final, TypeVar, cast

from pulumi.runtime import get_config_env, is_dry_run
from pulumi.runtime.config import CONFIG
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import get_monitor

from .api.clock import CancellableClock, SystemClock
from .api.errors import DcsError
from .clients import Clients
from .config.settings import Settings
from .operations.operation import Operation
from .version import version

T = TypeVar("T")


class Program:
    """What look-ups and hooks of one run of a program share, from any number of threads.

    Args:
        configuration: the stack's configuration, by full key.
        environment: the environment's variables; this process's by default.
        clock: the time that it lives in; the system's by default.
        keeps_responses: whether :meth:`once` keeps what it was told for the rest of the run. A process that no engine
            runs has no end that is known, so that it only shares what is being asked for at the same time.
    """

    def __init__(
        self,
        configuration: Mapping[str, Any],
        environment: Mapping[str, str] = os.environ,
        *,
        clock: CancellableClock | None = None,
        keeps_responses: bool = True,
    ) -> None:
        self.configuration: Final = configuration
        self.settings: Final = Settings(configuration, environment)
        self.clock: Final[CancellableClock] = clock or SystemClock()
        self.clients: Final = Clients(self.settings, self.clock, version())
        self._keeps_responses = keeps_responses
        self._lock = threading.Lock()
        self._responses: dict[Hashable, Future[Any]] = {}

    def operation(
        self,
        name: str,
        timeout: float,
        *,
        report_progress: Callable[[str], None] | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> Operation:
        """An operation of the program.

        Args:
            name: what it does, to follow "to".
            timeout: in seconds.
            report_progress: called with passing messages; nobody is told by default.
            warn: called with lasting warnings; nobody is told by default.
        """
        return Operation(
            name,
            clock=self.clock,
            timeout=timeout,
            report_progress=report_progress or _discard,
            warn=warn or _discard,
        )

    def once(self, question: Hashable, ask: Callable[[], T]) -> T:
        """The response to a question, asked once per run however many threads want it.

        Who comes while it is being asked waits for the same response, and shares a failure. A failure is not kept.

        Args:
            question: what is asked, with everything that the response depends on.

        Raises:
            DcsError: as ``ask`` raises it.
        """
        while True:
            with self._lock:
                future = self._responses.get(question)
                is_first = future is None
                if future is None:
                    future = self._responses[question] = Future()
            if is_first:
                return self._ask(question, future, ask)
            failure = future.exception()
            if failure is None:
                return cast("T", future.result())
            if isinstance(failure, DcsError):
                # A copy for each: a raised exception carries its own traceback.
                raise copy.copy(failure)
            # The thread that asked was interrupted, or met a bug: that is its own.

    def _ask(self, question: Hashable, future: Future[Any], ask: Callable[[], T]) -> T:
        try:
            found = ask()
        except BaseException as error:
            self._forget(question)
            future.set_exception(error)
            raise
        if not self._keeps_responses:
            self._forget(question)
        future.set_result(found)
        return found

    def _forget(self, question: Hashable) -> None:
        with self._lock:
            self._responses.pop(question, None)


_lock: Final = threading.Lock()
_programs: Final[weakref.WeakKeyDictionary[Any, Program]] = weakref.WeakKeyDictionary()
"""By the engine's monitor, of which each run has its own: the Automation API runs several in one process."""
_without_engine: Program | None = None


def current_program() -> Program:
    """What the program that is running shares; where no engine runs it, as with mocks, what the process shares."""
    global _without_engine  # noqa: PLW0603 - one per process
    monitor = get_monitor()
    with _lock:
        if monitor is not None and not isinstance(monitor, MockMonitor):
            found = _programs.get(monitor)
            if found is None:
                found = _programs[monitor] = Program(stack_configuration())
            return found
        configuration = stack_configuration()
        if _without_engine is None or _without_engine.configuration != configuration:
            _without_engine = Program(configuration, keeps_responses=False)
        return _without_engine


def stack_configuration() -> dict[str, Any]:
    """The stack's configuration by full key, secrets included, as the program has been given it."""
    # CONFIG is what `pulumi.Config` reads. It offers single keys only, and without the namespaces of others.
    return {**get_config_env(), **CONFIG.get()}


def is_preview() -> bool:
    """Whether the program runs for a preview."""
    return is_dry_run()


def _discard(_message: str) -> None:
    """Nobody is told."""

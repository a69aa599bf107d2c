"""Asks a service for what is nice to know in a preview: one short try for all who want something, then no more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from ..api.errors import DcsError, ServiceError

T = TypeVar("T")


class Probe:
    """Makes calls while the service responds.

    Until the first call has succeeded, calls are made one after another. After the first failure none is made any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_reachable = False
        self._has_failed = False

    def ask(self, call: Callable[[], T], on_failure: Callable[[DcsError], None]) -> T | None:
        """The call's result; None where the service is out of reach.

        Args:
            on_failure: called with the failure, for the first of them only.

        Raises:
            ServiceError: the service has refused the call itself (HTTP 400 or 404): that is a response, not a failure.
        """
        with self._lock:
            if self._has_failed:
                return None
            if not self._is_reachable:
                result = self._try(call, on_failure)
                self._is_reachable = not self._has_failed
                return result
        return self._try(call, on_failure)

    def _try(self, call: Callable[[], T], on_failure: Callable[[DcsError], None]) -> T | None:
        try:
            return call()
        except DcsError as error:
            if isinstance(error, ServiceError) and error.http_status in (400, 404):
                raise
            is_first, self._has_failed = not self._has_failed, True
            if is_first:
                on_failure(error)
            return None

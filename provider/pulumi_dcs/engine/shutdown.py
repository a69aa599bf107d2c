"""Notices that the engine is gone, and ends the process once nobody's work is cut off by that."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

_POLL_DELAY: Final = 0.5
"""Seconds between two connections to the engine's port: what is made for a dead engine meanwhile, nobody keeps."""
_CONNECT_TIMEOUT: Final = 10.0
"""Seconds for a connection. Windows takes about 2 s to refuse one to a closed loopback port; a refusal is what proves
that the engine is gone, and an engine that is merely slow or suspended must not be taken for one that is."""
_OWN_TIMEOUT: Final = 60.0
"""Seconds that our own requests get to write down what they have made, once the engine is gone."""
_BUSY_DELAY: Final = 0.05


class EngineWatch:
    """Watches the engine from a thread of its own.

    Args:
        address: the engine's ``host:port``.
        on_lost: called once the engine is gone.
        own_requests: how many requests of ours are under way.
        other_requests: how many of other providers'.
    """

    def __init__(
        self,
        address: str,
        on_lost: Callable[[], None],
        own_requests: Callable[[], int],
        other_requests: Callable[[], int],
    ) -> None:
        host, _, port = address.rpartition(":")
        self._address = (host, int(port))
        self._on_lost = on_lost
        self._own_requests = own_requests
        self._other_requests = other_requests

    def start(self) -> None:
        """Begin to watch.

        Raises:
            LookupError: nobody listens there to begin with.
        """
        if not self.is_engine_there():
            raise LookupError("no engine at the address that the host was given")
        threading.Thread(target=self._watch, name="engine-watch", daemon=True).start()

    def is_engine_there(self) -> bool:
        """Whether somebody listens at the engine's address."""
        try:
            socket.create_connection(self._address, timeout=_CONNECT_TIMEOUT).close()
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
        return True

    def _watch(self) -> None:
        """End the process once the engine is gone: nobody else would."""
        while self.is_engine_there():
            time.sleep(_POLL_DELAY)
        self._on_lost()
        deadline = time.monotonic() + _OWN_TIMEOUT
        # Other providers' requests get the time they take: without this package the process would not end at all.
        while self._other_requests() or (self._own_requests() and time.monotonic() < deadline):
            time.sleep(_BUSY_DELAY)
        os._exit(1)

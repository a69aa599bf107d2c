"""One Valkey server: its configuration, its start, its clients and its end."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

from valkey import Valkey
from valkey.exceptions import AuthenticationError, BusyLoadingError
from valkey.exceptions import ConnectionError as NoConnection
from valkey.exceptions import TimeoutError as NoResponse

from .processes import Processes

HOST: Final = "127.0.0.1"
DATA_FILE: Final = "dump.rdb"
APPEND_ONLY_FILE: Final = "appendonly.aof"

_START_TIMEOUT: Final = 120.0
"""Seconds until a server has loaded its file: gigabytes take a while."""
_STOP_TIMEOUT: Final = 60.0
"""Seconds until a server has saved its data."""
_PORTS_TO_TRY: Final = 5
"""A free port may be taken by somebody else before the server has it."""
_POLL: Final = 0.005
"""Seconds between two looks at a server that starts or ends, which takes it about 0.03 s."""


_RESPONSE_TIMEOUT: Final = 5.0
"""Seconds for which a server that loads its file may be silent."""

Client: TypeAlias = Any
"""A client of valkey's: its own types are those of two kinds of clients at once, of which no call's result fits."""


class CannotLoad(Exception):
    """The server ended while it started, as it does where its file can't be read."""


class Server:
    """One server, in a folder of its own.

    Args:
        program: the server's program.
        processes: what starts it.
        folder: where its files are; it exists.
        password: what its clients need.
        databases: how many databases it has.
        append_only: whether it loads an append-only file, in place of an RDB file.
    """

    def __init__(
        self,
        program: Path,
        processes: Processes,
        folder: Path,
        password: str,
        *,
        databases: int = 16,
        append_only: bool = False,
    ) -> None:
        self.folder: Final = folder
        self.password: Final = password
        self.port = 0
        self._program = program
        self._processes = processes
        self._databases = databases
        self._append_only = append_only

    @property
    def is_running(self) -> bool:
        """Whether the server's process lives."""
        return self.port != 0 and not self._processes.has_ended(self._name)

    def start(self, wanted_port: int = 0) -> None:
        """Start it and wait until it has loaded its file.

        Args:
            wanted_port: the port to have if it is free; 0 for any.

        Raises:
            CannotLoad: it can't read its file.
            OSError: it can't be run.
        """
        for attempt in range(_PORTS_TO_TRY):
            port = wanted_port if attempt == 0 and _is_free(wanted_port) else _free_port()
            self._configure(port)
            log = self.folder / "valkey.log"
            written = log.stat().st_size if log.exists() else 0
            command = [str(self._program), "valkey.conf"]
            pid = self._processes.start(self._name, command, self.folder, log)
            if self._is_ready(pid, port):
                self.port = port
                return
            with log.open("rb") as lines:
                lines.seek(written)
                if b"Address already in use" not in lines.read():
                    break
        raise CannotLoad

    @contextmanager
    def client(self, database: int = 0, password: str | None = None) -> Iterator[Client]:
        """A client of one database, for as long as the block lasts."""
        wanted = self.password if password is None else password
        with _connected(self.port, database, wanted, None) as client:
            yield client

    def stop(self) -> None:
        """End it, with its data in its file."""
        if self.port == 0:
            return
        try:
            with self.client() as client:
                # The server closes the connection in place of a response.
                client.shutdown(save=True)
        except AuthenticationError:
            # Somebody has changed its password.
            self._processes.end(self._name)
        except NoConnection:
            pass
        deadline = time.monotonic() + _STOP_TIMEOUT
        while not self._processes.has_ended(self._name):
            if time.monotonic() > deadline:
                self._processes.kill(self._name)
            time.sleep(_POLL)
        self.port = 0

    def kill(self) -> None:
        """End it at once; what it has not saved is lost."""
        self._processes.kill(self._name)
        self.port = 0

    @property
    def _name(self) -> str:
        return str(self.folder)

    def _configure(self, port: int) -> None:
        lines = [
            f"bind {HOST}",
            f"port {port}",
            "dir .",
            f"dbfilename {DATA_FILE}",
            f"requirepass {_quoted(self.password)}",
            f"databases {self._databases}",
            'save ""',
            f"appendonly {'yes' if self._append_only else 'no'}",
            f"appendfilename {APPEND_ONLY_FILE}",
            # An append-only file of commands throughout, as AOF backups are, and one that is cut off is refused.
            "aof-use-rdb-preamble no",
            "aof-load-truncated no",
            # By force: a server that can't write its file must not outlive the endpoint.
            "shutdown-on-sigterm save force",
            "shutdown-on-sigint save force",
            "loglevel warning",
        ]
        path = self.folder / "valkey.conf"
        path.touch(0o600)
        path.write_text("\n".join(lines) + "\n")

    def _is_ready(self, pid: int, port: int) -> bool:
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline:
            time.sleep(_POLL)
            if self._processes.has_ended(self._name):
                return False
            try:
                with _connected(port, 0, self.password, _RESPONSE_TIMEOUT) as client:
                    # Somebody else's server may have taken the port; ours refuses a ping until it has loaded its file.
                    if client.info("server")["process_id"] == pid and client.ping():
                        return True
            except (AuthenticationError, BusyLoadingError, NoConnection, NoResponse):
                continue
        self._processes.kill(self._name)
        return False


def _quoted(text: str) -> str:
    """The text as the server's configuration takes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@contextmanager
def _connected(port: int, database: int, password: str, timeout: float | None) -> Iterator[Client]:
    client: Client = Valkey(
        HOST, port, database, password=password, single_connection_client=True, socket_timeout=timeout
    )
    try:
        yield client
    finally:
        client.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    if port == 0:
        return False
    with socket.socket() as probe:
        # As the server does: connections of an earlier server may still be fading away.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True

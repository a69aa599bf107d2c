"""The data of all instances: one Valkey server each, started when it is first needed, and backups as files."""

from __future__ import annotations

import shutil
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from valkey.exceptions import AuthenticationError, ResponseError

from .binary import find_server
from .folders import Folders
from .keys import KeyCount, copy_keys, count_keys
from .processes import Processes
from .server import APPEND_ONLY_FILE, DATA_FILE, HOST, CannotLoad, Server
from .snapshots import write_append_only_file, write_rdb_file

_BEFORE: Final = "before-restore.rdb"
"""An instance's data while a restore tries the backup's file."""


class BrokenFile(Exception):
    """A backup's file is missing or can't be read."""


class WrongPassword(Exception):
    """The instance to be filled refuses the password."""


@dataclass(frozen=True)
class Address:
    """Where an instance's data are."""

    host: str
    port: int
    password: str


@dataclass(frozen=True)
class BackupFile:
    """A backup, as far as its file goes."""

    backup_id: str
    backup_format: str


class Data:
    """The servers and files of one endpoint. Its methods take their time: call them in threads.

    Args:
        base: the folder to keep everything in; None for a temporary one.
        password: the servers' password; empty for the one chosen before, or a new one.

    Raises:
        NoServer: this machine has no Valkey server.
        FolderInUse: another endpoint uses the folder.
    """

    def __init__(self, base: Path | None, password: str = "") -> None:
        self._program = find_server()
        self._folders = Folders(base)
        self.password: Final = self._folders.password(password)
        temporary = self._folders.base if self._folders.is_temporary else None
        self._processes = Processes(temporary, (self._folders.keepers_lock,))
        self._servers: dict[str, Server] = {}
        self._suspended: set[str] = set()
        self._seen: set[str] = set()
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    def address(self, instance_id: str, databases: int = 16) -> Address | None:
        """Where the instance's data are, once its server is up; None while a restore has suspended it.

        Args:
            instance_id: the instance.
            databases: how many databases it has, where its server is not yet running.

        Raises:
            CannotLoad: the instance's own data can't be read.
        """
        with self._locks[instance_id]:
            if instance_id in self._suspended:
                return None
            return Address(HOST, self._server(instance_id, databases).port, self.password)

    def known_address(self, instance_id: str) -> Address | None:
        """Where the instance's data are, if its server has been needed before."""
        server = self._servers.get(instance_id)
        return Address(HOST, server.port, self.password) if server is not None and server.port else None

    def save(self, instance_id: str, backup: BackupFile, databases: int = 16) -> int:
        """Write the instance's data, as they are now, to the backup's file; its size in bytes."""
        path = self.file(backup)
        with self._locks[instance_id]:
            server = self._server(instance_id, databases)
            write = write_append_only_file if backup.backup_format == "aof" else write_rdb_file
            return write(server, path)

    def suspend(self, instance_id: str) -> None:
        """End the instance's server for a restore; its data stay in its file."""
        with self._locks[instance_id]:
            server = self._servers.get(instance_id)
            if server is not None and server.is_running:
                server.stop()
            self._suspended.add(instance_id)

    def resume(self, instance_id: str, databases: int = 16) -> None:
        """Start the instance's server again, with the data that it had."""
        with self._locks[instance_id]:
            self._suspended.discard(instance_id)
            self._server(instance_id, databases)

    def restore(self, instance_id: str, backup: BackupFile, databases: int = 16) -> None:
        """Start the suspended server with the backup's data; with those that it had if they can't be read.

        Raises:
            BrokenFile: the instance has the data that it had.
        """
        with self._locks[instance_id]:
            folder = self._folder(instance_id)
            own, before = folder / DATA_FILE, folder / _BEFORE
            try:
                candidate = self._as_rdb_file(backup, folder / "candidate.rdb")
                if own.exists():
                    own.replace(before)
                candidate.replace(own)
                self.resume(instance_id, databases)
                before.unlink(missing_ok=True)
            except BaseException as error:
                if before.exists():
                    if instance_id in self._servers:
                        self._servers[instance_id].kill()
                    before.replace(own)
                self.resume(instance_id, databases)
                if isinstance(error, CannotLoad):
                    raise BrokenFile from None
                raise

    def import_into(self, target_id: str, backup: BackupFile, password: str | None, databases: int = 16) -> None:
        """Copy the backup's keys into another instance: equal keys are overwritten, others stay.

        Args:
            target_id: the instance to fill.
            backup: where the keys come from.
            password: the target's, as whoever asks for the import knows it.
            databases: how many databases the target has; what is in others is left out.

        Raises:
            BrokenFile: the backup's file can't be read; the target is as it was.
            WrongPassword: the target refuses the password; it is as it was.
        """
        with self.loaded(backup) as source:
            self.address(target_id, databases)
            try:
                copy_keys(source, self._servers[target_id], password, databases)
            except AuthenticationError:
                raise WrongPassword from None
            except ResponseError as error:
                if str(error).startswith(("NOAUTH", "WRONGPASS")):
                    raise WrongPassword from None
                raise

    def count(self, backup: BackupFile, *, shard: int = 0, shards: int = 1) -> KeyCount:
        """Count the backup's keys, or those of one shard.

        Raises:
            BrokenFile: the backup's file can't be read.
        """
        with self.loaded(backup) as server:
            return count_keys(server, shard=shard, shards=shards)

    def file(self, backup: BackupFile) -> Path:
        """The backup's file; it does not exist where the backup was made without data."""
        return self._folders.backup(backup.backup_id, backup.backup_format)

    def remove_backup(self, backup_id: str) -> None:
        """Remove the backup's file, if there is one."""
        self._folders.remove_backup(backup_id)

    def remove_instance(self, instance_id: str) -> None:
        """End the instance's server and remove its data."""
        with self._locks[instance_id]:
            server = self._servers.pop(instance_id, None)
            if server is not None:
                server.kill()
            self._suspended.discard(instance_id)
            shutil.rmtree(self._folders.instance(instance_id), ignore_errors=True)

    def clear(self) -> None:
        """End every server, remove all data and all backups."""
        for instance_id in list(self._servers):
            self.remove_instance(instance_id)
        self._folders.clear()

    def close(self) -> None:
        """End every server; data are saved unless the folder is a temporary one, which is removed."""
        self._processes.close()
        if self._folders.is_temporary:
            shutil.rmtree(self._folders.base, ignore_errors=True)

    @contextmanager
    def loaded(self, backup: BackupFile) -> Iterator[Server]:
        """A server of its own that has loaded the backup, for as long as the block lasts.

        Raises:
            BrokenFile: the backup's file can't be read.
        """
        folder = self._folders.scratch()
        is_append_only = backup.backup_format == "aof"
        server = Server(self._program, self._processes, folder, self.password, databases=16, append_only=is_append_only)
        try:
            try:
                shutil.copyfile(self.file(backup), folder / (APPEND_ONLY_FILE if is_append_only else DATA_FILE))
                server.start()
            except (CannotLoad, FileNotFoundError):
                raise BrokenFile from None
            yield server
        finally:
            server.kill()
            shutil.rmtree(folder, ignore_errors=True)

    def _server(self, instance_id: str, databases: int) -> Server:
        """The instance's server, running."""
        server = self._servers.get(instance_id)
        if server is not None and server.is_running:
            return server
        folder = self._folder(instance_id)
        port = folder / "port"
        server = Server(self._program, self._processes, folder, self.password, databases=databases)
        server.start(int(port.read_text()) if port.exists() else 0)
        port.write_text(str(server.port))
        self._servers[instance_id] = server
        return server

    def _folder(self, instance_id: str) -> Path:
        """The folder of the instance's server, put right if an endpoint was killed in the middle of a restore."""
        folder = self._folders.instance(instance_id)
        if instance_id not in self._seen and (folder / _BEFORE).exists():
            (folder / _BEFORE).replace(folder / DATA_FILE)
        self._seen.add(instance_id)
        return folder

    def _as_rdb_file(self, backup: BackupFile, path: Path) -> Path:
        if backup.backup_format == "aof":
            with self.loaded(backup) as server:
                write_rdb_file(server, path)
            return path
        try:
            shutil.copyfile(self.file(backup), path)
        except FileNotFoundError:
            raise BrokenFile from None
        return path

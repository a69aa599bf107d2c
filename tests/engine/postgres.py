"""A PostgreSQL server of a test's own, from the system's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path:
    """The folder of the server's programs; installed from the system's packages where this may be done."""
    if (found := _find()) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update"], check=True, capture_output=True)
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", "postgresql"], check=True)
        found = _find()
    if found is None:
        raise FileNotFoundError("no PostgreSQL server: install the package postgresql, or put initdb on PATH")
    return found


def _find() -> Path | None:
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    found = packaged[-1] if packaged else Path(on_path).resolve() if on_path else None
    return found.parent if found else None


@contextmanager
def running_postgres() -> Iterator[str]:
    """Run a server for as long as the block lasts; the URL of its database."""
    programs = binaries()
    # The server refuses to run as root, and a test's own folder is open to nobody else.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        if as_user:
            shutil.chown(folder, "postgres")

        def run(program: str, *arguments: str, check: bool = True) -> None:
            command = [*as_user, str(programs / program), "-D", f"{folder}/data", *arguments]
            subprocess.run(command, check=check, capture_output=True, cwd=folder)

        run("initdb", "-U", "pulumi", "-A", "trust", "-N")
        # A socket in the folder: no port that another program could take first.
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgres://pulumi@/postgres?host={folder}&sslmode=disable"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop", check=False)

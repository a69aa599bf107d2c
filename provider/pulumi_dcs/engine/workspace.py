"""Where the engine runs: its program, its folder, the project, and the state backend, as Pulumi itself finds them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_PROJECT_FILES: Final = ("Pulumi.yaml", "Pulumi.yml", "Pulumi.json")
_SCRIPTS: Final = ("pulumi-language", "pulumi-resource", "pulumi-python", "pulumi-analyzer")
"""Programs of Pulumi's that lie between the engine and this process, and are not the engine."""
_MAX_ANCESTORS: Final = 8
"""The engine is this process's parent, or the parent of a shell script or of a language host between them."""
_PS_TIMEOUT: Final = 10.0
_SECRET_PARTS: Final = ("password", "secret", "token", "key", "sig")


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    executable: str


def engine_binary() -> str | None:
    """The engine's own program, which need not be on PATH; None where there is none to be found."""
    engine = _engine_process()
    if engine is not None:
        link = Path(f"/proc/{engine.pid}/exe")
        if os.access(engine.executable, os.X_OK):
            return engine.executable
        if link.exists():
            # Replaced by an update while it runs: the kernel still has it.
            return str(link)
    suffix = ".exe" if sys.platform == "win32" else ""
    return shutil.which("pulumi") or shutil.which(str(_pulumi_home(os.environ) / "bin" / f"pulumi{suffix}"))


def engine_process_id() -> int | None:
    """The engine's process; None where it can't be found."""
    engine = _engine_process()
    return engine.pid if engine is not None else None


def engine_directory() -> Path | None:
    """The folder that the engine runs in, after ``-C``; None where it can't be found out."""
    engine = _engine_process()
    if engine is None:
        return None
    try:
        return Path(f"/proc/{engine.pid}/cwd").readlink()
    except OSError:
        pass
    # macOS has no /proc; lsof comes with it.
    found = _output("lsof", "-a", "-p", str(engine.pid), "-d", "cwd", "-Fn")
    return next((Path(line[1:]) for line in found.splitlines() if line.startswith("n/")), None)


def engine_run() -> str:
    """A text that tells this run of the engine from every other one on this machine; empty where it can't be found out.

    A process's number is used again; together with the moment of its start it is not.
    """
    engine = _engine_process()
    if engine is None:
        return ""
    try:
        # Field 22 of "pid (name) state …": the start, in clock ticks since the machine's.
        started = Path(f"/proc/{engine.pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        started = _output("ps", "-o", "lstart=", "-p", str(engine.pid)).strip()
    return f"{engine.pid} {started}" if started else ""


def working_directory() -> Path:
    """The folder that relative paths of the engine's settings are relative to.

    This process's own folder is the program's, which the project's ``main`` may have put elsewhere.
    """
    return engine_directory() or project_root() or Path.cwd()


def project_root() -> Path | None:
    """The folder of the project's file, at or above the engine's folder; None where there is none."""
    for start in (engine_directory(), Path.cwd()):
        for folder in (start, *start.parents) if start is not None else ():
            if _project_file(folder) is not None:
                return folder
    return None


def backend_url(environment: Mapping[str, str]) -> str:
    """The state backend's URL: absolute, without passwords; empty where none is chosen.

    As in Pulumi: ``PULUMI_BACKEND_URL``, the project's ``backend.url``, what ``pulumi login`` has chosen.
    """
    chosen = environment.get("PULUMI_BACKEND_URL") or _projects_backend() or _logged_in(environment)
    if chosen.startswith("file://"):
        return _absolute(chosen)
    return _without_secrets(chosen.rstrip("/"))


def _absolute(url: str) -> str:
    """As Pulumi resolves a ``file://`` URL: what follows is a path, relative to the engine's folder, or with ``~``."""
    path = url[len("file://") :].partition("?")[0]
    if path.startswith("~"):
        path = str(Path.home() / path[2:])
    # Not by resolve(): Pulumi follows no symbolic links here.
    absolute = os.path.normpath(working_directory() / path).replace(os.sep, "/")
    return f"file://{absolute if absolute.startswith('/') else '/' + absolute}"


def _without_secrets(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query)
        if not any(secret in name.lower() for secret in _SECRET_PARTS)
    ]
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}", query=urlencode(sorted(query))))


def _projects_backend() -> str:
    root = project_root()
    file = _project_file(root) if root is not None else None
    if file is None:
        return ""
    import yaml

    try:
        project = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, yaml.YAMLError):
        return ""
    backend = project.get("backend") if isinstance(project, Mapping) else None
    return _text(backend, "url")


def _logged_in(environment: Mapping[str, str]) -> str:
    folder = environment.get("PULUMI_CREDENTIALS_PATH") or _pulumi_home(environment)
    try:
        return _text(json.loads((Path(folder) / "credentials.json").read_text(encoding="utf-8")), "current")
    except (OSError, ValueError):
        return ""


def _text(mapping: Any, name: str) -> str:
    value = mapping.get(name) if isinstance(mapping, Mapping) else None
    return value if isinstance(value, str) else ""


def _pulumi_home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")


def _project_file(folder: Path) -> Path | None:
    return next((folder / name for name in _PROJECT_FILES if (folder / name).is_file()), None)


def _engine_process() -> _Process | None:
    """The nearest ancestor that is called ``pulumi…`` and is the engine."""
    for process in _ancestors():
        name = Path(process.executable).name
        if name.startswith("pulumi") and not name.startswith(_SCRIPTS):
            return process
    return None


def _ancestors() -> Iterator[_Process]:
    pid = os.getppid()
    for _ in range(_MAX_ANCESTORS):
        # In a container the engine can be process 1.
        process = _process(pid) if pid > 0 else None
        if process is None:
            return
        yield process
        pid = process.parent


def _process(pid: int) -> _Process | None:
    try:
        # "pid (name) state ppid …", where the name may hold blanks and parentheses.
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        executable = str(Path(f"/proc/{pid}/exe").readlink()).removesuffix(" (deleted)")
    except (OSError, ValueError, IndexError):
        pass
    else:
        return _Process(pid, parent, executable)
    number, _, executable = _output("ps", "-o", "ppid=,comm=", "-p", str(pid)).strip().partition(" ")
    return _Process(pid, int(number), executable.strip()) if number.isdigit() else None


def _output(*command: str) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PS_TIMEOUT, check=False
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return done.stdout

"""Gets a Pulumi engine and prints the folder to put on PATH: ``python tools/engine.py``.

In this order: a recent ``pulumi`` on PATH with its Python host; the official release, downloaded by Pulumi's own
Automation API; a build from the Go module proxy, with the versions pinned beside this file. Downloads and builds are
kept in a cache folder per user, made once, safe against two runs at once and against an interrupted one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

PINNED: Final = {"3.274.1": "pulumi", "3.259.0": "pulumi-older"}
"""The versions that can be built, and the folder of each one's go.mod. The tests run with the first, some with both."""
ENGINE_VERSION: Final = next(iter(PINNED))
OLDEST_ON_PATH: Final = (3, 230)
HERE: Final = Path(__file__).parent / "engine"
_DOWNLOAD = """
import sys, semver
from pulumi.automation import PulumiCommand
PulumiCommand.install(root=sys.argv[1], version=semver.VersionInfo.parse(sys.argv[2]))
"""


def main() -> None:
    """Find, download or build, and print the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="source", choices=["any", "path", "release", "build"], default="any")
    parser.add_argument("--version", choices=list(PINNED), help="exactly this version (default: any recent one)")
    options = parser.parse_args()
    print(find_engine(options.source, options.version))


def find_engine(source: str, exactly: str | None = None) -> Path:
    """The folder with ``pulumi``, its Python host and the dynamic provider's launcher.

    Args:
        source: ``path``, ``release``, ``build``, or ``any`` of them.
        exactly: the version that it has to be; by default any recent one on PATH will do.
    """
    version = exactly or ENGINE_VERSION
    if source in {"any", "path"}:
        on_path = engine_on_path(exactly)
        if on_path is not None:
            return on_path
        if source == "path":
            sys.exit(f"There is no {exactly or 'recent'} pulumi with its Python host on PATH.")
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with lock(cache):
        if source in {"any", "release"}:
            # A build that is there already is as good as a release, and needs no network.
            built = build_folder(cache, version)
            if source == "any" and built.is_dir():
                return built
            release = download_release(cache, version)
            if release is not None:
                return release
            if source == "release":
                sys.exit("The official release could not be downloaded.")
        return build(cache, version)


def cache_folder() -> Path:
    """The per-user folder that engines are kept in."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "pulumi-dcs" / "engine"


def say(message: str) -> None:
    """Tell who waits; standard output is for the result."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def lock(cache: Path) -> Iterator[None]:
    """Let one process at a time download or build."""
    guard = FileLock(cache / "lock")
    try:
        guard.acquire(timeout=0)
    except Timeout:
        say("another run is getting the engine; waiting for it")
        guard.acquire()
    try:
        yield
    finally:
        guard.release()


def engine_on_path(exactly: str | None = None) -> Path | None:
    """The folder of a recent enough ``pulumi`` on PATH that has its Python host beside it or on PATH."""
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        return None
    told = subprocess.run([pulumi, "version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v?(\d+)\.(\d+)", told.strip())
    if found is None or (int(found[1]), int(found[2])) < OLDEST_ON_PATH:
        say(f"the pulumi on PATH ({told.strip()}) is older than {'.'.join(map(str, OLDEST_ON_PATH))}; not using it")
        return None
    if exactly is not None and told.strip().removeprefix("v") != exactly:
        return None
    folder = Path(pulumi).resolve().parent
    if (folder / "pulumi-language-python").exists() or shutil.which("pulumi-language-python"):
        return Path(pulumi).parent
    say("the pulumi on PATH has no Python host (pulumi-language-python); not using it")
    return None


def download_release(cache: Path, version: str) -> Path | None:
    """The official release; None where it can't be had, as without the internet."""
    folder = cache / f"release-{version}"
    if (folder / "bin" / "pulumi").exists():
        return folder / "bin"
    say(f"downloading the official release {version} …")
    with tempfile.TemporaryDirectory(dir=cache, prefix="part-") as part:
        command = [sys.executable, "-c", _DOWNLOAD, str(Path(part) / "engine"), version]
        try:
            subprocess.run(command, check=True, timeout=600, capture_output=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            lines = (error.stderr or b"").decode(errors="replace").strip().splitlines()
            say(f"  not possible here: {lines[-1] if lines else error}")
            return None
        (Path(part) / "engine").replace(folder)
    return folder / "bin"


def build_folder(cache: Path, version: str) -> Path:
    """Where a build of exactly these pinned versions is kept."""
    pins = b"".join((HERE / name / "go.sum").read_bytes() for name in (PINNED[version], "python-host"))
    pinned = hashlib.sha256(pins).hexdigest()[:12]
    return cache / f"build-{version}-{platform.system()}-{platform.machine()}-{pinned}".lower()


def build(cache: Path, version: str) -> Path:
    """Build the engine and its Python host from the Go module proxy."""
    folder = build_folder(cache, version)
    if folder.is_dir():
        return folder
    if shutil.which("go") is None:
        sys.exit(
            "There is no Pulumi engine, and no way to get one: neither a recent pulumi on PATH, nor the internet, "
            "nor Go. Install Pulumi (https://www.pulumi.com/docs/install/) or Go, and try again."
        )
    for left_over in cache.glob("part-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    part = Path(tempfile.mkdtemp(dir=cache, prefix="part-"))
    linker_flags = f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}"
    go_build(PINNED[version], "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", part / "pulumi", linker_flags)
    host = "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
    go_build("python-host", host, part / "pulumi-language-python", "")
    sdk = go("python-host", "list", "-m", "-f", "{{.Dir}}", "github.com/pulumi/pulumi/sdk/v3").strip()
    for script in ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python"):
        target = part / Path(script).name
        shutil.copyfile(Path(sdk) / script, target)
        target.chmod(0o755)
    part.chmod(0o755)
    # The last step makes it valid: an interrupted build leaves nothing that looks finished.
    part.replace(folder)
    return folder


def go(module: str, *arguments: str) -> str:
    """Run the go command in one of the pinned modules; what it printed."""
    done = subprocess.run(
        ["go", *arguments], cwd=HERE / module, env=go_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"go {arguments[0]} failed:\n{done.stderr[-3000:]}")
    return done.stdout


def go_environment() -> dict[str, str]:
    """The environment for go: nothing but the pinned versions."""
    return {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off", "CGO_ENABLED": "0"}


def go_build(module: str, package: str, target: Path, linker_flags: str) -> None:
    """Build one command, showing how far it is."""
    say(f"building {target.name} from the Go module proxy, once for this machine …")
    began = time.monotonic()
    say("  downloading its modules")
    total = len(go(module, "list", "-deps", package).splitlines())
    command = ["go", "build", "-v", "-trimpath", "-ldflags", f"-s -w {linker_flags}", "-o", str(target), package]
    with subprocess.Popen(
        command, cwd=HERE / module, env=go_environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        lines: list[str] = []
        shown = began
        for line in process.stderr:
            lines.append(line)
            if time.monotonic() - shown > (1 if sys.stderr.isatty() else 15):
                shown = time.monotonic()
                say(f"  {len(lines)} of at most {total} packages compiled, {shown - began:.0f} s")
    if process.returncode:
        sys.exit(f"go build failed:\n{''.join(lines[-40:])}")
    say(f"  built in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()

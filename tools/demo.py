"""Runs the root project for real: ``make demo``.

Against a local DCS endpoint with real data: a backup is taken and verified, the data are damaged, and a restore brings
them back. With credentials and ``DCS_INSTANCE_ID`` in the environment, against the real service: then nothing is
damaged or restored. Endpoint and stack keep their state below ``.demo``, so that the next run finds its backup again.
"""

from __future__ import annotations

import os
import secrets
import shlex
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import requests
from demo_data import Data
from engine import find_engine

ROOT: Final = Path(__file__).parent.parent
STATE: Final = ROOT / ".demo"
STACK: Final = "demo"
LOCAL_INSTANCE: Final = "11111111-1111-4111-8111-000000000002"
REAL: Final = "holds-real-backups"
"""Keeps `make clean` from forgetting the state of backups that exist at the real service."""
KEY_VARIABLES: Final = ("HUAWEICLOUD_SDK_AK", "HW_ACCESS_KEY", "CLOUD_SDK_AK", "HW_AUTH_TOKEN")


def main() -> None:
    """Run everything; stop at the first command that fails."""
    is_real = "DCS_INSTANCE_ID" in os.environ and any(name in os.environ for name in KEY_VARIABLES)
    instance_id = os.environ["DCS_INSTANCE_ID"] if is_real else LOCAL_INSTANCE
    STATE.mkdir(exist_ok=True)
    heading(f"Get the Pulumi engine{'' if is_real else ' and start a local DCS endpoint'}")
    environment = {**stack_environment(), **({} if is_real else start_endpoint())}
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{find_engine('any')}{os.pathsep}{os.environ['PATH']}"
    environment["PATH"] = path
    if not is_real:
        print(f"local endpoint: {environment['DCS_ENDPOINT']} (its API: {environment['DCS_ENDPOINT']}/docs)")
    everything = {**os.environ, **environment}
    if is_real:
        (STATE / REAL).touch()
    stack = "dev" if is_real else STACK
    run(everything, "pulumi", "stack", "select", stack, "--create", quiet=True)
    run(everything, "pulumi", "config", "set", "instanceId", instance_id, quiet=True)
    run(everything, "pulumi", "config", "rm", "restoreFrom", quiet=True)
    data = None if is_real else data_of(environment["DCS_ENDPOINT"])
    if data is not None:
        heading("Write some data")
        data.write()
        before = data.digest()
        print(f"instance orders holds {before[0]} keys")
    heading("What would happen?")
    run(everything, "pulumi", "preview", "--diff")
    heading("Make it so: the backup is taken, and the service reads it through")
    run(everything, "pulumi", "up", "--yes", "--skip-preview")
    heading("The outputs")
    run(everything, "pulumi", "stack", "output", "--json")
    if data is not None:
        heading("A bad migration")
        print(data.damage())
        backup_id = output_of(everything, "pulumi", "stack", "output", "backup_id")
        heading("What would the restore do?")
        run(everything, "pulumi", "config", "set", "restoreFrom", backup_id)
        run(everything, "pulumi", "preview", "--diff")
        heading("Restore")
        run(everything, "pulumi", "up", "--yes", "--skip-preview")
        after = data.digest()
        if after != before:
            sys.exit(f"The data are not what they were: {after[0]} keys, {before[0]} before.")
        print(f"\ninstance orders holds {after[0]} keys: every key and value is what it was")
    heading("Once more: nothing to do, and nothing is restored twice")
    run(everything, "pulumi", "up", "--yes", "--skip-preview", "--expect-no-changes")
    heading("Go on by hand")
    write_environment(environment)
    relative = (STATE / "env").relative_to(ROOT)
    print(
        f"  source {relative}\n"
        "  pulumi config set remark 'before 2026.12'    # a change that takes a new backup\n"
        "  pulumi preview --diff\n"
        "  pulumi up\n"
        "  pulumi destroy                               # deletes the backup\n"
        "  make clean                                   # forgets the local endpoint and the stack"
    )


def data_of(endpoint: str) -> Data | None:
    """The data of the demo's instance; None where this machine has no server for them."""
    response = requests.get(f"{endpoint}/control/instances/{LOCAL_INSTANCE}/server", timeout=30)
    if response.ok:
        return Data(endpoint, LOCAL_INSTANCE)
    print("There is no Valkey server for this machine: the demo goes on without data, and restores nothing.")
    return None


def heading(text: str) -> None:
    """Print a heading."""
    print(f"\n==> {text}", flush=True)


def run(environment: dict[str, str], *command: str, quiet: bool = False) -> None:
    """Run one command in the project, showing it as a person would type it."""
    if not quiet:
        print(f"$ {shlex.join(command)}", flush=True)
    process = subprocess.Popen(
        [*command, "--non-interactive"] if command[0] == "pulumi" else command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
    )
    try:
        said, _ = process.communicate()
    except KeyboardInterrupt:
        # The command was interrupted as well. Killed, it would leave its lock on the stack to the next run.
        while process.poll() is None:
            with suppress(KeyboardInterrupt):
                process.wait()
        sys.exit(130)
    if process.returncode:
        print(said or "", file=sys.stderr)
        sys.exit(process.returncode)


def output_of(environment: dict[str, str], *command: str) -> str:
    """What a command prints."""
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def stack_environment() -> dict[str, str]:
    """Keep the stack's state in this folder, unless the user has a backend of their own."""
    if "PULUMI_BACKEND_URL" in os.environ:
        return {}
    (STATE / "stacks").mkdir(exist_ok=True)
    return {
        "PULUMI_BACKEND_URL": f"file://{STATE / 'stacks'}",
        "PULUMI_CONFIG_PASSPHRASE": kept("passphrase"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def start_endpoint() -> dict[str, str]:
    """Start the local endpoint, unless it is running; the settings that lead to it."""
    access_key, secret_key = kept("access-key"), kept("secret-key")
    port = int(kept("port", str(free_port())))
    settings = {
        "DCS_ENDPOINT": f"http://127.0.0.1:{port}",
        "HUAWEICLOUD_SDK_IAM_ENDPOINT": f"http://127.0.0.1:{port}",
        "HUAWEICLOUD_SDK_AK": access_key,
        "HUAWEICLOUD_SDK_SK": secret_key,
        "HW_REGION_NAME": "cn-north-4",
    }
    if is_up(port):
        return settings
    with (STATE / "endpoint.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "pulumi_dcs.emulator"),
                *("--port", str(port), "--database", str(STATE / "endpoint.sqlite"), "--duration", "3"),
            ],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (STATE / "endpoint.pid").write_text(str(process.pid))
    for _ in range(300):
        if is_up(port):
            return settings
        if process.poll() is not None:
            break
        time.sleep(0.1)
    sys.exit(f"The local endpoint did not start; see {STATE / 'endpoint.log'}:\n{(STATE / 'endpoint.log').read_text()}")


def is_up(port: int) -> bool:
    """Whether the local endpoint responds there."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/control/behaviour", timeout=2).ok
    except requests.RequestException:
        return False


def free_port() -> int:
    """Find a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def kept(name: str, value: str = "") -> str:
    """Read a value that stays the same from run to run; the first run makes it."""
    file = STATE / name
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(value or secrets.token_hex(16))
    return file.read_text()


def write_environment(environment: dict[str, str]) -> None:
    """Write a file that a shell can source."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()]
    file = STATE / "env"
    file.touch(mode=0o600)
    file.write_text("".join(lines))


if __name__ == "__main__":
    main()

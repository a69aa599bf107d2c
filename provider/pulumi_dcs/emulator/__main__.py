"""Serves the local endpoint: ``python -m pulumi_dcs.emulator``."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from typing import Final

try:
    import uvicorn
except ModuleNotFoundError:
    sys.exit("The local endpoint needs its extra: pip install 'pulumi-dcs[emulator]'")

from .app import create_app
from .connections import DroppableProtocol
from .signatures import Accepted
from .store import PRESET_INSTANCES, Store
from .world import Behaviour, World

BACKLOG: Final = 4096
"""Connections that may wait to be accepted: a fleet of hundreds connects at once."""


def main() -> None:
    """Read the options, print how to use the endpoint, serve until interrupted."""
    options = _parser().parse_args()
    accepted = Accepted(options.access_key, options.secret_key, options.security_token, options.auth_token)
    store = Store(options.database, options.project_id)
    for name, project_id in options.project:
        store.add_project(project_id, name)
    regions = tuple(options.region or ["cn-north-4"])
    world = World(store, accepted, options.project_id, regions, Behaviour(duration=options.duration))
    config = uvicorn.Config(
        create_app(world),
        http=DroppableProtocol,
        log_level="warning",
        access_log=False,
        date_header=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=75,
    )
    with _listen(options.port) as listening:
        # From here on connections wait to be served: who reads the URL can use it.
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        print(url, flush=True) if options.quiet else _introduce(url, options, regions)
        uvicorn.Server(config).run(sockets=[listening])


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
    except OSError as error:
        sys.exit(f"Port {port} of 127.0.0.1 can't be used: {error.strerror}. Name another with --port, or 0 for any.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pulumi_dcs.emulator",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=8780, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--database", default=":memory:", help="SQLite file that keeps the state")
    parser.add_argument("--duration", type=float, default=2.0, help="seconds that a backup takes")
    parser.add_argument(
        "--project-id", default="0123456789abcdef0123456789abcdef", help="the project of the preset instances"
    )
    parser.add_argument("--region", action="append", help="name of the project at IAM; may be given several times")
    parser.add_argument(
        "--project",
        action="append",
        default=[],
        metavar="REGION=ID",
        type=_project,
        help="one more project, of this region or another; may be given several times",
    )
    parser.add_argument("--access-key", default=os.environ.get("HUAWEICLOUD_SDK_AK", "local-access-key"))
    parser.add_argument("--secret-key", default=os.environ.get("HUAWEICLOUD_SDK_SK", "local-secret-key"))
    parser.add_argument("--security-token", default="", help="demand this X-Security-Token")
    parser.add_argument("--auth-token", default="", help="also accept this X-Auth-Token")
    parser.add_argument("--quiet", action="store_true", help="print only the endpoint's URL at the start")
    return parser


def _project(text: str) -> tuple[str, str]:
    name, _, project_id = text.partition("=")
    if not name or not project_id:
        raise argparse.ArgumentTypeError("write it as REGION=ID")
    return name, project_id


def _introduce(url: str, options: argparse.Namespace, regions: tuple[str, ...]) -> None:
    print(f"A local DCS endpoint at {url} (its API: /docs). To use it:\n")
    for name, value in {
        "DCS_ENDPOINT": url,
        "HUAWEICLOUD_SDK_AK": options.access_key,
        "HUAWEICLOUD_SDK_SK": options.secret_key,
        "HUAWEICLOUD_SDK_PROJECT_ID": options.project_id,
        "HW_REGION_NAME": regions[0],
    }.items():
        print(f"  export {name}={value}")
    print("\nIts instances at the start:\n")
    for instance_id, name, cache_mode, engine_version in PRESET_INSTANCES:
        print(f"  {instance_id}  {name:<10}  {cache_mode:<12} Redis {engine_version}")
    print(flush=True)


if __name__ == "__main__":
    main()

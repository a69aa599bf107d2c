"""Runs a command once for each release; stands for whatever your risky change is."""

from __future__ import annotations

import subprocess
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider


class MigrationProvider(ResourceProvider):
    """Runs the command when the release changes."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Run the command; if it fails, so does the resource."""
        subprocess.run(props["command"], shell=True, check=True, env={"RELEASE": props["release"]})
        return CreateResult(props["release"], props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Replace the migration when the release changes, which runs the command again."""
        is_new = _olds["release"] != _news["release"]
        return DiffResult(changes=is_new, replaces=["release"] if is_new else [])


class Migration(Resource):
    """A migration to a release."""

    release: pulumi.Output[str]

    def __init__(self, name: str, *, release: str, command: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__(MigrationProvider(), name, {"release": release, "command": command}, opts)

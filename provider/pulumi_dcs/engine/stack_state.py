"""Asks the engine's command line what the stack's state holds, once for all who ask at the same time."""

from __future__ import annotations

import json
import math
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from . import workspace
from .values import without_assets
from .wire import from_json, visible

_TIMEOUT: Final = 120.0
"""Seconds for an export. A folder's takes under one, a bucket's with thousands of resources some ten."""
_RETRY_DELAYS: Final = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try. While the engine saves, a folder's state can be read half-written: with a fleet that
starts at once, it saves some hundred times within seconds."""


@dataclass(frozen=True)
class StateResource:
    """A custom resource in the stack's state.

    Attributes:
        inputs: as in requests; an encrypted value is ``SECRET``, and may be equal to anything.
        outputs: likewise.
        is_pending_delete: it was replaced, and its deletion is still to come.
        is_external: a program has read it; the stack does not own it.
        is_deleted: it was deleted to be replaced, and its replacement is still to come.
    """

    urn: str
    id: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    is_pending_delete: bool = False
    retains_on_delete: bool = False
    is_external: bool = False
    is_deleted: bool = False


@dataclass(frozen=True)
class PendingCreate:
    """A creation that was started, and of whose end the state knows nothing; perhaps it is under way now."""

    urn: str
    inputs: Mapping[str, Any]
    retains_on_delete: bool = False


@dataclass(frozen=True)
class StackState:
    """What the state holds.

    Attributes:
        pending_creates: the newest first.
        started_at: when the export was started, by ``time.monotonic``.
        ended_at: when it had ended: nothing that the engine saved later is in it.
    """

    resources: tuple[StateResource, ...]
    pending_creates: tuple[PendingCreate, ...]
    started_at: float
    ended_at: float = math.inf


class StackStateUnavailable(Exception):
    """The state could not be read.

    Attributes:
        reason: why, without anything secret.
        is_transient: whether another try may find it whole.
    """

    def __init__(self, reason: str, *, is_transient: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_transient = is_transient


@dataclass
class _Export:
    """One run of the command: under way until it has a result."""

    started_at: float
    result: StackState | StackStateUnavailable | None = None


Run = Callable[[str], str]
"""Exports the stack of this name and returns what that prints. Raises StackStateUnavailable."""


class StackStates:
    """The states of the stacks that this process serves: of one, as a rule.

    Args:
        run: exports a stack; asks the engine's own program by default.
        sleep: waits before it is tried again.
    """

    def __init__(self, run: Run | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        self._run = run or _export
        self._sleep = sleep
        self._condition = threading.Condition()
        self._exports: dict[str, _Export] = {}

    def read(self, urn: str, organization: str = "", *, not_before: float = float("-inf")) -> StackState:
        """The state of a URN's stack.

        Many threads may ask at once: one export is made for all of them, and its failure is theirs as well.

        Args:
            organization: the stack's; if that is not known, the state backend takes its default one.
            not_before: an export that was started before (by ``time.monotonic``) is made again.

        Raises:
            StackStateUnavailable: it could not be read.
        """
        name = _stack_name(urn, organization)
        with self._condition:
            while True:
                export = self._exports.get(name)
                if export is not None and export.result is None:
                    self._condition.wait()
                elif export is not None and export.started_at >= not_before:
                    return _unwrapped(export)
                else:
                    export = self._exports[name] = _Export(time.monotonic())
                    break
        # Whatever happens, nobody must wait for ever.
        result: StackState | StackStateUnavailable = StackStateUnavailable("reading the stack's state was cut short")
        try:
            result = self._read(name, urn)
        except StackStateUnavailable as error:
            result = error
        finally:
            with self._condition:
                export.result = result
                if isinstance(result, StackState):
                    export.started_at = result.started_at
                self._condition.notify_all()
        return _unwrapped(export)

    def _read(self, name: str, urn: str) -> StackState:
        """The state, in as many tries as it takes to find it whole."""
        delays = iter(_RETRY_DELAYS)
        while True:
            started_at = time.monotonic()
            try:
                return _parsed(self._run(name), urn, started_at)
            except StackStateUnavailable as error:
                delay = next(delays, None)
                if delay is None or not error.is_transient:
                    raise
            self._sleep(delay)


def _unwrapped(export: _Export) -> StackState:
    if isinstance(export.result, StackState):
        return export.result
    assert export.result is not None
    # A new one for each thread: an exception collects the frames that it is raised through.
    raise StackStateUnavailable(export.result.reason)


def _stack_name(urn: str, organization: str) -> str:
    """Not the selected stack: the run may have been told by ``--stack`` which one it is."""
    try:
        head, project = urn.split("::")[:2]
    except ValueError:
        raise StackStateUnavailable("the stack is not known") from None
    stack = head.rpartition(":")[2]
    return f"{organization}/{project}/{stack}" if organization else stack


def _export(name: str) -> str:
    """Run ``pulumi stack export`` where the engine runs. Secrets stay encrypted."""
    binary = workspace.engine_binary()
    if binary is None:
        raise StackStateUnavailable("there is no pulumi on PATH to read the stack's state with")
    try:
        done = subprocess.run(
            [binary, "stack", "export", "--stack", name, "--non-interactive"],
            cwd=workspace.working_directory(),
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StackStateUnavailable(f"`pulumi stack export` did not end within {_TIMEOUT:.0f} s") from None
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise StackStateUnavailable(f"{Path(binary).name} could not be run: {problem}") from None
    if done.returncode:
        lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
        # A backend's URL, and with it a password, may stand in what follows the first line.
        reason = _without_url(lines[0].removeprefix("error: ")) if lines else f"it ended with {done.returncode}"
        raise StackStateUnavailable(f"`pulumi stack export --stack {name}` failed: {reason}", is_transient=True)
    return done.stdout.decode(errors="replace")


def _without_url(line: str) -> str:
    return " ".join("<URL>" if "://" in word else word for word in line.split(" "))


def _parsed(text: str, urn: str, started_at: float) -> StackState:
    try:
        deployment = json.loads(text)["deployment"]
        resources = [resource for resource in deployment.get("resources") or [] if resource.get("custom")]
        operations = deployment.get("pending_operations") or []
        creates = [operation["resource"] for operation in operations if operation["type"] == "creating"]
        stack = urn.split("::")[:2]
        if any(resource["urn"].split("::")[:2] != stack for resource in [*resources, *creates]):
            raise StackStateUnavailable("`pulumi stack export` printed the state of another stack")
        return StackState(
            tuple(_resource(resource) for resource in resources),
            tuple(_pending_create(resource) for resource in creates),
            started_at,
            time.monotonic(),
        )
    except (ValueError, LookupError, AttributeError, TypeError):
        raise StackStateUnavailable("`pulumi stack export` printed no state") from None


def _resource(resource: Mapping[str, Any]) -> StateResource:
    return StateResource(
        urn=resource["urn"],
        id=str(resource.get("id", "")),
        inputs=_properties(resource, "inputs"),
        outputs=_properties(resource, "outputs"),
        is_pending_delete=bool(resource.get("delete")),
        retains_on_delete=bool(resource.get("retainOnDelete")),
        is_external=bool(resource.get("external")),
        is_deleted=bool(resource.get("pendingReplacement")),
    )


def _pending_create(resource: Mapping[str, Any]) -> PendingCreate:
    return PendingCreate(resource["urn"], _properties(resource, "inputs"), bool(resource.get("retainOnDelete")))


def _properties(resource: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = visible(without_assets(from_json(resource.get(name) or {})))
    return properties

"""What the engine did or would do: its event log, read into plain values.

The log has one JSON object a line (``apitype.EngineEvent`` in Pulumi's SDK); the engine has taken secrets out of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

_COLOURS: Final = re.compile(r"<\{%[^%]*%\}>")
"""The engine's markup for colours, which it leaves in some messages."""


class StepOutcome(Enum):
    """How far the engine came with a step. In a preview, every step that was planned is done."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class ResourceState:
    """A resource before or after a step.

    Attributes:
        is_protected, is_retained: its options ``protect`` and ``retain_on_delete``, wherever they come from.
    """

    id: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    is_protected: bool = False
    is_retained: bool = False

    @classmethod
    def parse(cls, state: object) -> ResourceState | None:
        """Read one; None where there is none."""
        if not isinstance(state, Mapping):
            return None
        return cls(
            id=str(state.get("id") or ""),
            inputs=_mapping(state.get("inputs")),
            outputs=_mapping(state.get("outputs")),
            is_protected=bool(state.get("protect")),
            is_retained=bool(state.get("retainOnDelete")),
        )


@dataclass(frozen=True)
class Step:
    """One thing that the engine does to one resource, such as ``create-replacement``."""

    op: str
    urn: str
    type: str
    old: ResourceState | None
    new: ResourceState | None
    outcome: StepOutcome = StepOutcome.STARTED


@dataclass(frozen=True)
class Diagnostic:
    """A message of the engine, the program or a provider; ``urn`` is empty where it is about no resource."""

    severity: str
    message: str
    urn: str = ""

    @property
    def is_error(self) -> bool:
        """Whether it says why the run failed."""
        return self.severity == "error"


@dataclass(frozen=True)
class Violation:
    """A policy that something breaks; ``urn`` is empty where it is the stack as a whole."""

    policy: str
    message: str
    is_mandatory: bool
    urn: str = ""


@dataclass(frozen=True)
class EventLog:
    """Everything that one command of the engine said.

    Attributes:
        steps: in the engine's order, one for each operation on each resource.
        changes: how many resources had which operation, as the engine counts them; empty until it has ended.
        is_complete: whether all of it could be read, to the engine's sum at the end.
    """

    steps: tuple[Step, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    violations: tuple[Violation, ...] = ()
    changes: Mapping[str, int] = field(default_factory=dict)
    is_complete: bool = False

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that say why the run failed."""
        return tuple(each for each in self.diagnostics if each.is_error)

    @classmethod
    def parse(cls, text: str) -> EventLog:
        """Read a log. What can't be read, such as a last line that was cut off, is left out and noted."""
        reader = _Reader()
        # Not by splitlines: texts in the log have characters that Python takes for ends of lines, such as U+0085.
        for line in filter(None, text.split("\n")):
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                event = None
            if isinstance(event, Mapping):
                reader.read(event)
            else:
                reader.is_whole = False
        return cls(
            tuple(reader.steps.values()),
            tuple(reader.diagnostics),
            tuple(reader.violations),
            reader.changes,
            is_complete=reader.is_whole and reader.has_ended,
        )


class _Reader:
    """Collects what the events of one log say."""

    def __init__(self) -> None:
        self.steps: dict[tuple[str, str, str], Step] = {}
        self.diagnostics: list[Diagnostic] = []
        self.violations: list[Violation] = []
        self.changes: dict[str, int] = {}
        self.is_whole = True
        self.has_ended = False

    def read(self, event: Mapping[str, Any]) -> None:
        if (step := event.get("resourcePreEvent")) is not None:
            self._step(step, StepOutcome.STARTED)
        elif (step := event.get("resOutputsEvent")) is not None:
            self._step(step, StepOutcome.DONE)
        elif (step := event.get("resOpFailedEvent")) is not None:
            self._step(step, StepOutcome.FAILED)
        elif (diagnostic := event.get("diagnosticEvent")) is not None:
            self._diagnostic(_mapping(diagnostic))
        elif (violation := event.get("policyEvent")) is not None:
            violation = _mapping(violation)
            self.violations.append(
                Violation(
                    policy=str(violation.get("policyName") or ""),
                    message=_plain(violation.get("message")),
                    is_mandatory=violation.get("enforcementLevel") == "mandatory",
                    urn=str(violation.get("resourceUrn") or ""),
                )
            )
        elif (summary := event.get("summaryEvent")) is not None:
            self.has_ended = True
            self.changes = dict(_mapping(_mapping(summary).get("resourceChanges")))

    def _step(self, event: object, outcome: StepOutcome) -> None:
        about = _mapping(_mapping(event).get("metadata"))
        old, new = ResourceState.parse(about.get("old")), ResourceState.parse(about.get("new"))
        op, urn = str(about.get("op") or ""), str(about.get("urn") or "")
        # Several resources of one URN can wait to be deleted; a failed step says its operation again.
        key = (urn, op, old.id if old is not None else "")
        self.steps[key] = Step(op, urn, str(about.get("type") or ""), old, new, outcome)

    def _diagnostic(self, event: Mapping[str, Any]) -> None:
        severity = str(event.get("severity") or "")
        if severity == "debug" or event.get("ephemeral"):
            return
        self.diagnostics.append(
            Diagnostic(severity.partition("#")[0], _plain(event.get("message")), str(event.get("urn") or ""))
        )


def _mapping(value: object) -> Mapping[str, Any]:
    """The value if it has names in it; else one without any."""
    return value if isinstance(value, Mapping) else {}


def _plain(message: object) -> str:
    return _COLOURS.sub("", str(message or "")).strip()

"""What one provider process shares: settings, clients, journal, saved state; made once, whatever asks first."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from .api.clock import CancellableClock, SystemClock
from .clients import Clients
from .config.settings import Settings
from .engine.host import install
from .engine.requests import ProgramFacts
from .engine.stack_state import PendingCreate, StackStates, StackStateUnavailable, StateResource
from .engine.workspace import backend_url
from .operations.operation import Operation
from .recovery.evidence import ReadsStackStates, records_in
from .recovery.journal import Journal
from .recovery.journal_format import Scope
from .recovery.preview_notes import PreviewNotes
from .version import version

T = TypeVar("T")


class Log(Protocol):
    """Where messages to the user go (see ``engine.log``)."""

    def report_progress(self, urn: str, message: str) -> None:
        """Show a passing message on the resource's row."""

    def info(self, urn: str, message: str) -> None:
        """Add a lasting message to the resource."""

    def warn(self, urn: str, message: str) -> None:
        """Add a lasting warning to the resource."""


@dataclass
class ResourceNotes:
    """What this process has heard of a resource in this run. The engine asks for one resource one thing at a time.

    Attributes:
        program: what the program told about the resource.
        held: the record that the state holds for it, once the engine has named it.
        gone: the record that a refresh of this run has found to be gone, and taken out of the state.
        created: the record that this run's create has told the engine, or is about to.
        old_inputs: what was declared last time; empty for a resource that is new in the state.
        was_diffed: whether the engine asked for a diff once it had been checked, as it does unless a replacement is
            forced, by the user or by what it depends on.
        is_deleted_first: whether the engine is known to delete it before it is replaced.
        checked_at: when it had been checked first (monotonic), before which the engine begins nothing; 0 for not yet.
        is_checked: whether the program declares it, as far as this run has come.
    """

    program: ProgramFacts = field(default_factory=ProgramFacts)
    held: str = ""
    gone: str = ""
    created: str = ""
    old_inputs: Mapping[str, Any] = field(default_factory=dict)
    was_diffed: bool = False
    is_deleted_first: bool = False
    checked_at: float = 0.0
    is_checked: bool = False

    @property
    def adopted_before(self) -> str:
        """The record that was to be adopted last time: that input is spent."""
        return str(self.old_inputs.get("adopt_backup_id") or "")


class Session:
    """Shared by all requests that one provider process serves.

    Args:
        configuration: the stack's configuration, by full key.
        log: where messages to the user go.
        clock: the time that it lives in; the system's by default.
        environment: the environment's variables; this process's by default.
        stack_states: reads the engine's saved state; by its command line by default.
        journal: remembers creates under way; in Pulumi's home by default.
    """

    def __init__(
        self,
        configuration: Mapping[str, Any],
        log: Log,
        *,
        clock: CancellableClock | None = None,
        environment: Mapping[str, str] = os.environ,
        stack_states: ReadsStackStates | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.settings: Final = Settings(configuration, environment)
        self.clock: Final[CancellableClock] = clock or SystemClock()
        self.log: Final = log
        self.clients: Final = Clients(self.settings, self.clock, version())
        self.stack_states: Final[ReadsStackStates] = stack_states or StackStates()
        self.journal: Final = journal or Journal.in_home(environment, self._warn)
        self.preview_notes: Final = PreviewNotes(self.journal.folder)
        self._environment = environment
        # Re-entrant: what is made once may share in its turn.
        self._lock = threading.RLock()
        self._notes: dict[str, ResourceNotes] = {}
        self._backend: str | None = None
        self._organization = ""
        self._shared: dict[Callable[[Session], Any], Any] = {}

    def note_check(self, urn: str, program: ProgramFacts, old_inputs: Mapping[str, Any]) -> ResourceNotes:
        """Note that the engine has a resource checked, which the program therefore declares.

        For a replacement it does so twice, the second time without the old inputs.
        """
        with self._lock:
            notes = self._notes.setdefault(urn, ResourceNotes())
            notes.program = program
            notes.is_checked = True
            notes.old_inputs = notes.old_inputs or old_inputs
            self._organization = self._organization or program.organization
        if program.dry_run:
            self.preview_notes.begin()
        return notes

    def notes(self, urn: str) -> ResourceNotes:
        """What this process has heard of a resource in this run."""
        with self._lock:
            return self._notes.setdefault(urn, ResourceNotes())

    def is_declared(self, urn: str) -> bool:
        """Whether the program is known to declare that resource."""
        with self._lock:
            return urn in self._notes and self._notes[urn].is_checked

    @property
    def organization(self) -> str:
        """The stack's, once a resource of the program has told it; empty where there is none."""
        return self._organization

    @property
    def saves_pending_creates(self) -> bool:
        """Whether the engine saves the state before each create; it can be told to do so only at the end."""
        return self._environment.get("PULUMI_SKIP_CHECKPOINTS", "").lower() not in {"1", "true"}

    def scope(self, urn: str) -> Scope:
        """Whose resource it is."""
        with self._lock:
            if self._backend is None:
                self._backend = backend_url(self._environment)
        return Scope.of(urn, self._backend, self._organization)

    def holders(self, urn: str) -> dict[str, str]:
        """The records that the saved state of a URN's stack holds, with their URNs; empty where it can't be read."""
        return records_in(self.in_state(urn))

    def in_state(self, urn: str) -> tuple[StateResource, ...]:
        """The resources that the saved state of a URN's stack holds; empty where it can't be read."""
        try:
            return self.stack_states.read(urn, self._organization).resources
        except StackStateUnavailable:
            return ()

    def read_state_before_creates(self, urn: str) -> None:
        """Have the saved state read before the engine may create the resource, and so any that is checked meanwhile.

        What is pending in it is from earlier runs then, and serves all creates of a run. Read while they begin, it
        holds some of this run's, and has to be read again.
        """
        with suppress(StackStateUnavailable):
            self.stack_states.read(urn, self._organization)

    def pending_creates(self, urn: str) -> tuple[PendingCreate, ...]:
        """The creates of the resource that the saved state has as pending; empty where it can't be read."""
        try:
            found = self.stack_states.read(urn, self._organization).pending_creates
        except StackStateUnavailable:
            return ()
        return tuple(each for each in found if each.urn == urn)

    def operation(self, name: str, urn: str, timeout: float) -> Operation:
        """An operation for a resource.

        Args:
            name: what it does, to follow "to".
            timeout: in seconds.
        """
        return Operation(
            name,
            clock=self.clock,
            timeout=timeout,
            report_progress=lambda message: self.log.report_progress(urn, message),
            info=lambda message: self.log.info(urn, message),
            warn=lambda message: self.log.warn(urn, message),
        )

    def _warn(self, message: str) -> None:
        self.log.warn("", message)

    def shared(self, make: Callable[[Session], T]) -> T:
        """What a class makes of this session, made once: however many provider strings the host meets."""
        with self._lock:
            if make not in self._shared:
                self._shared[make] = make(self)
            found: T = self._shared[make]
        return found

    def close(self) -> None:
        """The engine ends the process in good order."""
        self.journal.close()


_process_lock: Final = threading.Lock()
_process_session: Session | None = None


def process_session(configuration: Mapping[str, Any]) -> Session:
    """This process's session. The configuration is the stack's: whoever asks later brings the same."""
    global _process_session  # noqa: PLW0603 - one per process, whoever asks
    with _process_lock:
        if _process_session is None:
            host = install()
            session = Session(configuration, host.engine_log)
            host.on_cancel(session.clock.cancel)
            host.on_close(session.close)
            if session.settings.is_debugging:
                in_force = ", ".join(sorted(each.name for each in host.capabilities))
                host.engine_log.info("", f"pulumi-dcs {version()}, capabilities: {in_force}")
            _process_session = session
        return _process_session

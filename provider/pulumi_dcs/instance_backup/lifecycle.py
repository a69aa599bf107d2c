"""What happens to an ``InstanceBackup``: check, diff, create, read, update, delete."""

from __future__ import annotations

import asyncio
import functools
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    UpdateResult,
)
from pulumi.runtime import rpc

from ..api.errors import (
    BackupFailedError,
    BackupGoneError,
    BackupNotFoundError,
    CancelledError,
    DcsError,
    TimedOutError,
)
from ..api.parsing import BackupStatus
from ..engine.host import Ability, PropertyChange, Severity
from ..operations.operation import Operation
from ..operations.service import BackupService
from ..recovery.journal_format import Site
from ..recovery.orphans import Leftovers
from ..session import CREATE_TIMEOUT, DELETE_TIMEOUT, READ_TIMEOUT, Session
from . import preview, properties
from .adoption import adopt
from .preflight import Checking
from .properties import Inputs

P = ParamSpec("P")
R = TypeVar("R")

REFRESH_MAX_AGE: Final = 10.0
"""Seconds for which a refresh uses an instance's list again for its other backups."""


class PartialFailure(Exception):
    """The operation failed, and the backup stays in the state as it is."""

    def __init__(self, error: DcsError, resource_id: str, outs: Mapping[str, Any]) -> None:
        super().__init__(str(error))
        self.error = error
        self.resource_id = resource_id
        self.outs = outs


Method = Callable[Concatenate["Lifecycle", P], R]


def _diagnosed(method: Method[P, R]) -> Method[P, R]:
    """Show API errors as the diagnostics they are; everything else is a bug of ours and keeps its traceback."""

    @functools.wraps(method)
    def wrapper(self: Lifecycle, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with self.session.host.serving():
                return method(self, *args, **kwargs)
        except DcsError as error:
            self.session.host.fail(self._message(error))
            raise
        except PartialFailure as failure:
            self._fail_partially(failure)
            raise failure.error from None

    return wrapper


class Lifecycle:
    """Carries out what the engine asks for.

    Args:
        req: brings the stack's configuration.
        surroundings: those of the session; the real ones by default, others are for tests.
    """

    def __init__(self, req: ConfigureRequest, **surroundings: Any) -> None:
        self.session: Final = Session(_Configuration(req), **surroundings)
        self.leftovers: Final = Leftovers(self.session)
        self.checking: Final = Checking(self.session)

    @_diagnosed
    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validate the inputs and fill in where the backup is made. In previews, also ask whether it can be."""
        olds, declared = properties.plain(_olds), properties.plain(news)
        is_dry_run = bool(declared.get(properties.DRY_RUN))
        urn = self._urn
        self.session.note_preview(urn, is_dry_run=is_dry_run)
        self.session.organization = str(declared.get(properties.ORGANIZATION) or "")
        self.leftovers.announce(urn)
        failures = list(properties.check(declared, is_marked=self.session.settings.mark))
        inputs = properties.normalised(declared)
        if not failures:
            failures = self.checking.fill_in_place(olds, inputs, is_dry_run=is_dry_run)
        if not failures and is_dry_run and _is_about_to_be_made(olds, inputs):
            failures = self.checking.check_instance(inputs)
        if not failures and is_dry_run and "adopt_backup_id" in inputs and not olds:
            self.session.host.tell(urn, preview.adoption(inputs), Severity.INFO)
        return CheckResult(inputs, [CheckFailure(failure.property, failure.reason) for failure in failures])

    @_diagnosed
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Replace for what makes another backup, update to see to what was cut short, else nothing."""
        self._settle(_id)
        declared = properties.plain(_news)
        changes = properties.replacements(self._old_inputs(_olds), _olds, declared)
        instance_id, backup_id = _split(_id)
        urn = self._urn
        status = _status(_olds)
        goes_on = not status.is_final and Inputs.of(_known(declared)).wait
        if status is BackupStatus.FAILED or status.is_gone:
            changes["status"] = PropertyChange.UPDATE_REPLACE
        replaces, shown = list(changes), dict(changes)
        foretold = ""
        if replaces:
            foretold = preview.replacement(instance_id, backup_id, status, _olds, declared)
        elif goes_on:
            changes["status"] = PropertyChange.UPDATE
            foretold = preview.going_on(instance_id, backup_id)
        elif self.leftovers.are_left(urn, backup_id):
            changes["status"] = PropertyChange.UPDATE
            foretold = preview.cleaning_up(backup_id)
        # Of an update nothing: the status would be shown as removed, since no input has that name.
        self.session.host.set_detailed_diff(shown, outputs=frozenset({"status"}))
        if foretold and self.session.is_previewed(urn):
            self.session.host.tell(urn, foretold, Severity.INFO)
        return DiffResult(changes=bool(changes), replaces=replaces, delete_before_replace=False)

    @_diagnosed
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Take a backup, or take over the one that is to be adopted."""
        inputs = Inputs.of(props)
        service = self.session.service(inputs.region or "", inputs.project_id or "")
        operation = self.session.operation(f"back up instance {inputs.instance_id}", inputs.instance_id, CREATE_TIMEOUT)
        declared = properties.normalised(props)
        if inputs.adopt_backup_id is not None:
            backup_id = inputs.adopt_backup_id
            adopt(self.session, service, operation, inputs, backup_id)
            outs = self._finish(service, operation, declared, backup_id)
            return CreateResult(_resource_id(inputs.instance_id, backup_id), outs)
        urn = self._urn
        place = service.place
        site = Site(place.endpoint, place.region, place.project_id, inputs.instance_id)
        entry = self.session.journal.begin(urn, site, properties.digest(declared))
        is_marked = self.session.settings.mark and urn
        mark = properties.mark(urn, declared, self.session.organization) if is_marked else ""
        ownership = service.ownership(
            inputs.remark or "",
            inputs.backup_format,
            ledger=entry,
            mark=mark,
            held=lambda: self.session.held_backups(urn),
        )
        backup_id = service.take(operation, ownership)
        try:
            outs = self._finish(service, operation, declared, backup_id)
        except PartialFailure:
            if Ability.PARTIAL_STATE in self.session.host.abilities:
                self.session.journal.answered(entry)
            raise
        except (BackupFailedError, BackupGoneError):
            entry.drop()
            raise
        self.leftovers.remove(entry)
        self.session.journal.answered(entry)
        return CreateResult(_resource_id(inputs.instance_id, backup_id), outs)

    @_diagnosed
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Look what has become of the backup."""
        instance_id, backup_id = _split(id_)
        self._settle(id_)
        service = self.session.service(props.get("region") or "", props.get("project_id") or "")
        operation = self.session.operation(f"list the backups of instance {instance_id}", instance_id, READ_TIMEOUT)
        record = service.find(operation, backup_id, max_age=REFRESH_MAX_AGE)
        if record is None and "backup_id" in props:
            return ReadResult("", {})
        if record is None:
            # InstanceBackup.get: for the engine, an empty answer to it would be a resource without properties.
            raise BackupNotFoundError(
                f"Backup {backup_id} of instance {instance_id} does not exist.",
                advice="check the id (<instance_id>/<backup_id>) and the region against the console.",
            )
        declared = properties.normalised(props) or {"instance_id": instance_id}
        declared.setdefault("instance_id", instance_id)
        place = {"region": service.place.region, "project_id": service.place.project_id}
        outs = properties.outputs(
            {**{name: value for name, value in place.items() if value}, **declared}, backup_id, record
        )
        old_inputs = self._old_inputs(props)
        return ReadResult(id_, outs, {name: outs.get(name, value) for name, value in old_inputs.items()})

    @_diagnosed
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Go on waiting for a backup whose create or update was cut short; delete what a killed replacement made."""
        inputs = Inputs.of(_news)
        _, backup_id = _split(_id)
        self._settle(_id)
        service = self.session.service(inputs.region or "", inputs.project_id or "")
        operation = self.session.operation(f"back up instance {inputs.instance_id}", inputs.instance_id, CREATE_TIMEOUT)
        declared = properties.normalised(_news)
        try:
            outs = self._finish(service, operation, declared, backup_id)
            self.leftovers.remove_besides(self._urn, backup_id)
            return UpdateResult(outs)
        except (BackupFailedError, BackupGoneError) as error:
            error.add_fact("the next `pulumi up` replaces it by a new backup")
            status = BackupStatus.FAILED if isinstance(error, BackupFailedError) else BackupStatus.DELETED
            outs = {**properties.outputs(declared, backup_id, None), "status": status.value}
            raise PartialFailure(error, _id, outs) from error

    @_diagnosed
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete the backup; done when it is gone. One that another resource of this run has adopted stays."""
        instance_id, backup_id = _split(_id)
        self._settle(_id)
        self.leftovers.announce(self._urn)
        if self.session.adopted.is_claimed(backup_id):
            message = f"Backup {backup_id} is not deleted: another resource has adopted it in this run."
            self.session.host.tell(self._urn, message, Severity.WARNING)
            return
        service = self.session.service(_props.get("region") or "", _props.get("project_id") or "")
        name = f"delete backup {backup_id} of instance {instance_id}"
        # Before the backup itself: afterwards the engine would never call for this resource again.
        self.leftovers.remove_besides(self._urn, backup_id)
        service.remove(self.session.operation(name, instance_id, DELETE_TIMEOUT), backup_id)

    def _finish(
        self, service: BackupService, operation: Operation, declared: Mapping[str, Any], backup_id: str
    ) -> dict[str, Any]:
        """Wait for the backup, unless that is not wanted; its outputs."""
        if not Inputs.of(declared).wait:
            return properties.outputs(declared, backup_id, service.glance(operation, backup_id))
        try:
            return properties.outputs(declared, backup_id, service.wait(operation, backup_id))
        except (TimedOutError, CancelledError) as error:
            error.add_fact(f"backup {backup_id} is in the state, and goes on at the service")
            error.advice = "run `pulumi up` again: it goes on waiting for the same backup and makes no other."
            resource_id = _resource_id(operation.instance_id, backup_id)
            record = service.glance(operation, backup_id) if isinstance(error, TimedOutError) else None
            raise PartialFailure(error, resource_id, properties.outputs(declared, backup_id, record)) from error
        except BackupFailedError as error:
            self._remove_failed(service, operation, backup_id, error)
            raise

    def _remove_failed(
        self, service: BackupService, operation: Operation, backup_id: str, error: BackupFailedError
    ) -> None:
        """Leave no failed record behind: nothing in the state would ever remove it."""
        name = f"delete the failed backup {backup_id}"
        cleanup = Operation(name, instance_id=operation.instance_id, clock=operation.clock, timeout=60.0)
        try:
            service.remove(cleanup, backup_id)
        except DcsError as second:
            error.add_fact(f"its record could not be removed: {second.summary}")
        else:
            error.add_fact("its record was removed")

    def _settle(self, resource_id: str) -> None:
        """The engine knows the backup: it belongs to a resource, and its create is over."""
        backup_id = resource_id.rpartition("/")[2]
        self.session.claims.claim(backup_id)
        self.session.journal.settle(self._urn, backup_id)

    @property
    def _urn(self) -> str:
        """The resource that the engine asks for."""
        return self.session.host.call().urn

    def _old_inputs(self, olds: Mapping[str, Any]) -> Mapping[str, Any]:
        seen = self.session.host.old_inputs()
        return {name: olds[name] for name in properties.INPUT_NAMES if name in olds} if seen is None else seen

    def _message(self, error: DcsError) -> str:
        if self.session.settings.is_debugging:
            return f"{error}\n{traceback.format_exc()}"
        return str(error)

    def _fail_partially(self, failure: PartialFailure) -> None:
        host = self.session.host
        loop = asyncio.new_event_loop()
        try:
            outs = loop.run_until_complete(rpc.serialize_properties(dict(failure.outs), {}))
        finally:
            loop.close()
        host.fail_partially(self._message(failure.error), failure.resource_id, outs)


class _Configuration(Mapping[str, Any]):
    """The stack's configuration as a mapping by full key."""

    def __init__(self, request: ConfigureRequest) -> None:
        self._config = request.config

    def __getitem__(self, key: str) -> Any:
        value = self._config.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __iter__(self) -> Any:
        raise TypeError("the configuration is asked by key")

    def __len__(self) -> int:
        raise TypeError("the configuration is asked by key")


def _resource_id(instance_id: str, backup_id: str) -> str:
    return f"{instance_id}/{backup_id}"


def _split(resource_id: str) -> tuple[str, str]:
    """The instance's and the backup's id."""
    instance_id, slash, backup_id = resource_id.partition("/")
    if not (slash and instance_id and backup_id) or any(
        properties.check({"instance_id": instance_id, "adopt_backup_id": backup_id})
    ):
        raise BackupNotFoundError(
            f"{resource_id!r} is no id of an InstanceBackup.", advice="write it as <instance_id>/<backup_id>."
        )
    return instance_id, backup_id


def _status(olds: Mapping[str, Any]) -> BackupStatus:
    try:
        return BackupStatus(olds.get("status", ""))
    except ValueError:
        return BackupStatus.UNKNOWN


def _known(news: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in news.items() if not properties.has_unknowns(value)} | {"instance_id": ""}


def _is_about_to_be_made(olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> bool:
    if "adopt_backup_id" in inputs:
        return False
    return "instance_id" not in olds or bool(properties.replacements(olds, olds, inputs))

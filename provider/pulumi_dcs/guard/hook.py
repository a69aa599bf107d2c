"""The hook itself: called by the engine before each change of an instance, on the program's event loop."""

from __future__ import annotations

import asyncio
import copy
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from ..api.backups import BackupRecord
from ..api.error_codes import BACKUP_GONE
from ..api.errors import DcsError, ServiceError
from ..api.instances import is_instance_gone
from ..operations.errors import OperationError
from ..resources.advice import in_pulumis_terms
from ..resources.identity import ID_RULE, is_id
from . import preview
from .arguments import change_of, text_of
from .change import Change, Operation
from .guard import Guard
from .remark import change_mark
from .run import Run
from .save import TIMEOUT as SAVE_TIMEOUT
from .save import folder_for, save
from .take import Order, take
from .threads import in_thread

if TYPE_CHECKING:
    from pulumi import ResourceHookArgs


T = TypeVar("T")

_DONE: Final = {Operation.UPDATE: "changed", Operation.DELETE: "deleted"}
_PREVIEW_TIMEOUT: Final = 60.0
"""Seconds that a preview waits for the value of an argument: in a preview nothing takes long."""
_WITHOUT: Final = "to delete it without one, take backup_before out of its hooks and run `pulumi up` before"
"""Before: the engine runs the hooks that the state has."""


class HookError(Exception):
    """The change must not happen. Its text is the diagnostic: the engine shows nothing else of it."""


class Hook:
    """Backs an instance up before a change of it.

    Args:
        run: what the hooks of one run share.
    """

    def __init__(self, guard: Guard, run: Run) -> None:
        self._guard = guard
        self._run = run

    async def before_change(self, args: ResourceHookArgs) -> None:
        """Return when the change may happen.

        Raises:
            HookError: it must not.
        """
        try:
            await self._guard_change(args)
        except HookError:
            raise
        except DcsError as error:
            raise HookError(self._run.log.without_hidden(self._refusal(args, error))) from error
        except Exception as error:
            raise HookError(self._run.log.without_hidden(self._bug(args, error))) from error

    async def _guard_change(self, args: ResourceHookArgs) -> None:
        guard, run = self._guard, self._run
        timeout = guard.timeout.total_seconds()
        if run.is_preview:
            timeout = min(timeout, _PREVIEW_TIMEOUT)
        change = await change_of(args, guard, timeout)
        if change.has_secret_id and change.instance_id:
            run.log.hide(change.instance_id)
        if not self._is_of_interest(change):
            return
        _check_instance_id(change, guard)
        region = await text_of("region", guard.region, timeout, may_be_unknown=run.is_preview)
        project_id = await text_of("project_id", guard.project_id, timeout, may_be_unknown=run.is_preview)
        if run.is_preview:
            await in_thread(lambda: preview.check(run, guard, change, region, project_id))
            return
        with run.interrupts.watched():
            record = await self._taken(change, region or "", project_id or "")
            if (save_to := guard.save_to) is not None:
                await self._in_thread(lambda: self._save(change, region or "", project_id or "", record, save_to))

    async def _taken(self, change: Change, region: str, project_id: str) -> BackupRecord:
        """The backup for the change: one for all who ask in this run."""
        run = self._run
        mark = change_mark(change.change_hash(run.organization))
        found = run.taken.get(mark)
        if found is None:
            take_it = self._in_thread(lambda: self._take(change, mark, region, project_id))
            found = run.taken[mark] = asyncio.ensure_future(take_it)
            found.add_done_callback(lambda done: _forget_failed(run, mark, done))
        try:
            return await asyncio.shield(found)
        except DcsError as error:
            # A copy for each: a raised exception carries its own traceback.
            raise copy.copy(error) from error
        except asyncio.CancelledError:
            if (backup_id := run.started.get(mark)) is not None:
                run.log.warn(
                    change.urn,
                    f"{change.name} was not {_DONE[change.operation]}: the run ends. Backup {backup_id} of instance "
                    f"{change.instance_id} goes on at the service, and the next `pulumi up` goes on with it.",
                )
            run.program.clock.cancel()
            raise

    async def _in_thread(self, call: Callable[[], T]) -> T:
        """The result of a call that may take minutes."""
        try:
            return await in_thread(call)
        except asyncio.CancelledError:
            # The engine is gone, or the program ends: nobody waits any more.
            self._run.program.clock.cancel()
            raise

    def _take(self, change: Change, mark: str, region: str, project_id: str) -> BackupRecord:
        run, guard = self._run, self._guard
        name = f"back up instance {change.instance_id}"
        order = Order(
            what=preview.in_words(change),
            instance_id=change.instance_id or "",
            remark=guard.remark.fill_in(change.operation.value, change.name),
            mark=mark,
            backup_format=guard.backup_format,
            reuse_within=guard.reuse_within,
            holders=run.holders(change.urn),
            note=lambda message: run.log.info(change.urn, message),
            on_started=lambda backup_id: run.started.__setitem__(mark, backup_id),
        )
        operation = run.operation(name, change.urn, guard.timeout.total_seconds())
        return take(run.services.at(region, project_id), operation, order)

    def _save(self, change: Change, region: str, project_id: str, record: BackupRecord, save_to: str) -> None:
        run = self._run
        folder = folder_for(save_to, change.name, record.id)
        operation = run.operation(f"download backup {record.id}", change.urn, SAVE_TIMEOUT)
        try:
            paths = save(run.services.at(region, project_id), operation, change.instance_id or "", record, folder)
        except DcsError as error:
            backup = f"backup {record.id} of instance {change.instance_id}"
            if isinstance(error, ServiceError) and (error.http_status == 404 or error.error_code == BACKUP_GONE):
                # Not asked again: the next run looks for it, and takes another one where it is gone.
                advice = "find out who or what deletes this instance's backups, and run `pulumi up` again."
                raise error.with_facts(f"{backup} had succeeded, and may be gone since", advice=advice) from error
            raise error.with_facts(
                f"{backup} is at the service",
                advice=error.advice or "run `pulumi up` again: it goes on with the same backup, and with its files.",
            ) from error
        size = sum(path.stat().st_size for path in paths)
        files = "1 file" if len(paths) == 1 else f"{len(paths)} files"
        what = f"{files} of backup {record.id}, {size} bytes"
        run.log.info(change.urn, f"Saved before {preview.in_words(change)}: {what}, in {folder}.")

    def _is_of_interest(self, change: Change) -> bool:
        names = self._guard.only_if_changed
        if names is None or change.operation is not Operation.UPDATE:
            return True
        missing = change.missing(names)
        if len(missing) == len(names):
            near = preview.closest(missing, change.known_names)
            raise OperationError(
                f"only_if_changed names {preview.listed(missing)}, and {change.name} has no such property: it would "
                "never be backed up.",
                advice=f"did you mean {preview.listed(near)}?" if near else "name inputs of the resource.",
            )
        if missing:
            self._run.log.warn(change.urn, preview.missing_names(change, missing))
        return bool(change.of_interest(names))

    def _refusal(self, args: ResourceHookArgs, error: DcsError) -> str:
        operation = self._guard.operation
        advice = ""
        if operation is Operation.DELETE and _says_instance_is_gone(error):
            advice = "if it was deleted elsewhere, run `pulumi refresh`; else check the region and the project."
        if self._run.is_preview:
            return in_pulumis_terms(error, advice=advice)
        fact = f"{args.name} was not {_DONE[operation]}: no {operation.value} without its backup"
        if operation is Operation.DELETE:
            fact += f"\n  {_WITHOUT}"
        return in_pulumis_terms(error, fact=fact, advice=advice)

    def _bug(self, args: ResourceHookArgs, error: Exception) -> str:
        text = f"{type(error).__name__}: a bug in pulumi-dcs. {args.name} was not changed."
        if self._run.program.settings.is_debugging:
            return text + "\n" + "".join(traceback.format_exception(error))
        return f"{text}\n  What to do: set DCS_DEBUG=1, run `pulumi up` again, and report what it shows."


def _check_instance_id(change: Change, guard: Guard) -> None:
    if change.instance_id is None or is_id(change.instance_id):
        return
    source = "its id" if guard.instance_id is None else "what instance_id tells"
    raise OperationError(
        f"{change.name} can't be backed up: {source} is not the id of an instance ({ID_RULE}).",
        advice="give backup_before an instance_id that tells the instance's id from the hook's arguments.",
    )


def _says_instance_is_gone(error: BaseException | None) -> bool:
    return error is not None and (is_instance_gone(error) or _says_instance_is_gone(error.__cause__))


def _forget_failed(run: Run, mark: str, done: asyncio.Future[BackupRecord]) -> None:
    if done.cancelled() or done.exception() is not None:
        run.taken.pop(mark, None)

"""The hook itself: called by the engine before each change of an instance, on the program's event loop."""

from __future__ import annotations

import asyncio
import copy
import inspect
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi

from ..api.backups import BackupRecord
from ..api.errors import DcsError
from ..operations.errors import OperationError
from ..resources.advice import in_pulumis_terms
from ..resources.backups import BackupService
from ..resources.identity import ID_RULE, is_id
from . import preview
from .change import Change, Operation, Value, Values, canonical, has_unknown, plain
from .guard import Guard
from .remark import change_mark
from .run import Run
from .save import TIMEOUT as SAVE_TIMEOUT
from .save import folder_for, save
from .take import Order, take
from .threads import in_thread

if TYPE_CHECKING:
    from pulumi import ResourceHookArgs


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
            raise HookError(self._refusal(args, error)) from error
        except Exception as error:
            raise HookError(self._bug(args, error)) from error

    async def _guard_change(self, args: ResourceHookArgs) -> None:
        change = await self._change(args)
        if not self._is_of_interest(change):
            return
        region = await self._input("region", self._guard.region)
        project_id = await self._input("project_id", self._guard.project_id)
        if self._run.is_preview:
            await in_thread(lambda: preview.check(self._run, self._guard, change, region, project_id))
            return
        _check_instance_id(change, self._guard)
        with self._run.interrupts.watched():
            await self._taken(change, region, project_id)

    async def _taken(self, change: Change, region: str, project_id: str) -> BackupRecord:
        """The backup for the change: one for all who ask in this run."""
        run = self._run
        mark = change_mark(change.change_hash(run.organization))
        found = run.taken.get(mark)
        if found is None:
            found = run.taken[mark] = asyncio.ensure_future(
                in_thread(lambda: self._take(change, mark, region, project_id))
            )
            found.add_done_callback(lambda done: _forget_failed(run, mark, done))
        try:
            return await asyncio.shield(found)
        except DcsError as error:
            # A copy for each: a raised exception carries its own traceback.
            raise copy.copy(error) from error
        except asyncio.CancelledError:
            # The engine is gone, or has given the hook up: nobody waits for the backup any more.
            run.program.clock.cancel()
            raise

    def _take(self, change: Change, mark: str, region: str, project_id: str) -> BackupRecord:
        run, guard = self._run, self._guard
        service: BackupService = run.services.at(region, project_id)
        operation = run.operation(f"back up instance {change.instance_id}", change.urn, guard.timeout.total_seconds())
        order = Order(
            what=preview.in_words(change),
            instance_id=change.instance_id,
            remark=guard.remark.fill_in(change.operation.value, change.name),
            mark=mark,
            backup_format=guard.backup_format,
            reuse_within=guard.reuse_within,
            holders=run.holders(change.urn),
            note=lambda message: run.log.info(change.urn, message),
        )
        record = take(service, operation, order)
        if guard.save_to is not None:
            self._save(change, service, record, guard.save_to)
        return record

    def _save(self, change: Change, service: BackupService, record: BackupRecord, save_to: str) -> None:
        folder = folder_for(save_to, change.name, record.id)
        operation = self._run.operation(f"download backup {record.id}", change.urn, SAVE_TIMEOUT)
        try:
            paths = save(service, operation, change.instance_id, record, folder)
        except DcsError as error:
            raise error.with_facts(
                f"backup {record.id} of instance {change.instance_id} is at the service",
                advice=error.advice or "run `pulumi up` again: it goes on with the same backup, and with its files.",
            ) from error
        size = sum(path.stat().st_size for path in paths)
        files = "1 file" if len(paths) == 1 else f"{len(paths)} files"
        what = f"{files} of backup {record.id}, {size} bytes"
        self._run.log.info(change.urn, f"Saved before {preview.in_words(change)}: {what}, in {folder}.")

    async def _change(self, args: ResourceHookArgs) -> Change:
        old, new = await _values(args.old_inputs), await _values(args.new_inputs)
        names = {*(args.old_outputs or {}), *(args.old_inputs or {}), *(args.new_inputs or {})}
        instance_id = await self._instance_id(args)
        return Change(self._guard.operation, args.urn, args.name, instance_id, old, new, frozenset(names))

    async def _instance_id(self, args: ResourceHookArgs) -> str:
        told = self._guard.instance_id
        if told is None:
            return args.id
        if isinstance(told, str):
            found = [
                values[name]
                for values in (args.old_outputs or {}, args.old_inputs or {})
                for name in values
                if plain(name) == plain(told)
            ]
            if not found:
                raise HookError(
                    f"instance_id names the property {told!r}, which {args.name} does not have. No backup was taken, "
                    "and nothing was changed.\n  What to do: name a property that holds the instance's id, or give a "
                    "function of the hook's arguments."
                )
            return str(await _resolved(found[0]) or "")
        try:
            result = told(args)
            return str(await _resolved(await result if inspect.isawaitable(result) else result) or "")
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            raise HookError(
                f"The function that instance_id was given raised {type(error).__name__} ({where.filename}, line "
                f"{where.lineno}). No backup of {args.name} was taken, and nothing was changed.\n  What to do: let it "
                "return the instance's id for the arguments that hooks get."
            ) from error

    async def _input(self, name: str, given: Any) -> str:
        value = await _resolved(given)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise HookError(f"{name} is not a text.\n  What to do: give the id as the console shows it.")
        return value

    def _is_of_interest(self, change: Change) -> bool:
        names = self._guard.only_if_changed
        if names is None or change.operation is not Operation.UPDATE:
            return True
        missing = change.missing(names)
        if len(missing) == len(names):
            raise HookError(
                f"only_if_changed names {preview.listed(missing)}, and {change.name} has no such property: it would "
                "never be backed up. Nothing was changed.\n  What to do: name properties of the resource: "
                f"{preview.listed(preview.closest(missing, change.known_names))}."
            )
        if missing:
            self._run.log.warn(change.urn, preview.missing_names(change, missing))
        return bool(change.of_interest(names))

    def _refusal(self, args: ResourceHookArgs, error: DcsError) -> str:
        if self._run.is_preview:
            return in_pulumis_terms(error)
        operation = self._guard.operation.value
        return in_pulumis_terms(error, fact=f"{args.name} was not changed: no {operation} without its backup")

    def _bug(self, args: ResourceHookArgs, error: Exception) -> str:
        text = f"{type(error).__name__}: a bug in pulumi-dcs. {args.name} was not changed."
        if self._run.program.settings.is_debugging:
            return text + "\n" + "".join(traceback.format_exception(error))
        return f"{text}\n  What to do: set DCS_DEBUG=1, run `pulumi up` again, and report what it shows."


def _check_instance_id(change: Change, guard: Guard) -> None:
    if is_id(change.instance_id):
        return
    source = "its id" if guard.instance_id is None else "what instance_id tells"
    raise OperationError(
        f"{change.name} can't be backed up: {source} is not the id of an instance ({ID_RULE}).",
        advice="give backup_before an instance_id that tells the instance's id from the hook's arguments.",
    )


def _forget_failed(run: Run, mark: str, done: asyncio.Future[BackupRecord]) -> None:
    if done.cancelled() or done.exception() is not None:
        run.taken.pop(mark, None)


async def _values(properties: Mapping[str, Any] | None) -> Values:
    """The properties, without the engine's own."""
    return {name: await _value(value) for name, value in (properties or {}).items() if not name.startswith("__")}


async def _value(given: Any) -> Value:
    is_secret = isinstance(given, pulumi.Output)
    value = await given.future(with_unknowns=True) if is_secret else given
    return Value(canonical(value), is_secret=is_secret, is_known=not has_unknown(value))


async def _resolved(given: Any) -> Any:
    """The value of an input; None for none, or for one that is not known yet."""
    if given is None:
        return None
    return await pulumi.Output.from_input(given).future()

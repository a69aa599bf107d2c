"""Makes the binding that a program gives to its instances: checks the arguments, and names the hooks."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import pulumi

from ..api.backup_format import BackupFormat
from .change import Operation
from .guard import Guard
from .hook import Hook
from .remark import RemarkTemplate
from .run import Run

HOOK_NAME: Final = "pulumi_dcs.backup_before"
"""How the names of our hooks begin. The state keeps them: a delete runs the hooks that the resource had last time."""
_HOOKS_SINCE: Final = "3.182"
"""The first version of Pulumi's Python SDK that has resource hooks."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def bind(
    operation: str,
    *,
    remark: str,
    only_if_changed: Sequence[str] | None,
    instance_id: str | Callable[[Any], Any] | None,
    region: pulumi.Input[str] | None,
    project_id: pulumi.Input[str] | None,
    backup_format: str | BackupFormat | None,
    save_to: str | os.PathLike[str] | None,
    reuse_within: timedelta,
    timeout: timedelta,
) -> pulumi.ResourceHookBinding:
    """See ``pulumi_dcs.backup_before``."""
    _check_sdk()
    what = _operation(operation)
    guard = Guard(
        operation=what,
        remark=_remark(remark),
        only_if_changed=_names(what, only_if_changed),
        instance_id=_instance_id(instance_id),
        region=_repeatable(region),
        project_id=_repeatable(project_id),
        backup_format=_format(backup_format),
        save_to=_folder(what, save_to),
        reuse_within=_time("reuse_within", reuse_within, is_positive=False),
        timeout=_time("timeout", timeout, is_positive=True),
    )
    hook = _hook(Run.current(), guard)
    if what is Operation.UPDATE:
        return pulumi.ResourceHookBinding(before_update=[hook])
    return pulumi.ResourceHookBinding(before_delete=[hook])


def _hook(run: Run, guard: Guard) -> pulumi.ResourceHook:
    """The hook of that guard: one for all calls with equal arguments, and the names in the order of the calls.

    The engine takes no name twice, and finds the hooks of what it deletes by the names in the state. So a name must not
    change with the arguments: as long as the program has the same calls, what they say is free to change. Only how a
    call tells the instance is part of the name, lest one serves for another's resources and saves another instance.
    """
    with run.lock:
        if (found := run.hooks.get(guard)) is None:
            base = _base_name(guard)
            number = 1 + sum(_base_name(each) == base for each in run.hooks)
            name = base + (f"-{number}" if number > 1 else "")
            options = pulumi.ResourceHookOptions(on_dry_run=True)
            found = run.hooks[guard] = pulumi.ResourceHook(name, Hook(guard, run).before_change, options)
        return found


def _base_name(guard: Guard) -> str:
    told = guard.instance_id
    source = [] if told is None else [told if isinstance(told, str) else "function"]
    return ":".join([HOOK_NAME, guard.operation.value, *source])


def _check_sdk() -> None:
    if not hasattr(pulumi, "ResourceHook"):
        raise pulumi.RunError(
            f"backup_before needs resource hooks, which Pulumi's Python SDK {metadata.version('pulumi')} does not "
            f"have.\n  What to do: install pulumi {_HOOKS_SINCE} or newer."
        )


def _operation(given: str) -> Operation:
    if given == "replace":
        raise ValueError(
            'operation is "replace": a replacement deletes the old instance, so give "delete" (with save_to).'
        )
    try:
        return Operation(given)
    except ValueError:
        raise ValueError(f'operation is {given!r}: give "update" or "delete".') from None


def _remark(given: str) -> RemarkTemplate:
    if not isinstance(given, str):
        raise TypeError(f"remark is of type {type(given).__name__}: give a text.")
    return RemarkTemplate(given)


def _names(operation: Operation, given: Sequence[str] | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    if operation is not Operation.UPDATE:
        raise ValueError("only_if_changed is for updates: a delete changes everything.")
    if isinstance(given, str) or not all(isinstance(name, str) for name in given):
        raise ValueError('only_if_changed must be a list of property names, such as ["capacity", "engine_version"].')
    if not given:
        raise ValueError("only_if_changed is empty: no update would be backed up. Leave it out for every update.")
    if wrong := [name for name in given if not _NAME.fullmatch(name)]:
        raise ValueError(f"only_if_changed has {wrong[0]!r}: name whole properties of the resource, such as capacity.")
    return tuple(given)


def _instance_id(given: str | Callable[[Any], Any] | None) -> str | Callable[[Any], Any] | None:
    if given is None or callable(given):
        return given
    if not isinstance(given, str) or not _NAME.fullmatch(given):
        raise ValueError(
            "instance_id must be the name of a property that holds the instance's id, or a function that tells it from "
            "the hook's arguments."
        )
    return given


def _repeatable(given: pulumi.Input[str] | None) -> pulumi.Input[str] | None:
    """The same input, for hooks that are called several times: a coroutine can be awaited only once."""
    return pulumi.Output.from_input(given) if inspect.iscoroutine(given) else given


def _format(given: str | BackupFormat | None) -> BackupFormat | None:
    try:
        return BackupFormat(given) if given is not None else None
    except ValueError:
        raise ValueError(f'backup_format is {given!r}: give "rdb" (the default) or "aof".') from None


def _folder(operation: Operation, given: str | os.PathLike[str] | None) -> str | None:
    if given is None and operation is Operation.DELETE:
        raise ValueError(
            "save_to is missing: the service deletes an instance's backups together with the instance, so that one "
            "taken before a delete would be lost with it. Give the folder that the backup's files are downloaded to."
        )
    if given is None:
        return None
    folder = os.fspath(given)
    if not isinstance(folder, str) or not folder:
        raise ValueError("save_to must be the path of a folder.")
    # The program may change its folder before the hook is called.
    return str(Path(folder).absolute())


def _time(name: str, given: timedelta, *, is_positive: bool) -> timedelta:
    if not isinstance(given, timedelta):
        raise TypeError(f"{name} is of type {type(given).__name__}: give a datetime.timedelta.")
    if given < timedelta() or (is_positive and not given):
        raise ValueError(f"{name} is {given}: it must be {'longer than' if is_positive else 'at least'} 0.")
    return given

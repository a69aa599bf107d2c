"""Work on real data behind backups, restores, imports and key analyses; an endpoint without data has none to do."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from .records import StoredBackup, StoredInstance
from .tasks import StoredTask, TaskKind

if TYPE_CHECKING:
    from .data.keys import KeyCount
    from .data.store import Address, BackupFile
    from .world import World

NOT_STARTED: Final = "dcs.08.0001"
"""The error code of a backup or restore whose tool did not start."""
NOT_SYNCHRONISED: Final = "dcs.08.0007"
"""The error code of a restore whose file can't be loaded."""

_POLL: Final = 0.05
"""Seconds between two looks at the endpoint's clock, which can be moved."""


def databases_of(instance: StoredInstance) -> int:
    """How many databases the instance has: a cluster has one."""
    return 1 if instance.cache_mode == "cluster" else 16


def file_of(backup: StoredBackup) -> BackupFile:
    """The backup's file."""
    from .data.store import BackupFile

    return BackupFile(backup.backup_id, backup.backup_format)


async def address(world: World, instance: StoredInstance) -> Address | None:
    """Where the instance's data are: its server is started if it was not needed before. None for no data."""
    if world.data is None:
        return None
    try:
        return await asyncio.to_thread(world.data.address, instance.instance_id, databases_of(instance))
    except Exception as error:
        _report(f"The server of instance {instance.instance_id} can't be started", error)
        return None


async def save(world: World, backup: StoredBackup) -> None:
    """Write the backup's file. It holds what the instance holds at the backup's start, as the service's does."""
    if world.data is None or not backup.pending:
        return
    instance = world.store.any_instance(backup.instance_id)
    try:
        databases = 16 if instance is None else databases_of(instance)
        size = await asyncio.to_thread(world.data.save, backup.instance_id, file_of(backup), databases)
        world.store.finish_backup(backup.backup_id, size=size)
    except Exception as error:
        _report(f"Backup {backup.backup_id} can't be written", error)
        world.store.finish_backup(backup.backup_id, failure=NOT_STARTED)
    if world.store.backup(backup.backup_id) is None:
        world.data.remove_backup(backup.backup_id)


async def start_restore(world: World, task: StoredTask, instance: StoredInstance, backup: StoredBackup) -> None:
    """Suspend the instance's server; at the end of the restore's time it starts with the backup's data."""
    data = world.data
    if data is None:
        return
    instance_id, databases = instance.instance_id, databases_of(instance)

    async def work() -> str:
        carries_on = await _is_up(world, task)
        if world.store.any_instance(instance_id) is None:
            return ""
        if not carries_on or task.failure:
            await asyncio.to_thread(data.resume, instance_id, databases)
            return task.failure
        from .data.store import BrokenFile

        try:
            await asyncio.to_thread(data.restore, instance_id, file_of(backup), databases)
        except BrokenFile:
            return NOT_SYNCHRONISED
        return ""

    try:
        await asyncio.to_thread(data.suspend, instance_id)
    except Exception as error:
        _report(f"Restore {task.task_id} failed", error)
        world.store.tasks.finish(task.task_id, failure=NOT_STARTED)
        return
    _run(world, task, work)


def start_import(world: World, task: StoredTask, target: StoredInstance, backup: StoredBackup) -> None:
    """At the end of the import's time, copy the backup's keys: one that is stopped before has changed nothing."""
    data = world.data
    if data is None:
        return

    async def work() -> str:
        from .data.store import BrokenFile, WrongPassword

        if not await _is_up(world, task) or task.failure:
            return task.failure
        password = world.import_passwords.get(task.task_id)
        try:
            await asyncio.to_thread(
                data.import_into, target.instance_id, file_of(backup), password, databases_of(target)
            )
        except BrokenFile:
            return "The backup's file can't be read."
        except WrongPassword:
            return "The target instance refuses the password."
        return ""

    _run(world, task, work)


def start_analysis(world: World, task: StoredTask, backup: StoredBackup, shard: int, shards: int) -> None:
    """Count the keys in the backup's file."""
    data = world.data
    if data is None:
        return

    async def work() -> str:
        from .data.store import BrokenFile

        await save(world, backup)
        try:
            count = await asyncio.to_thread(data.count, file_of(backup), shard=shard, shards=shards)
        except BrokenFile:
            return "The backup's file can't be read."
        world.store.tasks.add_facts(task, result=as_result(count))
        await _is_up(world, task)
        return task.failure

    _run(world, task, work)


def as_result(count: KeyCount) -> dict[str, Any]:
    """The figures of an analysis. Where the service names the largest keys, this endpoint numbers them."""
    return {
        "total_num": count.number.total(),
        "total_bytes": count.size.total(),
        "type_num": [{"type": name, "num": number} for name, number in sorted(count.number.items())],
        "type_bytes": [{"type": name, "bytes": size} for name, size in sorted(count.size.items())],
        "largest_keys": [
            {"key": f"key-{number}", "type": key.type, "bytes": key.size, "num_of_elem": key.elements}
            for number, key in enumerate(count.largest, 1)
        ],
        "largest_key_prefixes": [],
    }


async def wait_for_all(world: World) -> None:
    """Wait until no work goes on. Work whose task is gone ends at once."""
    while world.jobs:
        await asyncio.gather(*world.jobs, return_exceptions=True)


async def _is_up(world: World, task: StoredTask) -> bool:
    """Wait until the task's time is up; whether it is to be carried out, and was not stopped meanwhile."""
    while True:
        current = world.store.tasks.find(task.kind, task.task_id)
        now = world.store.now()
        if current is None:
            return False
        left = current.created + current.duration - now
        if left <= 0 or not current.is_running_at(now):
            return current.is_running_at(now)
        await asyncio.sleep(min(left, _POLL))


def _run(world: World, task: StoredTask, work: Callable[[], Coroutine[Any, Any, str]]) -> None:
    async def run() -> None:
        try:
            failure = await work()
        except Exception as error:
            _report(f"The {task.kind.value} {task.task_id} failed", error)
            failure = NOT_STARTED if task.kind is TaskKind.RESTORE else "It could not be carried out."
        world.store.tasks.finish(task.task_id, failure=failure)

    job = asyncio.get_running_loop().create_task(run())
    world.jobs.add(job)
    job.add_done_callback(world.jobs.discard)


def _report(what: str, error: Exception) -> None:
    # Only the error's type: its text may hold keys and values.
    print(f"{what}: {type(error).__name__}", file=sys.stderr, flush=True)

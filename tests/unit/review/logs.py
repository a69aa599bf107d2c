"""Event logs as the engine writes them, and reports made from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from pulumi_dcs.api.backups import BackupRecord, BackupStatus
from pulumi_dcs.api.instances import Instance
from pulumi_dcs.operations.record_cache import Snapshot
from pulumi_dcs.review.changes import Location, changes_in
from pulumi_dcs.review.concerns import concerns_of
from pulumi_dcs.review.events import EventLog
from pulumi_dcs.review.proofs import proofs_in
from pulumi_dcs.review.report import Outcome, Report
from pulumi_dcs.review.rows import Row, rows_of
from pulumi_dcs.review.service import InstanceFacts, Known

NOW: Final = datetime(2026, 11, 26, 12, 0, tzinfo=timezone.utc)
ORDERS: Final = "11111111-1111-4111-8111-000000000002"
CARTS: Final = "11111111-1111-4111-8111-000000000003"
TYPE: Final = "pulumi-python:dynamic/dcs:InstanceBackup"
RETENTION: Final = "pulumi-python:dynamic/dcs:BackupRetention"


def urn(name: str, type_: str = TYPE) -> str:
    return f"urn:pulumi:prod::shop::{type_}::{name}"


def state(
    backup_id: str = "", *, instance_id: str = ORDERS, inputs: Mapping[str, Any] = {}, **more: Any
) -> dict[str, Any]:
    """A resource before or after a step; with a backup where an id is given."""
    declared = {"instance_id": instance_id, "region": "cn-north-4", "project_id": "p" * 32, **inputs}
    outputs = dict(declared)
    if backup_id:
        outputs |= {
            "backup_id": backup_id,
            "status": "succeed",
            "created_at": "2026-11-24T02:00:00.000Z",
            "updated_at": "2026-11-24T02:03:00.000Z",
            "size": 1181116006,
        }
    return {"id": f"{instance_id}/{backup_id}" if backup_id else "", "inputs": declared, "outputs": outputs, **more}


def retention(*gone: str, **outputs: object) -> dict[str, Any]:
    """A retention that lists these backups as what goes."""
    rows = [
        {"backup_id": each, "created_at": "2026-11-20T02:00:00.000Z", "size": 1181116006.0, "remark": f"nightly {each}"}
        for each in gone
    ]
    about = state(inputs={"keep": 7, "remark": "nightly .*", **({"deletes": rows} if rows else {})})
    return {**about, "id": ORDERS, "outputs": dict(outputs)}


def step(
    op: str,
    name: str,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    *,
    type_: str = TYPE,
    ends: str = "resOutputsEvent",
) -> list[dict[str, Any]]:
    """The events of one step; ``ends`` is empty for one that has not ended."""
    about = {"metadata": {"op": op, "urn": urn(name, type_), "type": type_, "old": old, "new": new}}
    return [{"resourcePreEvent": about}, *([{ends: about}] if ends else [])]


def replacement(
    name: str, old: dict[str, Any], new: dict[str, Any], *, deletes_first: bool = False
) -> list[dict[str, Any]]:
    """The events of a replacement, in the engine's order."""
    made = [*step("create-replacement", name, old, new), *step("replace", name, old, new)]
    deletion = step("delete-replaced", name, {**old, "delete": True})
    return [*deletion, *made] if deletes_first else [*made, *deletion]


def diagnostic(message: str, severity: str = "warning", name: str = "", type_: str = TYPE) -> dict[str, Any]:
    of = {"urn": urn(name, type_)} if name else {}
    return {"diagnosticEvent": {"message": message, "severity": severity, **of}}


def log(*events: dict[str, Any] | Iterable[dict[str, Any]]) -> EventLog:
    flat = [each for event in events for each in ([event] if isinstance(event, dict) else event)]
    return EventLog.parse("\n".join(json.dumps(each, ensure_ascii=False) for each in flat))


def record(backup_id: str, *, days: float = 0.0, status: str = "succeed", **more: Any) -> BackupRecord:
    """A backup that was made that many days ago, and took 3 minutes."""
    created = NOW - timedelta(days=days)
    updated = created + timedelta(minutes=3)
    return BackupRecord(
        backup_id,
        BackupStatus.of(status),
        status,
        created_at=f"{created:%Y-%m-%dT%H:%M:%S.000Z}",
        updated_at=f"{updated:%Y-%m-%dT%H:%M:%S.000Z}",
        **{"size": 1181116006, "backup_type": "manual", **more},
    )


def facts(*records: BackupRecord, **instance: Any) -> InstanceFacts:
    about = {
        "instance_id": ORDERS,
        "name": "orders",
        "cache_mode": "ha",
        "status": "RUNNING",
        "engine": "Redis",
        "engine_version": "6.0",
        "used_memory_mb": 1229,
        "max_memory_mb": 4096,
    }
    return InstanceFacts(Instance(**{**about, **instance}), Snapshot(0.0, {each.id: each for each in records}))


def location(instance_id: str = ORDERS) -> Location:
    return Location(instance_id, "cn-north-4", "p" * 32)


def rows(events: EventLog, known: Mapping[Location, InstanceFacts] = {}) -> list[Row]:
    return rows_of(changes_in(events), Known(known), proofs_in(events))


def report(
    events: EventLog,
    known: Mapping[Location, InstanceFacts] = {},
    outcome: Outcome = Outcome.PREVIEWED,
    **more: Any,
) -> Report:
    found = rows(events, known)
    made = {
        "commit": "abc1234567",
        "concerns": tuple(concerns_of(found, events)),
        "violations": events.violations,
        "errors": events.errors,
        "diff": "Previewing update (prod):\n  + one\n",
        "versions": "pulumi-dcs 0.2.0, Pulumi 3.274.1",
    }
    return Report(outcome, "acme/shop/prod", NOW, rows=tuple(found), **{**made, **more})

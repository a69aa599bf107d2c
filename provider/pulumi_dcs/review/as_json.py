"""The report as JSON, for pipelines of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.urn import resource_name
from .changes import Kind, KnownBackup
from .headline import headline
from .report import Report
from .restores import Restoring
from .rows import Row, seconds_taken
from .sentence import plain


def to_json(report: Report) -> dict[str, Any]:
    """The report as plain values; ``version`` grows when a field changes its meaning or goes."""
    return {
        "version": 1,
        "outcome": report.outcome.value,
        "headline": headline(report),
        "stack": report.stack,
        "commit": report.commit,
        "made_at": report.made_at.isoformat(timespec="seconds"),
        "seconds": round(report.seconds, 1),
        "label": report.label,
        "taken": report.taken,
        "deleted": report.deleted,
        "restored": report.restored,
        "estimated_seconds": report.estimate,
        "other_changes": report.other_changes,
        "backups": [_row(row) for row in report.rows],
        "restores": [_restoring(each) for each in report.restores],
        "guards": [{"resource": resource_name(each.urn), "message": each.message} for each in report.guards],
        "warnings": [{"topic": each.topic.value, "message": plain(each.sentence)} for each in report.concerns],
        "unknown": [{"what": what, "why": why} for what, why in report.unknown],
        "policies": [
            {
                "policy": each.policy,
                "mandatory": each.is_mandatory,
                "resource": resource_name(each.urn),
                "message": each.message,
            }
            for each in report.violations
        ],
        "errors": [{"resource": resource_name(each.urn), "message": each.message} for each in report.errors],
        "versions": report.versions,
        "run_url": report.run_url,
    }


def _row(row: Row) -> dict[str, Any]:
    change, instance, good = row.change, row.instance, row.last_good
    return {
        "name": change.name,
        "urn": change.urn,
        "what": change.kind.name.lower(),
        "done": change.is_done,
        "instance": {
            "id": change.location.instance_id,
            "region": change.location.region,
            "name": instance.name if instance is not None else "",
            "engine": f"{instance.engine} {instance.engine_version}".strip() if instance is not None else "",
            "cache_mode": instance.cache_mode if instance is not None else "",
            "status": instance.status if instance is not None else "",
            "used_memory_mb": instance.used_memory_mb if instance is not None else None,
            "max_memory_mb": instance.max_memory_mb if instance is not None else None,
        },
        "backup_format": change.backup_format or ("rdb" if change.kind.takes_one else ""),
        "last_good": None
        if good is None
        else {
            "id": good.backup_id,
            "created_at": good.created_at,
            "size": good.size,
            "seconds": seconds_taken(good),
            "verified_keys": row.verified_keys,
        },
        "deletes": _backup(change.goes),
        "deleted": change.is_gone,
        "leaves": _backup(change.stays),
        "adopts": change.adopted_id,
        "result": _backup(change.result) if change.kind is not Kind.DELETE else None,
        "result_verified_keys": row.result_keys,
        "estimated_seconds": row.estimate,
        "protected": change.is_protected,
        "retained": change.is_retained,
    }


def _restoring(restore: Restoring) -> dict[str, Any]:
    return {
        "name": restore.name,
        "urn": restore.urn,
        "instance_id": restore.instance_id,
        "backup_id": restore.backup_id,
        "source_instance_id": restore.source_instance_id,
        "adopted": restore.is_adopted,
        "done": restore.is_done,
        "status": restore.status,
        "restore_id": restore.restore_id,
        "seconds": restore.seconds,
    }


def _backup(backup: KnownBackup | None) -> Mapping[str, Any] | None:
    if backup is None:
        return None
    told = {"id": backup.backup_id, "created_at": backup.created_at, "size": backup.size, "status": backup.status.value}
    return {**told, "remark": backup.remark} if backup.remark else told

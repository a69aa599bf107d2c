"""The report's table: a row for each changed backup, and sums above it where there are many."""

from __future__ import annotations

from collections import Counter
from typing import Final

from ..api.clock import in_words
from ..api.instances import CACHE_MODES, Instance
from ..api.words import size_in_words
from .changes import Kind, KnownBackup
from .inert import code, word
from .layout import fitted, folded, table_line
from .report import Report
from .rows import Row, seconds_taken, total_estimate
from .sentence import age_in_words, counted, date_and_size

_FOLDED_FROM: Final = 20
"""Rows up to which the table is shown as it is; above that, sums by what happens come first."""
_BUDGET: Final = 14_000
"""Characters for all rows: the comment has to hold more than them."""
_GONE: Final = "no longer exists at the service"
_DIFFERS: Final = "differs from the state"


def table(report: Report) -> str:
    """The table as Markdown; empty where no backup changes."""
    if not report.rows:
        return ""
    rows = _rows(report)
    if len(report.rows) <= _FOLDED_FROM:
        return rows
    return f"{_sums(report)}\n\n{folded(f'All {len(report.rows)} rows', rows)}"


def _rows(report: Report) -> str:
    """One row for each backup; columns that only the service could fill are left out where it could not be asked."""
    columns = ["Instance", "Resource", *_columns(report), "Kept"]
    lines = [table_line(columns), table_line(["---"] * len(columns))]
    lines += fitted(
        [table_line(_cells(row, report)) for row in report.rows], _BUDGET, "| … and {} more, in report.json |"
    )
    return "\n".join(lines)


def _columns(report: Report) -> list[str]:
    if report.outcome.is_record:
        return ["What happened", "Backup", "Deleted"]
    if report.outcome.is_drift:
        return ["What differs", *(["Last good backup"] if report.has_facts else [])]
    return ["What happens", *(["Last good backup"] if report.has_facts else []), "What goes away", "Estimate"]


def _cells(row: Row, report: Report) -> list[str]:
    change = row.change
    cells = {
        "Instance": _instance(row),
        "Resource": code(change.name),
        "What happens": _what(row),
        "What happened": _what(row) if change.is_done else f"**not finished**: {_what(row)}",
        "What differs": _difference(row),
        "Last good backup": _last_good(row, report),
        "What goes away": _backup(change.goes),
        "Deleted": _backup(change.goes) if change.is_gone else "",
        "Backup": _result(row),
        "Estimate": f"about {in_words(row.estimate)}" if row.estimate is not None else "",
    }
    kept = [*(["protected"] if change.is_protected else []), *(["retained"] if change.is_retained else [])]
    names = ["Instance", "Resource", *_columns(report)]
    return [*(cells[name] for name in names), " and ".join(kept) or "no"]


def _instance(row: Row) -> str:
    instance = row.instance
    if instance is None:
        return f"<sub>{code(row.change.location.instance_id)}</sub>" if row.instance_name else "not known"
    name = f"**{code(instance.name)}** " if instance.name else ""
    facts = [
        word(instance.engine_in_words),
        CACHE_MODES.get(instance.cache_mode, word(instance.cache_mode)),
        _memory(instance),
    ]
    return f"{name}<sub>{code(instance.instance_id)}</sub><br>{', '.join(filter(None, facts))}"


def _memory(instance: Instance) -> str:
    if instance.used_memory_mb is None:
        return ""
    if not instance.max_memory_mb:
        return f"{instance.used_memory_mb} MB used"
    return f"{instance.used_memory_mb} of {instance.max_memory_mb} MB used"


def _what(row: Row) -> str:
    change = row.change
    words = change.kind.value
    if change.kind.takes_one:
        words += f", {code(change.backup_format or 'rdb')}"
    if change.goes is not None and change.goes.remark:
        words += f", {code(change.goes.remark)}"
    if change.kind is Kind.ADOPT:
        words += f" {code(change.adopted_id)}" if change.adopted_id else " that is not known yet"
    if change.stays is not None and change.kind is not Kind.LEAVE:
        words += f"; leaves {code(change.stays.backup_id)} at the service"
    return words


def _difference(row: Row) -> str:
    return _GONE if row.change.kind in (Kind.DELETE, Kind.LEAVE) else _DIFFERS


def _last_good(row: Row, report: Report) -> str:
    good = row.last_good
    if good is None:
        return "none" if row.all_backups is not None else "not known"
    seconds = seconds_taken(good)
    facts = [age_in_words(good.created, report.made_at)] if good.created is not None else []
    facts += [size_in_words(good.size)] if good.size is not None else []
    facts += [f"took {in_words(seconds)}"] if seconds is not None else []
    if row.verified_keys is not None:
        facts.append(f"verified: {counted(row.verified_keys, 'key')}")
    elif row.proofs.are_declared:
        facts.append("not verified")
    return f"{', '.join(facts)}<br><sub>{code(good.backup_id)}</sub>"


def _result(row: Row) -> str:
    result = row.change.result
    if result is None or row.change.kind is Kind.DELETE:
        return ""
    seconds = seconds_taken(result)
    took = f", took {in_words(seconds)}" if seconds is not None else ""
    keys = f", verified: {counted(row.result_keys, 'key')}" if row.result_keys is not None else ""
    return f"{_backup(result)}{took if result.status.is_final else f', {result.status.value}'}{keys}"


def _backup(backup: KnownBackup | None) -> str:
    if backup is None:
        return ""
    return f"{code(backup.backup_id)}{date_and_size(backup.created, backup.size)}"


def _sums(report: Report) -> str:
    counts = Counter(_sum_words(row, report) for row in report.rows)
    instances = {words: set[str]() for words in counts}
    for row in report.rows:
        instances[_sum_words(row, report)].add(row.change.location.instance_id)
    lines = [table_line(["What happens", "Backups", "Instances"]), table_line(["---", "---:", "---:"])]
    lines += [table_line([words, str(count), str(len(instances[words]))]) for words, count in counts.most_common()]
    estimate = total_estimate(report.rows)
    return "\n".join(lines) + (f"\n\nAbout {in_words(estimate)} in all." if estimate is not None else "")


def _sum_words(row: Row, report: Report) -> str:
    if report.outcome.is_drift:
        return _difference(row)
    words = row.change.kind.value
    words += ", deletes the old one" if row.change.goes is not None and not row.change.kind.only_deletes else ""
    words += ", leaves the old one" if row.change.stays is not None and row.change.kind is not Kind.LEAVE else ""
    return words if row.change.is_done or not report.outcome.is_record else f"**not finished**: {words}"

"""Runs the tests of every kind of fault and writes docs/reliability.md from their results: ``make reliability``."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = ROOT / "docs" / "reliability.md"
SERVICE: Final = {
    "1": (
        "POST: connection refused, DNS or TLS failure",
        "tried again while that can help, then an error; nothing made",
    ),
    "2": ("POST: connection lost or timed out after the service took it", "the list tells: exactly one backup"),
    "3": ("POST: 5xx, HTML, 200 without backup_id, body cut off", "as 2"),
    "4": ("429, with and without Retry-After", "waited for as told; other requests slow down too"),
    "5": ("a busy code", "waited for, and said so, until the timeout; the error names the code"),
    "6": ("400 otherwise", "at once an error; no second try"),
    "7": ("401, 403", "at once an error; a wrong clock is named, and by how much it is wrong"),
    "8": ("polling: errors, time-outs, nonsense, a record missing for a while", "polling goes on until the timeout"),
    "9": ("the backup ends as failed", "an error with the cause; the record removed; the next up tries again"),
    "10": ("the backup disappears while waiting", "an error; nothing in the state"),
    "11": ("the timeout passes while the backup runs", "an error; the backup stays in the state; the next up waits on"),
    "12": ("Ctrl-C, SIGTERM", "`pulumi up` ends; the backup in the state as in 11"),
    "13": ("kill -9 of the host, the engine, everything", "the next up on that machine takes the backup over"),
    "13b": ("the same, and the next up on another machine", "stops and names the backup; with `dcs:mark` as 13"),
    "14": ("delete: lost response, 404, DCS.4031, busy, still being made, 5xx", "gone in the end, confirmed by a list"),
    "15": ("refresh: any API error", 'an error; never "gone"'),
    "16": ("lists: many pages, moving records, empty pages, odd fields", "read correctly; always ends"),
    "17": ("redirects, plain http, endless or huge responses", "refused, refused, bounded, bounded"),
    "18": ("two stacks or two resources on one instance at once", "each ends with its own backup"),
}
EXACTLY_ONE: Final = {
    "E1": ("an `on_error` hook has the engine retry a create that timed out", "goes on with the first backup"),
    "E2": ("the state was written with another pickle protocol", "one session per process; nothing is deleted twice"),
    "E3": ("the state can't be written after a create; Ctrl-C twice", "the next up takes the backup over"),
    "E4": ("two clones, organisations or backends with equal stack names", "each has its own backups"),
    "E5": ("inputs that come back, with the mark and `retain_on_delete`", "a new backup each time"),
    "E6": ("killed; next on another machine, with the mark; engine not on PATH, `main: src`", "taken over"),
    "E7": ("a fleet is killed, and the next up runs all creates at once", "one export of the state; none doubled"),
    "E8": ("killed; next on another machine, without the mark", "stops, names the backup and the two ways out"),
    "E9": ("lists that contradict themselves or lag behind", "prove no absence; nothing dropped, nothing doubled"),
    "E10": ("killed on Friday, up on Monday", "taken over or named, whatever its age"),
    "E11": ("another stack adopts what a killed run left", "it is not deleted"),
    "E12": ("two lost responses at once", "finding and claiming is one step"),
    "E13": ("killed while the journal is written", "only whole entries count"),
    "E14": ("a journal that is out of date", "nothing is taken over or deleted by it"),
    "E15": ("an orphan whose instance is gone", "gone is gone"),
    "E16": ("a backup or instance that vanished; a status unheard of", "gone after a while; final at 100 %"),
    "E17": (
        "`adopt_backup_id` left in the program while `triggers` change",
        "spent: a new backup, and the preview says so",
    ),
    "E18": ("adopting a backup that another resource holds", "refused, naming the other"),
    "E19": ("a service that trims remarks; remarks that look like a mark", "no new backup; refused"),
    "E20": ("the 25th backup of an instance", "refused if it would push out one that is held or was kept"),
    "E21": ("refresh with another endpoint by mistake", "an error; the state stays"),
    "E22": (
        "the engine dies where a closed port takes seconds to refuse",
        "the host ends, nobody's request is cut off",
    ),
    "E23": ("credentials expire during the wait", "ends after a few tries; the backup is in the state"),
}
TRUE_PREVIEWS: Final = {
    "P1": ("`retain_on_delete` switched off alone, then a replacement", "the preview says what the engine will do"),
    "P2": (
        "the option from a component or a transform, or switched on later",
        "as P1; policies don't complain falsely",
    ),
    "P3": ("`delete_before_replace`", "the true order, and a warning of the time without a backup"),
    "P4": ("`--target-replace`, taint and the like", "said where the provider can know it"),
    "P5": ("`replace_on_changes`", "replaced, as with any provider"),
    "P6": ("a wrong `adopt_backup_id`", "the preview fails"),
    "P7": ("a preview of many backups while the service is out of reach", "one short try, one warning"),
    "P8": ("polling fails while the backup runs", "says that asking failed and the backup goes on"),
    "P9": ("a first creation", "says what will be backed up; a preview without changes asks nothing"),
    "P10": ("files and archives in `triggers`", "count by their content's hash"),
    "P11": ("`triggers` from 1 to True", "a new backup"),
    "P12": ("a value that becomes secret later", "encrypted by the next up, without a new backup"),
    "P13": ("a secret value that is refused", "named, never shown"),
    "P14": ("a subclass of `InstanceBackup`", "the same type"),
    "P15": ("inline stacks in threads", "work"),
    "P16": ("`opts.import_`", "refused, with the way that works"),
    "P17": ("tokens and keys with unusable characters", "one diagnostic that names the setting, never its value"),
    "P18": ("unusable proxies and CA bundles", "blamed by their variable; passwords never shown"),
    "P19": ("endpoints that can't be", "refused as a setting"),
    "P20": ("a metadata service that fails", "old keys serve until they expire; every failure is one diagnostic"),
    "P21": ("profile files of any brokenness", "a diagnostic; a warning in the preview"),
    "P22": ("a security token of another set of keys", "not attached"),
    "P23": ("a loopback endpoint with a proxy set", "no proxy"),
    "P24": ("many waiters while the service fails", "each ends by its own deadline and shares the failure"),
    "P25": ("other dynamic providers beside ours", "as without us"),
    "P26": ("the `huaweicloud` package's settings alone", "are enough"),
}
AROUND: Final = {
    "R1": (
        "restore: the response is lost, the run is killed, cancelled, times out, or the engine retries",
        "never a second restore by itself; the next up goes on with it",
    ),
    "R2": ("the same, and the next up on another machine", "stops and names what it found"),
    "R3": (
        "a restore fails, its record vanishes, a status unheard of",
        "an error that stays; never repeated by itself",
    ),
    "R4": ("refresh, another up, other options, destroy", "restores nothing, touches no data"),
    "R5": ("an import's response or message holds the password", "never in state, message or log"),
    "R6": (
        "a restore that can't be, or that overwrites data",
        "the preview refuses it, or warns",
    ),
    "R7": ("real data: restored, imported, killed, lost, broken", "every key and value is compared"),
    "V1": ("verification: too few keys, a broken file, a backup that is gone", "an error: what depends on it waits"),
    "V2": ("an analysis without a backup would make one", "every request names the backup"),
    "V3": ("the service sends names of keys", "never in state, message or log"),
    "V4": ("lost responses, timeouts, kills, Ctrl-C", "the next up goes on; no task is left"),
    "V5": ("other people's analyses and tasks", "stay; the tasks of a killed run are removed"),
    "K1": ("retention: what would go is not what the preview listed", "nothing is deleted, and said why"),
    "K2": ("backups that a resource holds, needs or takes over", "stay"),
    "K3": ("an incomplete or lagging list, a state that can't be read", "nothing is deleted"),
    "K4": ("a deletion fails; the run is killed or cancelled", "what went is said; the next up goes on"),
    "K5": ("more than `max_deletions` would go", "nothing is deleted; what would go is listed"),
    "B1": ("`backup_before`: no backup, whatever the reason", "the change does not happen"),
    "B2": ("killed, cancelled or a lost response; then again", "the same change has one backup"),
    "B3": ("another change, or one that was undone and is made again", "a backup of its own"),
    "B4": ("a delete, a replacement: files missing or cut off", "the instance stays until its files are there"),
    "L1": ("look-ups without credentials or with any error", "one diagnostic"),
    "L2": ("links, secret arguments", "always secret"),
}
SECTIONS: Final = {
    "On the way to the service": SERVICE,
    "Exactly one": EXACTLY_ONE,
    "True previews, nothing raw, nothing secret": TRUE_PREVIEWS,
    "Restores, verifications, retention, backups before a change, look-ups": AROUND,
}
ROWS: Final = {row: texts for rows in SECTIONS.values() for row, texts in rows.items()}


def main() -> None:
    """Run, read the report, write the page. Fail if a row has no test or a test failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, help="a --junitxml of a run of all tests, to run none")
    given: Path | None = parser.parse_args().report
    with tempfile.TemporaryDirectory() as folder:
        report = given or Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-n", "4", "-q", "-m", "row", f"--junitxml={report}", "tests"]
        if given is None:
            subprocess.run(command, cwd=ROOT, check=False)
        results = read(report)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(results))
    bad = [row for row in ROWS if not results[row] or not all(passed for _, passed in results[row])]
    if bad:
        sys.exit(f"rows without a passing test: {', '.join(bad)}")


def read(report: Path) -> dict[str, list[tuple[str, bool]]]:
    """Read the tests of each row, and whether each test passed in all its variants."""
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    for case in ET.parse(report).iter("testcase"):
        file = case.get("classname", "").replace(".", "/")
        name = f"{file}.py::{case.get('name', '').partition('[')[0]}"
        passed = not any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))
        for tag in case.iter("property"):
            if tag.get("name") == "row":
                rows = found[str(tag.get("value"))]
                rows[name] = rows.get(name, True) and passed
    return defaultdict(list, {row: sorted(tests.items()) for row, tests in found.items()})


def page(results: dict[str, list[tuple[str, bool]]]) -> str:
    """Write the page."""
    lines = [
        "# Reliability",
        "",
        "Three invariants hold under every fault below:",
        "",
        "- There are never two backups for one declared generation.",
        "- Nothing is deleted that the stack's state does not hold, except what a `BackupRetention` has listed.",
        "- Everything that a killed run left is in the state after the next successful `pulumi up`, or it is named.",
        "",
        "`provider/pulumi_dcs/operations/ownership.py` has the proofs by which an existing backup is taken over.",
        "",
        "`make reliability` writes this page from a run of the tests that it names. Besides them, random schedules of",
        "faults, kills and timeouts run in virtual time and on the real engine. `make soak` runs both for longer.",
        "",
        "What a killed run made and nobody declares any more is an orphan. Each preview and each `pulumi up` names it",
        "with its id and the two ways out, and a person decides: adopt it or delete it.",
    ]
    for title, rows in SECTIONS.items():
        lines += [
            "",
            f"## {title}",
            "",
            "| # | what goes wrong | what happens | result | tests |",
            "|---|---|---|---|---|",
        ]
        for row, (fault, outcome) in rows.items():
            tests = results[row]
            result = "passed" if tests and all(passed for _, passed in tests) else "**not shown**"
            names = "<br>".join(f"`{name.removeprefix('tests/')}`" for name, _ in tests)
            lines.append(f"| {row} | {fault} | {outcome} | {result} | {names} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

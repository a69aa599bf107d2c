"""``review preview``, ``review apply``, ``review drift``: run Pulumi, and write the report of what it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from ..version import version
from .as_json import to_json
from .changes import changes_in, other_changes
from .command import Ran, run, signals_held
from .concerns import Concern, Topic, concerns_of, concerns_said
from .events import Diagnostic, EventLog
from .guards import guards_in
from .markdown import markdown
from .plan import MANIFEST, PlanRefused, artifact_name, check_handed_over, write_manifest
from .proofs import proofs_in
from .report import Outcome, Report
from .restores import restores_in
from .rows import rows_of
from .service import Known, ask, stack_configuration
from .settings import ReviewSettings

STALE: Final = 3
"""The exit code of an apply where nothing may be done: the plan is stale, or there is none."""
_FAILED: Final = 1
"""The exit code of an apply where the engine ends with 3 of its own: it isn't logged in."""
_OFF_PLAN: Final = re.compile(
    r"(resource (urn:.+ )?violates plan|[\w-]+ is not allowed by the plan|no plan for resource urn:.+|"
    r"Expected a new resource plan for urn:.+)(: |$)"
)
"""How the engine refuses what the plan does not have (``resource/deploy/step_generator.go`` of 3.274)."""
_NOT_SEEN: Final = re.compile(r"expected resource operations for urn:.+ but none were seen$")
"""How it says that something of the plan was not done; also after another error has stopped it."""
_FOLLOWS_ANOTHER: Final = ("preview failed", "update failed", "Resource monitor has terminated, shutting down")
"""Errors that the engine adds to the one that says what happened."""
_KILLED: Final = range(129, 193)
"""Exit codes that stand for signals."""
_LOG_CUT: Final = (
    "The engine's event log could not be read to its end. Changes may be missing here: read the engine's output.",
)
_STALE: Final = (
    "The plan is stale: the stack or the program is no longer what it was made for. Nothing beyond the plan was done.",
)
_OUTPUT_IN_ERROR: Final = 2000
"""Characters of the output's end that stand for the error where the engine had no event to say it in."""


class Review:
    """The three commands, with one pipeline's settings.

    Args:
        environment: the process's variables; Pulumi gets the same.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._settings = ReviewSettings.of(environment)
        self._options = ["--stack", self._settings.stack, "--non-interactive", "--color", "never"]
        self._policies: list[str] = []
        if self._settings.policy_pack:
            self._policies += ["--policy-pack", self._settings.policy_pack]
        if self._settings.policy_config:
            self._policies += ["--policy-pack-config", self._settings.policy_config]

    def preview(self) -> int:
        """Show what would happen, enforce the policies, keep the plan; the exit code is Pulumi's."""
        self._remove_report()
        plan = self._settings.plan
        plan.parent.mkdir(parents=True, exist_ok=True)
        for path in (plan, plan.with_name(MANIFEST)):
            path.unlink(missing_ok=True)
        ran, seconds = self._run("preview", "--diff", "--save-plan", str(plan), *self._policies)
        outcome = Outcome.PREVIEWED if ran.code == 0 else Outcome.PREVIEW_FAILED
        if ran.code:
            plan.unlink(missing_ok=True)
        # Without its report nobody can review the plan: no manifest is written then, so that it can't be applied.
        self._write(self._made(Outcome.INTERRUPTED if ran.is_cancelled else outcome, ran, seconds))
        if ran.code == 0:
            write_manifest(plan, stack=self._settings.stack, commit=self._settings.commit)
            self._hand_on(f"plan-name={artifact_name(self._settings.stack)}")
        return ran.code

    def apply(self) -> int:
        """Do what the reviewed plan says and nothing else; 3 where the plan is stale, or there is none."""
        self._remove_report()
        plan = self._settings.plan
        refusal = self._refusal()
        if not refusal:
            return self._up(plan, is_reviewed=True)
        if not self._settings.previews_without_plan:
            print(
                f"{refusal}, so nothing is done. Have it handed over, or set WITHOUT_PLAN=preview:\n"
                "then a new preview is made here, and what it shows is applied.",
                file=sys.stderr,
            )
            self._report(Outcome.NO_PLAN, Ran(STALE, "", EventLog()), 0.0)
            return STALE
        print(f"{refusal}; making a new preview, which this run is held to.", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            own = Path(folder) / "plan.json"
            ran, seconds = self._run("preview", "--diff", "--save-plan", str(own), *self._policies)
            if ran.code:
                # What a preview has planned is nothing that was done.
                ran = replace(ran, events=replace(ran.events, steps=()))
                self._report(Outcome.INTERRUPTED if ran.is_cancelled else Outcome.APPLY_FAILED, ran, seconds)
                return _exit_code(ran)
            return self._up(own, is_reviewed=False)

    def drift(self) -> int:
        """Compare the service with the state. Changes nothing, and fails if they differ."""
        self._remove_report()
        ran, seconds = self._run("refresh", "--preview-only", "--diff", "--expect-no-changes")
        is_changed = any(count for op, count in ran.events.changes.items() if op not in ("same", "read"))
        if ran.is_cancelled:
            outcome = Outcome.INTERRUPTED
        elif ran.code == 0:
            outcome = Outcome.NO_DRIFT
        else:
            outcome = Outcome.DRIFT if is_changed and not ran.events.errors else Outcome.DRIFT_UNKNOWN
        self._report(outcome, ran, seconds)
        return ran.code

    def _up(self, plan: Path, *, is_reviewed: bool) -> int:
        ran, seconds = self._run("up", "--yes", "--skip-preview", "--plan", str(plan), *self._policies)
        plan.unlink(missing_ok=True)
        is_stale = ran.code != 0 and is_off_plan(ran.events)
        if is_stale:
            outcome = Outcome.STALE
        elif ran.has_succeeded:
            outcome = Outcome.APPLIED
        else:
            outcome = Outcome.CANCELLED if ran.is_cancelled else Outcome.APPLY_FAILED
        self._report(outcome, ran, seconds)
        if is_stale:
            print(
                "The plan is stale: the stack or the program is no longer what was "
                f"{'reviewed' if is_reviewed else 'previewed'}. Open a new pull request, or run the\n"
                "preview of this one again, have it reviewed, and apply that. Nothing beyond the plan was done.",
                file=sys.stderr,
            )
            return STALE
        return _exit_code(ran)

    def _refusal(self) -> str:
        """Why there is no plan that counts as reviewed; empty where there is one."""
        plan = self._settings.plan
        if not plan.is_file():
            return f"There is no reviewed plan at {plan}"
        if _is_tracked(plan):
            return f"The plan at {plan} is a file of the repository, which nobody has handed over as reviewed"
        try:
            check_handed_over(plan, stack=self._settings.stack)
        except PlanRefused as error:
            return str(error).removesuffix(".")
        return ""

    def _run(self, command: str, *arguments: str) -> tuple[Ran, float]:
        started = time.monotonic()
        ran = run(["pulumi", command, *self._options, *arguments], self._environment)
        return ran, time.monotonic() - started

    def _hand_on(self, line: str) -> None:
        if self._settings.step_output is not None:
            with self._settings.step_output.open("a", encoding="utf-8") as output:
                output.write(f"{line}\n")

    def _report(self, outcome: Outcome, ran: Ran, seconds: float) -> None:
        """Write the report after something was done; that it can't be written must not look like a failed apply."""
        try:
            with signals_held() if outcome.is_record else nullcontext():
                if ran.is_cancelled or outcome.is_record:
                    # What there is already, at once: the runner may end this process any moment, held signals or not.
                    self._write(self._made(outcome, ran, seconds, asks=False), sums_up=False)
                self._write(self._made(outcome, ran, seconds))
        except Exception as error:
            why = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else type(error).__name__
            print(f"The report could not be written: {why}. What the run did is said above.", file=sys.stderr)

    def _remove_report(self) -> None:
        """Remove an earlier run's report, or the checkout's: nobody must take it for this run's."""
        for path in (self._settings.report, self._settings.report.with_suffix(".json")):
            path.unlink(missing_ok=True)

    def _write(self, report: Report, *, sums_up: bool = True) -> None:
        """Write report.md, report.json and, unless it is not the last word, GitHub's summary."""
        text = markdown(report)
        path = self._settings.report
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        told = json.dumps(to_json(report), indent=1, ensure_ascii=False)
        path.with_suffix(".json").write_text(f"{told}\n", "utf-8", errors="replace")
        if sums_up and self._settings.summary is not None:
            with self._settings.summary.open("a", encoding="utf-8") as summary:
                summary.write(text)

    def _made(self, outcome: Outcome, ran: Ran, seconds: float, *, asks: bool = True) -> Report:
        settings, log = self._settings, ran.events
        changes = changes_in(log)
        known = Known({})
        if changes and asks:
            configuration = stack_configuration(settings.stack, self._environment)
            locations = (change.location for change in changes)
            known = ask(locations, configuration, self._environment, backups=not outcome.is_record)
        rows = rows_of(changes, known, proofs_in(log))
        concerns = concerns_of(rows, log) if outcome is Outcome.PREVIEWED else concerns_said(log)
        if not log.is_complete and (ran.has_succeeded or ran.code in _KILLED):
            concerns.insert(0, Concern(Topic.PLAN, _LOG_CUT))
        if outcome is Outcome.STALE:
            concerns.insert(0, Concern(Topic.PLAN, _STALE))
        unknown = [("", trouble) for trouble in known.troubles]
        unknown += [(row.instance_name, row.facts.trouble) for row in rows if row.facts.trouble]
        unknown += [
            (row.change.name, "The id of its instance is not known yet, or a secret.")
            for row in rows
            if not row.instance_name
        ]
        return Report(
            outcome,
            settings.stack,
            datetime.now(timezone.utc),
            commit=settings.commit,
            rows=tuple(rows),
            restores=tuple(restores_in(log)),
            guards=guards_in(log),
            other_changes=other_changes(log, with_restores=outcome.is_drift),
            concerns=tuple(concerns),
            unknown=tuple(dict.fromkeys(unknown)),
            violations=log.violations,
            errors=_errors(outcome, ran),
            diff=ran.output,
            seconds=seconds,
            versions=f"pulumi-dcs {version()}, Pulumi {self._engine_version()}",
            run_url=settings.run_url,
        )

    def _engine_version(self) -> str:
        done = subprocess.run(
            ["pulumi", "version"], env=dict(self._environment), capture_output=True, text=True, check=False
        )
        return done.stdout.strip() or "of an unknown version"


def _exit_code(ran: Ran) -> int:
    """The engine's, unless that would say that the plan is stale."""
    return ran.code if ran.code != STALE else _FAILED


def is_off_plan(log: EventLog) -> bool:
    """Whether a run failed because the stack or the program is not what the plan was made for."""
    errors = [each.message for each in _causes(log)]
    return any(map(_OFF_PLAN.match, errors)) or (bool(errors) and all(map(_NOT_SEEN.match, errors)))


def _is_tracked(path: Path) -> bool:
    """Whether the file belongs to the checkout. A runner may own it as another user, which git would refuse to read."""
    # Where it really is: git knows no file by a path through a link or a submodule. A link can be tracked itself, too.
    for real in dict.fromkeys((path.parent.resolve() / path.name, path.resolve())):
        command = [
            "git",
            "-C",
            str(real.parent),
            "-c",
            "safe.directory=*",
            "ls-files",
            "--error-unmatch",
            "--",
            real.name,
        ]
        try:
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return True
        except FileNotFoundError:
            return False
    return False


def _causes(log: EventLog) -> tuple[Diagnostic, ...]:
    """The errors that say what happened."""
    return tuple(each for each in log.errors if each.message not in _FOLLOWS_ANOTHER)


def _errors(outcome: Outcome, ran: Ran) -> tuple[Diagnostic, ...]:
    """Why it failed: the engine's messages, or the end of its output where it failed before it could send any."""
    if ran.code == 0 or ran.has_succeeded or outcome in (Outcome.DRIFT, Outcome.NO_PLAN):
        return ()
    found = _causes(ran.events)
    if found or any(each.is_mandatory for each in ran.events.violations):
        return found
    return (Diagnostic("error", ran.output.strip()[-_OUTPUT_IN_ERROR:]),) if ran.output.strip() else ()

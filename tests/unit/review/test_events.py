"""The engine's event log, read into plain values."""

from __future__ import annotations

import json

import pytest
from pulumi_dcs.review.events import Diagnostic, EventLog, StepOutcome, Violation

from .logs import diagnostic, log, state, step, urn


def test_a_log_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    whole = json.dumps(diagnostic("Takes a backup."))
    found = EventLog.parse("\n".join([whole, whole[:20], "", "[]", "null"]))
    assert found.diagnostics == (Diagnostic("warning", "Takes a backup."),)
    assert not found.is_complete


def test_a_log_is_complete_if_every_line_can_be_read_to_the_engines_sum() -> None:
    said, end = json.dumps(diagnostic("Takes a backup.")), json.dumps({"summaryEvent": {"resourceChanges": {}}})
    assert EventLog.parse(f"{said}\n{end}\n").is_complete
    assert not EventLog.parse(f"{said}\n").is_complete
    assert not EventLog.parse("").is_complete
    assert not EventLog.parse(f"{said[:20]}\n{end}\n").is_complete


@pytest.mark.parametrize("char", ["\u0085", "\u2028", "\u2029", "\x1c", "\x0b"])
def test_a_line_ends_where_the_engine_ends_it(char: str) -> None:
    found = log(step("create", f"a{char}b", None, state(inputs={"remark": f"x{char}y"})))
    assert [each.urn for each in found.steps] == [urn(f"a{char}b")]


@pytest.mark.parametrize(
    "odd", [None, [], "text", 7, {"metadata": None}, {"metadata": {"old": [], "new": {"inputs": 1}}}]
)
@pytest.mark.parametrize(
    "kind", ["resourcePreEvent", "resOutputsEvent", "diagnosticEvent", "policyEvent", "summaryEvent"]
)
def test_events_of_another_shape_do_no_harm(kind: str, odd: object) -> None:
    assert log({kind: odd}).errors == ()


def test_what_is_for_debugging_or_passing_is_left_out() -> None:
    passing = diagnostic("backing up, 37 %", "info", "a")
    passing["diagnosticEvent"]["ephemeral"] = True
    assert log(diagnostic("registering", "debug"), passing).diagnostics == ()


def test_a_message_is_read_without_the_engines_colours() -> None:
    found = log(diagnostic("<{%reset%}>no such instance<{%reset%}>\n", "error", "a"))
    assert found.errors == (Diagnostic("error", "no such instance", urn("a")),)


def test_the_end_of_a_step_brings_its_outcome() -> None:
    found = log(
        step("create", "a", None, state(), ends=""),
        step("create", "b", None, state("b1")),
        step("delete", "c", state("b2"), ends="resOpFailedEvent"),
    )
    assert [each.outcome for each in found.steps] == [StepOutcome.STARTED, StepOutcome.DONE, StepOutcome.FAILED]
    assert found.steps[1].new is not None
    assert found.steps[1].new.outputs["backup_id"] == "b1"


def test_policies_and_counts() -> None:
    violation = {
        "policyName": "dcs-backup-remark",
        "message": "no remark",
        "enforcementLevel": "mandatory",
        "resourceUrn": urn("a"),
    }
    found = log({"policyEvent": violation}, {"summaryEvent": {"resourceChanges": {"create": 1, "same": 2}}})
    assert found.violations == (Violation("dcs-backup-remark", "no remark", is_mandatory=True, urn=urn("a")),)
    assert found.changes == {"create": 1, "same": 2}

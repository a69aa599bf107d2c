"""Requests out of messages, and messages out of responses."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2
from pulumi_dcs.engine import messages
from pulumi_dcs.engine.requests import (
    CheckFailure,
    CheckRequest,
    CheckResponse,
    DiffResponse,
    ProgramFacts,
    PropertyDiffKind,
    ReadResponse,
)
from pulumi_dcs.engine.unknowns import UNKNOWN

FACTS = ProgramFacts(True, "acme", ("a", "b"), False, ("c",))


def struct(**properties: Any) -> struct_pb2.Struct:
    return json_format.ParseDict(properties, struct_pb2.Struct())


def test_check_takes_the_programs_facts_out() -> None:
    message = provider_pb2.CheckRequest(
        urn="u", olds=struct(__provider="p", x=1), news=struct(__provider="p", __program=FACTS.as_input(), x=2)
    )
    request = messages.check_request(message)
    assert request == CheckRequest("u", {"x": 1}, {"x": 2}, FACTS)
    response = messages.check_response(message, request, CheckResponse({"x": 2, "__program": {}}))
    assert json_format.MessageToDict(response.inputs) == {"x": 2.0, "__provider": "p"}


@pytest.mark.parametrize("odd", ["text", 1, {"dryRun": "yes", "organization": 1, "secretPaths": "a"}])
def test_odd_facts_are_none(odd: Any) -> None:
    assert ProgramFacts.of_inputs({"__program": odd}) == ProgramFacts()


def test_a_secrets_failure_names_no_property_to_the_engine() -> None:
    request = CheckRequest("u", {}, {}, FACTS)
    response = CheckResponse({}, tuple(CheckFailure(name, "bad.") for name in ("a", "b.deep[0]", "b[1]", "c", "")))
    shown = messages.shown_failures(request, response)
    assert [name for name, _ in shown] == ["", "", "", "c", ""]
    assert shown[1] == ("", "property b.deep[0]: bad.")


def test_a_diff_has_no_property_twice() -> None:
    response = messages.diff_response(
        DiffResponse(
            {
                "t.a": PropertyDiffKind.UPDATE_REPLACE,
                "t.b[0]": PropertyDiffKind.ADD_REPLACE,
                "l[0]": PropertyDiffKind.UPDATE,
                "status": PropertyDiffKind.UPDATE_REPLACE,
            },
            outputs=frozenset({"status"}),
        )
    )
    assert list(response.diffs) == ["t", "l", "status"]
    assert list(response.replaces) == ["t", "status"]
    assert response.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert response.hasDetailedDiff
    assert not response.detailedDiff["status"].inputDiff
    assert response.detailedDiff["t.a"].inputDiff


def test_a_diff_without_changes_and_one_without_properties() -> None:
    none, some = messages.diff_response(DiffResponse()), messages.diff_response(DiffResponse(has_changes=True))
    assert none.changes == provider_pb2.DiffResponse.DIFF_NONE
    assert some.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert not none.hasDetailedDiff
    assert not some.hasDetailedDiff


def test_old_inputs_are_the_outputs_where_an_engine_does_not_send_them() -> None:
    message = provider_pb2.DiffRequest(id="i", olds=struct(__provider="p", x=1, y=2), news=struct(x=1))
    assert messages.diff_request(message, None).old_inputs == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("properties", "inputs", "is_get"),
    [({}, {"x": 1}, True), ({"x": 1}, {"x": 1}, True), ({"x": 1, "out": 2}, {"x": 1}, False)],
)
def test_a_read_for_the_program_is_known(properties: Any, inputs: Any, is_get: bool) -> None:
    hidden = {"__provider": "p"}
    message = provider_pb2.ReadRequest(
        id="i", properties=struct(**properties, **hidden) if properties else None, inputs=struct(**inputs, **hidden)
    )
    request = messages.read_request(message, None)
    assert request.is_get is is_get
    assert (request.properties, request.inputs) == (properties or inputs, inputs)
    assert messages.provider_text("Read", message) == "p"
    response = messages.read_response(message, ReadResponse("i", {"out": 3}))
    assert json_format.MessageToDict(response.inputs) == {"x": 1.0, "__provider": "p"}
    assert messages.read_response(message, ReadResponse("")) == provider_pb2.ReadResponse()


def test_the_provider_is_found_as_the_host_finds_it_and_nothing_is_added_to_the_request() -> None:
    message = provider_pb2.CheckRequest(olds=struct(__provider="old"), news=struct(__provider=UNKNOWN))
    assert messages.provider_text("Check", message) == "old"
    assert messages.provider_text("Update", provider_pb2.UpdateRequest(news=struct(x=1))) == ""
    empty = provider_pb2.CreateRequest(properties=struct(x=1))
    assert messages.provider_text("Create", empty) == ""
    assert "__provider" not in empty.properties.fields

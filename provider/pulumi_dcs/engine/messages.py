"""Turns the messages of the provider protocol into requests, and responses into messages."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2

from .requests import (
    PROVIDER,
    CheckRequest,
    CheckResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    ProgramFacts,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
    top_level_names,
)
from .unknowns import UNKNOWN
from .values import has_assets, without_assets
from .wire import from_struct, to_struct, visible

_NO_PROVIDER: Final = struct_pb2.Value()


def provider_text(operation: str, message: Any) -> str:
    """The pickled provider that a request is for, found as the stock host finds it; empty where there is none."""
    return _provider(operation, message).string_value


def check_request(message: Any) -> CheckRequest:
    """What ``Check`` asks."""
    declared = from_struct(message.news)
    return CheckRequest(message.urn, _old(message.olds), visible(declared), ProgramFacts.of_inputs(declared))


def check_response(message: Any, request: CheckRequest, response: CheckResponse) -> provider_pb2.CheckResponse:
    """What ``Check`` responds."""
    return provider_pb2.CheckResponse(
        inputs=_with_provider(to_struct(visible(response.inputs)), _provider_in(message.news)),
        failures=[
            provider_pb2.CheckFailure(property=name, reason=reason)
            for name, reason in shown_failures(request, response)
        ],
    )


def shown_failures(request: CheckRequest, response: CheckResponse) -> list[tuple[str, str]]:
    """The failures as property and reason, the property named in the reason where its value is a secret.

    Beside a property's name the engine prints its value, secret or not.
    """
    secrets = request.program.secret_inputs
    return [
        ("", f"property {failure.property}: {failure.reason}")
        if failure.property.partition(".")[0].partition("[")[0] in secrets
        else (failure.property, failure.reason)
        for failure in response.failures
    ]


def diff_request(message: Any, program: ProgramFacts | None) -> DiffRequest:
    """What ``Diff`` asks."""
    outputs = visible(from_struct(message.olds))
    inputs = _old_inputs(message, message.olds)
    return DiffRequest(
        message.urn,
        message.id,
        without_assets(inputs),
        without_assets(outputs),
        _old(message.news),
        program,
        has_old_assets=has_assets(outputs) or has_assets(inputs),
    )


def diff_response(response: DiffResponse) -> provider_pb2.DiffResponse:
    """What ``Diff`` responds."""
    kinds = provider_pb2.PropertyDiff.Kind
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME
        if response.has_changes or response.changes
        else provider_pb2.DiffResponse.DIFF_NONE,
        replaces=replaced(response),
        deleteBeforeReplace=response.delete_before_replace,
        diffs=top_level_names(response.changes),
        detailedDiff={
            path: provider_pb2.PropertyDiff(kind=kinds.Value(kind.value), inputDiff=path not in response.outputs)
            for path, kind in response.changes.items()
        },
        # With an empty detailed diff the engine would show an update of nothing; without one it compares the inputs.
        hasDetailedDiff=bool(response.changes),
    )


def replaced(response: DiffResponse) -> list[str]:
    """The properties whose change calls for a replacement."""
    return top_level_names(path for path, kind in response.changes.items() if kind.replaces)


def create_request(message: Any, program: ProgramFacts | None) -> CreateRequest:
    """What ``Create`` asks."""
    return CreateRequest(message.urn, _old(message.properties), _timeout(message), message.preview, program)


def create_response(message: Any, response: CreateResponse) -> provider_pb2.CreateResponse:
    """What ``Create`` responds."""
    return provider_pb2.CreateResponse(
        id=response.id, properties=_with_provider(to_struct(response.properties), _provider_in(message.properties))
    )


def read_request(message: Any, program: ProgramFacts | None) -> ReadRequest:
    """What ``Read`` asks."""
    properties, inputs = _old(message.properties), _old(message.inputs)
    # Whether an engine sends what the program gives as inputs alone or as both depends on its version.
    is_get = not properties or properties == inputs
    return ReadRequest(message.urn, message.id, properties or inputs, inputs, _timeout(message), program, is_get=is_get)


def read_response(message: Any, response: ReadResponse) -> provider_pb2.ReadResponse:
    """What ``Read`` responds."""
    if not response.id:
        return provider_pb2.ReadResponse()
    provider = _provider("Read", message)
    # Inputs are always given: else the engine keeps those of the request, and with them the facts about the program.
    inputs = visible(from_struct(message.inputs)) if response.inputs is None else visible(response.inputs)
    return provider_pb2.ReadResponse(
        id=response.id,
        properties=_with_provider(to_struct(response.properties), provider),
        inputs=_with_provider(to_struct(inputs), provider),
    )


def update_request(message: Any, program: ProgramFacts | None) -> UpdateRequest:
    """What ``Update`` asks."""
    return UpdateRequest(
        message.urn,
        message.id,
        without_assets(_old_inputs(message, message.olds)),
        _old(message.olds),
        _old(message.news),
        _timeout(message),
        message.preview,
        program,
    )


def update_response(message: Any, response: UpdateResponse) -> provider_pb2.UpdateResponse:
    """What ``Update`` responds."""
    properties = _with_provider(to_struct(response.properties), _provider_in(message.news))
    return provider_pb2.UpdateResponse(properties=properties)


def delete_request(message: Any, program: ProgramFacts | None) -> DeleteRequest:
    """What ``Delete`` asks."""
    inputs = without_assets(_old_inputs(message, message.properties))
    return DeleteRequest(message.urn, message.id, _old(message.properties), inputs, _timeout(message), program)


def delete_response() -> empty_pb2.Empty:
    """What ``Delete`` responds."""
    return empty_pb2.Empty()


INIT_CAN_FAIL: Final = {"Create": "properties", "Update": "news", "Read": "inputs"}
"""The operations after which the engine can keep a resource that failed, and where their requests have its inputs."""


def init_failed(
    operation: str, message: Any, reason: str, resource_id: str, properties: Any
) -> provider_pb2.ErrorResourceInitFailed:
    """The detail of a failed call that has the engine keep the resource."""
    return provider_pb2.ErrorResourceInitFailed(
        id=resource_id,
        properties=_with_provider(to_struct(properties), _provider(operation, message)),
        reasons=[reason],
        inputs=getattr(message, INIT_CAN_FAIL[operation]),
    )


def _provider(operation: str, message: Any) -> struct_pb2.Value:
    """As the handlers of ``pulumi.dynamic.__main__`` look for it."""
    if operation in {"Check", "Diff"}:
        declared = _provider_in(message.news)
        return _provider_in(message.olds) if declared.string_value == UNKNOWN else declared
    if operation == "Update":
        return _provider_in(message.news)
    if operation == "Read" and not message.properties.fields:
        return _provider_in(message.inputs)
    return _provider_in(message.properties)


def _provider_in(struct: struct_pb2.Struct) -> struct_pb2.Value:
    # Not by index, which would add the property to the request.
    provider: struct_pb2.Value = struct.fields.get(PROVIDER, _NO_PROVIDER)
    return provider


def _with_provider(struct: struct_pb2.Struct, provider: struct_pb2.Value) -> struct_pb2.Struct:
    struct.fields[PROVIDER].CopyFrom(provider)
    return struct


def _old(struct: struct_pb2.Struct) -> dict[str, Any]:
    """What the engine keeps: plain, since ``check`` let no asset through; what version 0.1 kept is as plain."""
    kept: dict[str, Any] = without_assets(visible(from_struct(struct)))
    return kept


def _old_inputs(message: Any, outputs: struct_pb2.Struct) -> dict[str, Any]:
    # Engines send them since 3.74; the oldest supported SDK knows them.
    inputs = message.old_inputs if message.HasField("old_inputs") else outputs
    return visible(from_struct(inputs))


def _timeout(message: Any) -> float | None:
    # Read has one since SDK 3.240.
    return float(getattr(message, "timeout", 0.0)) or None

"""The methods by which the stock host calls a provider, for the requests that come before its handlers are replaced.

The first request of each process comes this way, since ``configure`` is called while it is served, and so do those
that other threads serve at that moment. Where the handlers can't be replaced, all do. Whole requests are found by
climbing the stack to the host's handler; where that can't be done, the method's own arguments have to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pulumi import Archive, Asset
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult
from pulumi.output import Unknown

from . import messages, stock_host
from .diagnostics import abort, text_of
from .errors import DiagnosticError
from .host import install
from .requests import (
    CheckRequest,
    CreateRequest,
    DeleteRequest,
    DiffRequest,
    ProgramFacts,
    Provider,
    ReadRequest,
    UpdateRequest,
)
from .unknowns import UNKNOWN
from .values import ARCHIVE_SIGNATURE, ASSET_SIGNATURE, AssetHash, asset_of, without_assets
from .wire import visible

if TYPE_CHECKING:
    from .dynamic_provider import DynamicProvider


class StockMethods:
    """Serves a dynamic provider's own methods.

    Args:
        dynamic_provider: whose methods they are.
        make: makes what carries out the requests.
    """

    def __init__(self, dynamic_provider: DynamicProvider, make: Callable[[], Provider]) -> None:
        self._host = install()
        self._host.adapter.add_package(type(dynamic_provider).__module__)
        self._provider: Provider | None = None
        self._failure: Exception | None = None
        # Kept, not raised: the host would show a traceback, and call `configure` again for every request.
        try:
            self._provider = make()
        except Exception as error:
            self._failure = error

    def provider(self) -> Provider:
        """What carries out the requests.

        Raises:
            Exception: what making it raised.
        """
        if self._provider is None:
            assert self._failure is not None
            raise self._failure
        return self._provider

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        def request() -> CheckRequest:
            declared = _plain(news)
            return CheckRequest("", _kept(olds), visible(declared), ProgramFacts.of_inputs(declared))

        asked, response = self._respond("Check", request)
        failures = [CheckFailure(name, reason) for name, reason in messages.shown_failures(asked, response)]
        return CheckResult(_kept(response.inputs), failures)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        old = _kept(olds)
        _, response = self._respond("Diff", lambda: DiffRequest("", id_, old, old, _kept(news)))
        changes = bool(response.has_changes or response.changes)
        return DiffResult(
            changes=changes,
            replaces=messages.replaced(response),
            delete_before_replace=response.delete_before_replace,
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        _, response = self._respond("Create", lambda: CreateRequest("", _kept(props)))
        return CreateResult(response.id, _kept(response.properties))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        old = _kept(props)
        asked, response = self._respond("Read", lambda: ReadRequest("", id_, old, old))
        if not response.id:
            return ReadResult("", {})
        inputs = asked.inputs if response.inputs is None else response.inputs
        return ReadResult(response.id, _kept(response.properties), _kept(inputs))

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        old = _kept(olds)
        _, response = self._respond("Update", lambda: UpdateRequest("", id_, old, old, _kept(news)))
        return UpdateResult(_kept(response.properties))

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        old = _kept(props)
        self._respond("Delete", lambda: DeleteRequest("", id_, old, old))

    def _respond(self, operation: str, from_arguments: Callable[[], Any]) -> tuple[Any, Any]:
        """The request and the provider's response to it; ends the call if that fails."""
        served = _served_request()
        debug = False
        with self._host.adapter.running.one_more():
            try:
                provider = self.provider()
                debug = provider.is_debugging
                request = self._host.adapter.request(operation, served[0]) if served else from_arguments()
                return request, getattr(provider, operation.lower())(request)
            except Exception as error:
                if served:
                    abort(operation, *served, error, debug=debug)
                raise DiagnosticError(text_of(error, operation, debug=debug)) from None


def _served_request() -> tuple[Any, Any] | None:
    # Private names may change in any way: whatever looking for them raises means that they are not there.
    try:
        return stock_host.served_request()
    except Exception:
        return None


def _kept(properties: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = without_assets(visible(_plain(properties)))
    return kept


def _plain(value: Any) -> Any:
    """The value without objects of the SDK."""
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {name: plain for name, part in value.items() if (plain := _plain(part)) is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (Asset, Archive)):
        return _asset(value)
    return value


def _asset(value: Asset | Archive) -> AssetHash:
    parts = {name: _plain(part) for name in ("text", "path", "uri", "assets") if (part := getattr(value, name, None))}
    return asset_of(ASSET_SIGNATURE if isinstance(value, Asset) else ARCHIVE_SIGNATURE, parts)

"""Serves the engine's requests for this package's resources, in place of the stock host's handlers.

The only place that reads gRPC requests and aborts calls. Requests for other people's dynamic providers go to the stock
handlers as they came.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc

from . import messages, stock_host
from .diagnostics import abort
from .others import OtherRequests
from .requests import CheckRequest, ProgramFacts, Provider
from .running import Running

_OWN_PACKAGE: Final = __name__.partition(".")[0]


class Adapter:
    """Parses requests, has a provider carry them out, and builds the responses.

    Args:
        others: lets other providers' requests pass.
        on_cancel: called when the engine cancels the deployment.
    """

    def __init__(self, others: OtherRequests, on_cancel: Callable[[], None]) -> None:
        self._others = others
        self._on_cancel = on_cancel
        self.running: Final = Running()
        """The requests of this package's resources."""
        self._packages = {_OWN_PACKAGE}
        self._known: dict[str, Any] = {}
        self._facts: dict[str, ProgramFacts] = {}
        self._servicer: Any = None
        self.replaced: Final[dict[Any, Callable[[Any, Any], Any]]] = {}
        """What serves in place of each stock handler."""

    def add_package(self, name: str) -> None:
        """Note that a module's package has providers of ours."""
        self._packages.add(name.partition(".")[0])

    def replace_handlers(self, table: MutableMapping[str, Any], pool: ThreadPoolExecutor | None) -> None:
        """Serve the operations that stand in a server's method table.

        Args:
            pool: the threads to serve them on; None for the host's own.

        Raises:
            LookupError: one of them does not stand there; then the table is left as it is.
        """
        names = [stock_host.SERVICE + name for name in (*stock_host.OPERATIONS, "Cancel")]
        stock = {name: table[name] for name in names}
        self._servicer = stock[stock_host.SERVICE + "Check"].unary_unary.__self__
        for name, handler in stock.items():
            operation = name.rpartition("/")[2]
            behavior = self._cancel if operation == "Cancel" else self._serve
            serve = _bound(behavior, operation, handler.unary_unary)
            if pool is not None:
                stock_host.serve_on(serve, pool)
            table[name] = grpc.unary_unary_rpc_method_handler(
                serve, handler.request_deserializer, handler.response_serializer
            )
            self.replaced[handler.unary_unary] = serve

    def respond(self, operation: str, provider: Provider, message: Any) -> Any:
        """The response of the provider to a request as it came."""
        request = self.request(operation, message)
        response = getattr(provider, operation.lower())(request)
        return _RESPONSES[operation](message, request, response)

    def request(self, operation: str, message: Any) -> Any:
        """The request in plain values; what ``check`` is told of the program, later ones are as well."""
        if operation == "Check":
            request: CheckRequest = messages.check_request(message)
            self._facts[request.urn] = request.program
            return request
        return _REQUESTS[operation](message, self._facts.get(message.urn))

    def _serve(self, operation: str, stock: Callable[[Any, Any], Any], message: Any, context: Any) -> Any:
        ours = self._ours(messages.provider_text(operation, message))
        if ours is None:
            return self._others.serve(stock, message, context)
        debug = False
        with self.running.one_more():
            try:
                provider: Provider = ours.provider()
                debug = provider.is_debugging
                return self.respond(operation, provider, message)
            except Exception as error:
                abort(operation, message, context, error, debug=debug)

    def _cancel(self, _operation: str, stock: Callable[[Any, Any], Any], message: Any, context: Any) -> Any:
        self._on_cancel()
        return stock(message, context)

    def _ours(self, text: str) -> Any:
        """The provider of this pickled text if it is one of ours.

        Other people's are not unpickled here: theirs to do is the stock handler's.
        """
        if text not in self._known:
            found = stock_host.known_provider(text)
            if found is None and self._mentions_ours(text):
                try:
                    found = stock_host.make_provider(text, self._servicer)
                except Exception:
                    # Not even unpickled: the stock handler reports that as it does.
                    return None
            if found is None:
                return None
            self._known[text] = found if callable(getattr(found, "provider", None)) and _is_ours(found) else None
        return self._known[text]

    def _mentions_ours(self, text: str) -> bool:
        try:
            pickled = base64.b64decode(text)
        except (binascii.Error, ValueError):
            return False
        return any(package.encode() in pickled for package in self._packages)


def _is_ours(provider: Any) -> bool:
    from .dynamic_provider import DynamicProvider

    return isinstance(provider, DynamicProvider)


def _bound(
    behavior: Callable[[str, Any, Any, Any], Any], operation: str, stock: Callable[[Any, Any], Any]
) -> Callable[[Any, Any], Any]:
    def serve(message: Any, context: Any) -> Any:
        return behavior(operation, stock, message, context)

    return serve


_REQUESTS: Final[dict[str, Callable[[Any, ProgramFacts | None], Any]]] = {
    "Diff": messages.diff_request,
    "Create": messages.create_request,
    "Read": messages.read_request,
    "Update": messages.update_request,
    "Delete": messages.delete_request,
}
_RESPONSES: Final[dict[str, Callable[[Any, Any, Any], Any]]] = {
    "Check": messages.check_response,
    "Diff": lambda _message, _request, response: messages.diff_response(response),
    "Create": lambda message, _request, response: messages.create_response(message, response),
    "Read": lambda message, _request, response: messages.read_response(message, response),
    "Update": lambda message, _request, response: messages.update_response(message, response),
    "Delete": lambda _message, _request, _response: messages.delete_response(),
}

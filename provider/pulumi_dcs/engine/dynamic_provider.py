"""The base of the provider classes that the state refers to: light in a user's program, at work in the host."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import (
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

if TYPE_CHECKING:
    from .requests import Provider
    from .stock_methods import StockMethods


class DynamicProvider(ResourceProvider):
    """A provider of ours, as Pulumi's host knows it.

    What the state keeps of it is a reference to its class and nothing else: a subclass stands in a module that can be
    imported, under a name that never changes, and has no attributes. A user's program imports it, but has nothing done
    by it: what that takes is imported in the host's process only.
    """

    serialize_as_secret_always = False

    _methods: StockMethods

    def make_provider(self, configuration: Mapping[str, Any]) -> Provider:
        """Make what carries out the requests. Called once in the host's process, for each pickled form of the class.

        Args:
            configuration: the stack's, by full key (``dcs:region``).

        Raises:
            DiagnosticError: it can't be made; then this is what each request responds.
        """
        raise NotImplementedError

    def configure(self, req: ConfigureRequest) -> None:
        """Called once in the host's process, before anything else there."""
        # What is loaded stays until the process ends: looking for garbage in it would hold up the first requests.
        gc.disable()
        try:
            from .stock_methods import StockMethods

            self._methods = StockMethods(self, lambda: self.make_provider(Configuration(req)))
            gc.freeze()
        finally:
            gc.enable()

    def provider(self) -> Provider:
        """What carries out the requests.

        Raises:
            Exception: what making it raised.
        """
        return self._methods.provider()

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        return self._methods.check(_olds, news)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return self._methods.diff(_id, _olds, _news)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return self._methods.create(props)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        return self._methods.read(id_, props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return self._methods.update(_id, _olds, _news)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        self._methods.delete(_id, _props)


class Configuration(Mapping[str, Any]):
    """The stack's configuration as a mapping by full key; it can't be gone through."""

    def __init__(self, request: ConfigureRequest) -> None:
        self._config = request.config

    def __getitem__(self, key: str) -> Any:
        value = self._config.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __iter__(self) -> Iterator[str]:
        raise TypeError("the configuration is asked by key")

    def __len__(self) -> int:
        raise TypeError("the configuration is asked by key")

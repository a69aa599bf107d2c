"""What a resource's constructor tells the engine; seen by the SDK's mocks."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from typing import Any

import pulumi
import pytest
from pulumi.dynamic import Resource
from pulumi.runtime import test as run_as_program
from pulumi_dcs.engine import registration
from pulumi_dcs.engine.dynamic_provider import DynamicProvider
from pulumi_dcs.engine.registration import register


class ToyProvider(DynamicProvider):
    """Stands for a provider of ours."""


class Toy(Resource, module="toy", name="Toy"):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Any) -> None:
        register(self, ToyProvider(), name, inputs, opts)


class Subclass(Toy):
    pass


class Named(Toy, module="mine", name="Named"):
    pass


class Registered(pulumi.runtime.Mocks):
    def __init__(self) -> None:
        self.all: list[pulumi.runtime.MockResourceArgs] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.all.append(args)
        return "id", args.inputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], None]:
        return {}, None


def registered(declare: Any, organization: str = "organization", *, preview: bool = False) -> Registered:
    asyncio.set_event_loop(asyncio.new_event_loop())  # set_mocks needs one; any asyncio.run before has taken it away
    mocks = Registered()
    pulumi.runtime.set_mocks(mocks, preview=preview, organization=organization)
    run_as_program(lambda: declare() and None)()  # type: ignore[no-untyped-call]
    return mocks


@pytest.mark.parametrize(("organization", "kept"), [("organization", ""), ("acme", "acme")])
def test_the_facts_travel_as_one_hidden_input(organization: str, kept: str) -> None:
    opts = pulumi.ResourceOptions(delete_before_replace=True, replace_on_changes=["wait"])
    (args,) = registered(lambda: Toy("toy", opts, value=1), organization, preview=True).all
    assert args.inputs["__program"] == {
        "dryRun": True,
        "organization": kept,
        "secretPaths": [],
        "deleteBeforeReplace": True,
        "replaceOnChanges": ["wait"],
    }
    assert {name for name in args.inputs if name.startswith("__")} == {"__program", "__provider"}


def test_where_the_inputs_hold_secrets_is_told() -> None:
    def declare() -> Toy:
        secret = pulumi.Output.secret("s")
        return Toy(
            "toy",
            at_once=secret,
            deep={"a": [{"b": secret}]},
            nested=pulumi.Output.from_input("x").apply(lambda _: {"inner": [secret]}),
            derived=secret.apply(len),
            plain=pulumi.Output.from_input("x"),
            text="x",
        )

    (args,) = registered(declare).all
    assert args.inputs["__program"]["secretPaths"] == [
        "at_once",
        "deep.a[0].b",
        "nested.inner[0]",
        "derived",
    ]


def test_a_failing_input_fails_as_ever(capfd: pytest.CaptureFixture[str]) -> None:
    def fail(_: Any) -> Any:
        raise ValueError("the user's own")

    def declare() -> None:
        Toy("toy", value=pulumi.Output.from_input(1).apply(fail))

    with pytest.raises(Exception, match="the user's own"):
        registered(declare)
    assert "never awaited" not in capfd.readouterr().err


def test_what_is_read_gets_no_facts() -> None:
    (args,) = registered(lambda: Toy("toy", pulumi.ResourceOptions(id="some"), value=1)).all
    assert "__program" not in args.inputs


def test_a_subclass_has_its_parents_type_unless_named() -> None:
    mocks = registered(lambda: [Toy("a"), Subclass("b"), Named("c")])
    assert {args.name: args.typ for args in mocks.all} == {
        "a": "pulumi-python:dynamic/toy:Toy",
        "b": "pulumi-python:dynamic/toy:Toy",
        "c": "pulumi-python:dynamic/mine:Named",
    }


def test_without_the_serializers_private_names_the_sdk_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = registered(lambda: Toy("toy")).all[0].inputs["__provider"]
    monkeypatch.setattr(registration, "_serialized", lambda provider: None)
    (args,) = registered(lambda: Toy("toy")).all
    assert args.inputs["__provider"] == expected


def test_hidden_inputs_are_not_for_programs() -> None:
    with pytest.raises(ValueError, match="__program"):
        registered(lambda: Toy("toy", __program={}))


class TestTracebackLimit:
    @pytest.fixture(autouse=True)
    def none_at_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(sys, "tracebacklimit", raising=False)

    def test_many_threads_share_it_and_leave_none(self) -> None:
        limit = registration._TracebackLimit()
        problems: list[BaseException] = []

        def use(depth: int) -> None:
            try:
                for _ in range(2000):
                    with limit.at(depth):
                        assert (sys.tracebacklimit or 0) >= depth
                        assert len(traceback.extract_stack()) >= 1
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=use, args=(depth,)) for depth in (3, 5, 8, 13)]
        was = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(was)
        assert problems == []
        assert not hasattr(sys, "tracebacklimit")

    @pytest.mark.parametrize("own", [7, None, 0])
    def test_a_users_own_limit_is_left_alone(self, monkeypatch: pytest.MonkeyPatch, own: Any) -> None:
        monkeypatch.setattr(sys, "tracebacklimit", own, raising=False)
        limit = registration._TracebackLimit()
        with limit.at(3):
            assert sys.tracebacklimit == own
        assert sys.tracebacklimit == own

    def test_one_set_meanwhile_is_left_alone_and_one_taken_away_stays_so(self) -> None:
        limit = registration._TracebackLimit()
        with limit.at(3):
            sys.tracebacklimit = 50
            with limit.at(4):
                assert sys.tracebacklimit == 50
        assert sys.tracebacklimit == 50
        del sys.tracebacklimit
        with limit.at(3):
            del sys.tracebacklimit
        assert not hasattr(sys, "tracebacklimit")
        with limit.at(3):
            assert sys.tracebacklimit == 3
        assert not hasattr(sys, "tracebacklimit")

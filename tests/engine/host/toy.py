"""A project with dynamic resources of two kinds: one served by our adapter, one by somebody else's stock provider."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from tests.engine.stack import Stack

OURS: Final = '''
"""A provider on our adapter. What it is asked, it writes down beside the program."""

import dataclasses, json, os, threading, time
from pathlib import Path

import pulumi
from pulumi.dynamic import Resource
from pulumi_dcs.engine.dynamic_provider import DynamicProvider
from pulumi_dcs.engine.registration import like_a_constructor, register

NOTES = Path(__file__).parent / "notes"


def note(kind, **facts):
    with NOTES.open("a") as notes:
        notes.write(json.dumps({"kind": kind, "pid": os.getpid(), **facts}, default=str) + "\\n")


class OursProvider(DynamicProvider):
    def make_provider(self, configuration):
        return Ours(configuration, os.environ.get("OURS_DEBUG") == "1")


class AlsoProvider(DynamicProvider):
    def make_provider(self, configuration):
        if os.environ.get("ALSO_FAILS"):
            from pulumi_dcs.engine.errors import DiagnosticError
            raise DiagnosticError("toy: also is not configured")
        return Ours(configuration, False)


class Ours:
    made = 0

    def __init__(self, configuration, is_debugging):
        from pulumi_dcs.engine import host
        self.is_debugging = is_debugging
        self.host = host.install()
        self.cancelled = threading.Event()
        self.host.on_cancel(self.cancelled.set)
        Ours.made += 1
        self.running = self.most = 0
        self.lock = threading.Lock()
        note("made", number=Ours.made, host=id(self.host), setting=configuration.get("toy:setting"),
             capabilities=sorted(each.name for each in self.host.capabilities))

    def check(self, request):
        from pulumi_dcs.engine.requests import CheckFailure, CheckResponse
        note("check", **dataclasses.asdict(request))
        failures = ()
        if request.new_inputs.get("value") == "refused":
            failures = (CheckFailure("value", "it is refused."), CheckFailure("nested.deep[0]", "so is this."))
        return CheckResponse({name: value for name, value in request.new_inputs.items()}, failures)

    def diff(self, request):
        from pulumi_dcs.engine.requests import DiffResponse, PropertyDiffKind
        note("diff", **dataclasses.asdict(request))
        changes = {}
        for name in ("value", "triggers"):
            if request.new_inputs.get(name) != request.old_inputs.get(name):
                changes[name] = PropertyDiffKind.UPDATE_REPLACE if name == "value" else PropertyDiffKind.UPDATE
        nested = request.new_inputs.get("nested")
        if isinstance(nested, dict) and nested != request.old_inputs.get("nested"):
            changes["nested.deep[0]"] = PropertyDiffKind.UPDATE
            changes["nested.other"] = PropertyDiffKind.UPDATE
        return DiffResponse(changes, has_changes=request.has_old_assets)

    def create(self, request):
        from pulumi_dcs.engine.errors import DiagnosticError, ResourceInitFailedError
        from pulumi_dcs.engine.requests import CreateResponse
        note("create", **dataclasses.asdict(request))
        value = request.properties.get("value")
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        note("ours-at-once", most=self.most)
        self.host.engine_log.report_progress(request.urn, "toy: at work")
        if value == "state":
            from pulumi_dcs.engine import workspace
            from pulumi_dcs.engine.stack_state import StackStates, StackStateUnavailable
            found = dict(binary=workspace.engine_binary(), directory=workspace.engine_directory(),
                         root=workspace.project_root(), backend=workspace.backend_url(os.environ))
            try:
                state = StackStates().read(request.urn, request.program.organization)
                note("state", resources=[dataclasses.asdict(each) for each in state.resources],
                     pending=[dataclasses.asdict(each) for each in state.pending_creates], **found)
            except StackStateUnavailable as error:
                note("state", error=error.reason, **found)
        if value == "meet":
            give_up = time.monotonic() + 30
            while self.most < 20 and time.monotonic() < give_up:
                time.sleep(0.02)
            note("ours-at-once", most=self.most)
        if isinstance(value, (int, float)):
            if self.cancelled.wait(value):
                with self.lock:
                    self.running -= 1
                outputs = {**request.properties, "result": "part"}
                raise ResourceInitFailedError("toy: cancelled", id="part", properties=outputs)
            note("done", urn=request.urn)
        with self.lock:
            self.running -= 1
        if value == "fails":
            raise DiagnosticError("toy: it failed\\n  because it should \\ud800")
        if value == "half":
            outputs = {**request.properties, "result": "half"}
            raise ResourceInitFailedError("toy: half done", id="half", properties=outputs)
        if value == "bug":
            raise ValueError(f"the token is {request.properties['token']}")
        return CreateResponse("id-1", {**request.properties, "result": "made"})

    def read(self, request):
        from pulumi_dcs.engine.requests import ReadResponse
        note("read", **dataclasses.asdict(request))
        if request.id == "gone" or Path(NOTES.parent / "gone").exists():
            return ReadResponse("")
        return ReadResponse(request.id, {**request.inputs, **request.properties, "result": "read"})

    def update(self, request):
        from pulumi_dcs.engine.requests import UpdateResponse
        note("update", **dataclasses.asdict(request))
        return UpdateResponse({**request.new_inputs, "result": "updated"})

    def delete(self, request):
        note("delete", **dataclasses.asdict(request))
        value = request.properties.get("value")
        if value == "stays":
            from pulumi_dcs.engine.errors import DiagnosticError
            raise DiagnosticError("toy: not deleted")


class Toy(Resource, module="toy", name="Toy"):
    result: pulumi.Output[str]

    def __init__(self, name, *, opts=None, **inputs):
        register(self, OursProvider(), name, {"result": None, **inputs}, opts)

    @classmethod
    @like_a_constructor
    def get(cls, name, id, opts=None, **inputs):
        toy = cls.__new__(cls)
        merged = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
        register(toy, OursProvider(), name, {"result": None, **inputs}, merged)
        return toy


class Also(Resource, module="toy", name="Also"):
    def __init__(self, name, *, opts=None, **inputs):
        register(self, AlsoProvider(), name, {"result": None, **inputs}, opts)
'''

THEIRS: Final = '''
"""Somebody else's dynamic provider, as Pulumi's documentation has them."""

import json, os, threading, time
from pathlib import Path

from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

NOTES = Path(__file__).parent / "notes"
running = most = 0
lock = threading.Lock()


class TheirsProvider(ResourceProvider):
    def configure(self, req):
        self.setting = req.config.get("toy:setting")
        with NOTES.open("a") as notes:
            notes.write(json.dumps({"kind": "theirs-configured", "pid": os.getpid(), "setting": self.setting}) + "\\n")
        if os.environ.get("THEIRS_FAILS"):
            raise ValueError("theirs is not configured")

    def diff(self, _id, _olds, _news):
        return DiffResult(changes=_olds.get("seconds") != _news.get("seconds"))

    def create(self, props):
        global running, most
        with lock:
            running += 1
            most = max(most, running)
        with NOTES.open("a") as notes:
            notes.write(json.dumps({"kind": "theirs-at-once", "most": most, "pid": os.getpid()}) + "\\n")
        time.sleep(props["seconds"])
        with lock:
            running -= 1
        with NOTES.open("a") as notes:
            notes.write(json.dumps({"kind": "theirs-done"}) + "\\n")
        if props.get("fails"):
            raise ValueError("theirs failed")
        return CreateResult("theirs", {**props})


class Theirs(Resource):
    def __init__(self, name, seconds, opts=None, **more):
        super().__init__(TheirsProvider(), name, {"seconds": seconds, **more}, opts)
'''


def write_modules(folder: Path) -> None:
    """Put both modules beside a program."""
    (folder / "ours.py").write_text(OURS)
    (folder / "theirs.py").write_text(THEIRS)


def toy_program(text: str) -> str:
    """A program that declares toys."""
    return f"import pulumi\nfrom ours import Also, Toy\nfrom theirs import Theirs\n\n{text}\n"


class ToyStack(Stack):
    """A stack whose program declares toys."""

    def __init__(self, folder: Path, environment: dict[str, str], name: str = "dev", backend: str = "") -> None:
        super().__init__(folder, environment, name, backend)
        write_modules(folder)

    def program(self, text: str) -> None:
        """Write a program that declares toys."""
        self.write(toy_program(text))

    def notes(self, kind: str = "") -> list[dict[str, Any]]:
        """What the providers wrote down, and forget it."""
        file = self.folder / "notes"
        lines = file.read_text().splitlines() if file.exists() else []
        if not kind:
            file.unlink(missing_ok=True)
        notes = [json.loads(line) for line in lines]
        return [note for note in notes if kind in {"", note["kind"]}]

    def state(self) -> list[dict[str, Any]]:
        """All resources in the saved state but the stack and default providers."""
        return [resource for resource in self.all_resources() if "pulumi-python:dynamic" in resource["type"]]

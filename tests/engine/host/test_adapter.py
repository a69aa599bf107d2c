"""The adapter on the real engine, beside somebody else's dynamic provider in the same program."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from pulumi_dcs.engine.values import ARCHIVE_SIGNATURE, ASSET_SIGNATURE, SIGNATURE

from .toy import ToyStack


def test_a_life(stack_of_each_sdk: ToyStack) -> None:
    stack = stack_of_each_sdk
    stack.program('Toy("toy", value="one", nested={"deep": [1, 2.5, True], "none": None})')
    assert stack.preview().ok
    (check,) = stack.notes("check")
    assert check["program"]["dry_run"]
    assert check["new_inputs"] == {"value": "one", "nested": {"deep": [1, 2.5, True]}}
    stack.notes()
    outcome = stack.up()
    assert outcome.ok, outcome.text
    assert "toy: at work" in outcome.text
    assert [note["kind"] for note in stack.notes()] == ["made", "check", "create", "ours-at-once"]
    (resource,) = stack.state()
    assert set(resource["inputs"]) == {"__provider", "value", "nested"}
    assert set(resource["outputs"]) == {"__provider", "value", "nested", "result"}
    assert resource["sourcePosition"] == "project:///__main__.py#5"
    assert [frame["sourcePosition"] for frame in resource["stackTrace"]] == ["project:///__main__.py#5"]
    assert stack.up("--expect-no-changes").ok
    outcome = stack.refresh()
    assert outcome.ok, outcome.text
    assert stack.state()[0]["outputs"]["result"] == "read"
    assert set(stack.state()[0]["inputs"]) == {"__provider", "value", "nested"}
    stack.notes()
    stack.program('Toy("toy", value="one", nested={"deep": [2], "other": 1})')
    steps = [step for step in _preview_steps(stack) if "Toy" in step["urn"]]
    assert steps[0]["diffReasons"] == ["nested"]
    assert set(steps[0]["detailedDiff"]) == {"nested.deep[0]", "nested.other"}
    assert stack.up().ok
    assert [note["kind"] for note in stack.notes()][-1] == "update"
    stack.program('Toy("toy", value="two", nested={"deep": [2], "other": 1})')
    (step, *_) = [step for step in _preview_steps(stack) if step["op"] == "replace"]
    assert step["replaceReasons"] == ["value"]
    assert stack.up().ok
    assert [note["kind"] for note in stack.notes()][-3:] == ["create", "ours-at-once", "delete"]
    assert stack.destroy().ok
    (delete,) = stack.notes("delete")
    assert delete["properties"]["value"] == "two"
    assert delete["old_inputs"] == {"value": "two", "nested": {"deep": [2], "other": 1}}


def _preview_steps(stack: ToyStack) -> list[dict[str, Any]]:
    done = stack._run("preview", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    steps: list[dict[str, Any]] = json.loads(done.stdout)["steps"]
    return steps


def test_failures_are_one_diagnostic_each(stack_of_each_sdk: ToyStack) -> None:
    stack = stack_of_each_sdk
    # The first request of the process fails by the stock methods, the others by the adapter.
    stack.program('Toy("a", value="fails")\nToy("b", value="half")\nToy("c", value="bug", token="s3cret")\n')
    outcome = stack.up("--continue-on-error")
    assert not outcome.ok
    assert "s3cret" not in outcome.text
    assert "toy: it failed\n      because it should ?\n" in outcome.diagnostics
    assert "toy: half done\n" in outcome.diagnostics
    assert "File " not in outcome.diagnostics
    assert "internal error of pulumi-dcs in create: ValueError at project/ours.py:" in outcome.diagnostics
    (half,) = stack.state()
    assert half["id"] == "half"
    assert half["outputs"]["result"] == "half"
    assert half["initErrors"] == ["toy: half done"]
    assert set(half["inputs"]) == {"__provider", "value"}
    stack.notes()
    stack.program('Toy("b", value="half")')
    assert stack.up().ok
    assert stack.notes("update")
    stack.program('Toy("d", value="refused", nested=1)')
    assert "property value value {refused} has a problem: it is refused." in stack.up().diagnostics
    stack.environment["OURS_DEBUG"] = "1"
    stack.program('Toy("b", value="half")\nToy("c", value="bug", token="s3cret")')
    outcome = stack.up()
    assert "s3cret" not in outcome.text
    assert re.search(r'File ".*ours.py", line \d+, in create', outcome.text)


def test_a_refused_secret_is_named_but_not_shown(stack: ToyStack) -> None:
    stack.program("Toy('a', value=pulumi.Output.secret('refused'))")
    outcome = stack.preview()
    assert "resource 'a' has a problem: property value: it is refused." in outcome.text
    assert "{refused}" not in outcome.text


def test_the_program_tells_where_its_inputs_hold_secrets(stack: ToyStack) -> None:
    stack.program(
        "Toy('b', value='one', nested={'deep': [pulumi.Output.from_input({'x': pulumi.Output.secret('s3cret')})]})\n"
        "later = Toy('d', value='x').result\n"
        "Toy('c', plain=pulumi.Output.from_input('p'), later=later, list=[pulumi.Output.secret(1)])\n"
        "Toy('e', outer=pulumi.Output.from_input('x').apply(lambda _: {'inner': [pulumi.Output.secret('s3cret')]}))"
    )
    outcome = stack.preview()
    assert outcome.ok, outcome.text
    secrets = {note["urn"].rpartition(":")[2]: note["program"]["secret_paths"] for note in stack.notes("check")}
    assert secrets == {"b": ["nested.deep[0]"], "c": ["list[0]"], "d": [], "e": ["outer.inner[0]"]}


def test_others_are_served_as_without_us(stack_of_each_sdk: ToyStack) -> None:
    stack = stack_of_each_sdk
    stack.config("toy:setting", "set", secret=True)
    stack.program(
        "for number in range(12):\n    Theirs(f'theirs{number}', seconds=0.6)\n"
        "for number in range(24):\n    Toy(f'ours{number}', value='meet')\nTheirs('bad', seconds=0, fails=True)"
    )
    outcome = stack.up("--parallel", "100", "--continue-on-error")
    assert not outcome.ok
    assert "theirs failed" in outcome.text
    notes = stack.notes()
    assert max(note["most"] for note in notes if note["kind"] == "theirs-at-once") == 4
    assert max(note["most"] for note in notes if note["kind"] == "ours-at-once") >= 20
    assert [note["setting"] for note in notes if note["kind"] in {"made", "theirs-configured"}] == ["set", "set"]
    assert len(stack.state()) == 36
    assert stack.destroy().ok


def test_others_failing_configuration_is_shown_as_ever(stack: ToyStack) -> None:
    stack.environment["THEIRS_FAILS"] = "1"
    stack.program("Toy('ours', value='x')\nTheirs('theirs', seconds=0)")
    outcome = stack.up()
    assert "ValueError: theirs is not configured" in outcome.text
    assert len(stack.notes("theirs-configured")) == 1


def test_several_provider_classes_have_one_host(stack: ToyStack) -> None:
    stack.program("Toy('a', value='x')\nAlso('b', value='y')")
    assert stack.up().ok
    made = stack.notes("made")
    assert len(made) == 2
    assert len({note["host"] for note in made}) == 1
    stack.program("Toy('a', value='x', triggers=1)\nAlso('b', value='y', triggers=1)")
    steps = [step for step in _preview_steps(stack) if step["op"] == "update"]
    assert [step["diffReasons"] for step in steps] == [["triggers"], ["triggers"]]


def test_a_provider_that_cannot_be_made_fails_each_request_with_its_message(stack: ToyStack) -> None:
    stack.environment["ALSO_FAILS"] = "1"
    stack.program("Also('b', value='y')\nAlso('c', value='y')")
    outcome = stack.preview()
    assert "    error: toy: also is not configured\n" in outcome.diagnostics
    assert "Traceback" not in outcome.diagnostics


def test_the_program_reads_what_is_managed_elsewhere(stack_of_each_sdk: ToyStack) -> None:
    stack = stack_of_each_sdk
    stack.program("Toy.get('a', 'some-id', value=pulumi.Output.secret('x'))")
    outcome = stack.up()
    assert outcome.ok, outcome.text
    (read,) = stack.notes("read")
    assert (read["id"], read["properties"], read["inputs"]) == ("some-id", {"value": "x"}, {"value": "x"})
    assert read["is_get"]
    (resource,) = stack.state()
    assert resource["external"]
    assert "__program" not in json.dumps({**resource, "propertyDependencies": {}})
    assert resource["sourcePosition"] == "project:///__main__.py#5"
    assert stack.refresh().ok
    assert stack.destroy().ok


def test_a_subclass_keeps_the_type(stack: ToyStack) -> None:
    stack.program(
        "class Mine(Toy):\n    pass\n\nclass Named(Toy, module='mine', name='Named'):\n    pass\n\n"
        "Mine('a', value=1)\nNamed('b', value=1)"
    )
    assert stack.up().ok
    assert sorted(resource["type"] for resource in stack.state()) == [
        "pulumi-python:dynamic/mine:Named",
        "pulumi-python:dynamic/toy:Toy",
    ]


def test_timeouts_and_removal(stack: ToyStack) -> None:
    stack.program(
        "timeouts = pulumi.CustomTimeouts(create='7m', delete='3s')\n"
        "Toy('a', value='x', opts=pulumi.ResourceOptions(custom_timeouts=timeouts))"
    )
    assert stack.up().ok
    assert stack.notes("create")[0]["timeout"] == 420
    (stack.folder / "gone").touch()
    assert stack.refresh().ok
    assert stack.state() == []
    (stack.folder / "gone").unlink()
    assert stack.up().ok
    stack.notes()
    assert stack.destroy().ok
    assert stack.notes("delete")[0]["timeout"] == 3


ASSETS = """triggers={{
    "text": pulumi.StringAsset("{0}"), "file": pulumi.FileAsset("data.txt"), "list": [pulumi.FileArchive("folder")],
    "deep": {{"archive": pulumi.AssetArchive({{"a": pulumi.StringAsset("{0}")}})}},
}}"""


def test_assets_count_by_their_content(stack_of_each_sdk: ToyStack) -> None:
    stack = stack_of_each_sdk
    (stack.folder / "data.txt").write_text("data")
    (stack.folder / "folder").mkdir()
    (stack.folder / "folder" / "file").write_text("file")
    stack.program(f"Toy('a', value='x', {ASSETS.format('one')})")
    assert stack.up().ok
    (resource,) = stack.state()
    kept = resource["outputs"]["triggers"]
    assert kept["text"] == "asset:sha256:" + hashlib.sha256(b"one").hexdigest()
    assert kept["file"] == "asset:sha256:" + hashlib.sha256(b"data").hexdigest()
    assert kept == resource["inputs"]["triggers"]
    assert stack.up("--expect-no-changes").ok
    assert stack.refresh("--expect-no-changes").ok
    (stack.folder / "folder" / "file").write_text("other")
    (step,) = [step for step in _preview_steps(stack) if step["op"] == "update"]
    assert list(step["detailedDiff"]) == ["triggers"]
    assert stack.up().ok
    assert stack.destroy().ok


def test_a_state_that_holds_assets_can_be_used(stack_of_each_sdk: ToyStack) -> None:
    """As version 0.1 wrote it, whose check let assets pass."""
    stack = stack_of_each_sdk
    (stack.folder / "data.txt").write_text("data")
    (stack.folder / "folder").mkdir()
    (stack.folder / "folder" / "file").write_text("file")
    stack.program(f"Toy('a', value='x', {ASSETS.format('one')})\nToy('b', value='x')")
    assert stack.up().ok
    exported = json.loads(stack._run("stack", "export").stdout)
    raw = {
        "text": {SIGNATURE: ASSET_SIGNATURE, "text": "one", "hash": hashlib.sha256(b"one").hexdigest()},
        "file": {SIGNATURE: ASSET_SIGNATURE, "path": "data.txt", "hash": hashlib.sha256(b"data").hexdigest()},
    }
    for resource in exported["deployment"]["resources"]:
        if resource["urn"].endswith("::a"):
            kept = resource["outputs"]["triggers"]
            archives = {
                "list": [{SIGNATURE: ARCHIVE_SIGNATURE, "path": "folder", "hash": kept["list"][0].rpartition(":")[2]}],
                "deep": {
                    "archive": {
                        SIGNATURE: ARCHIVE_SIGNATURE,
                        "assets": {"a": raw["text"]},
                        "hash": kept["deep"]["archive"].rpartition(":")[2],
                    }
                },
            }
            resource["inputs"]["triggers"] = resource["outputs"]["triggers"] = {**raw, **archives}
    (stack.folder / "old.json").write_text(json.dumps(exported))
    assert stack.pulumi("stack", "import", "--file", "old.json").ok
    stack.notes()
    outcome = stack.preview("--diff")
    assert outcome.ok, outcome.text
    (diff,) = [note for note in stack.notes("diff") if note["urn"].endswith("::a")]
    assert diff["old_inputs"] == diff["new_inputs"]
    assert diff["has_old_assets"]
    # Not a refresh or destroy: where the process's first request is one with assets, which then come without their
    # content, the stock host fails before anything of ours is loaded.
    outcome = stack.up()
    assert outcome.ok, outcome.text
    (resource,) = [each for each in stack.state() if each["urn"].endswith("::a")]
    assert SIGNATURE not in json.dumps(resource)
    assert stack.up("--expect-no-changes").ok
    assert stack.refresh().ok
    outcome = stack.destroy()
    assert outcome.ok, outcome.text


def test_a_program_of_the_version_before_is_understood(stack: ToyStack) -> None:
    stack.program(
        "from ours import OursProvider\nfrom pulumi.dynamic import Resource\n\n"
        "class Old(Resource, module='toy', name='Toy'):\n    pass\n\n"
        "hidden = {'__dryRun': pulumi.runtime.is_dry_run() or None, '__organization': 'acme'}\n"
        "Old(OursProvider(), 'a', {'value': 'x', **hidden})"
    )
    assert stack.preview().ok
    (check,) = stack.notes("check")
    assert (check["program"]["dry_run"], check["program"]["organization"]) == (True, "acme")
    assert check["new_inputs"] == {"value": "x"}
    assert stack.up().ok
    assert set(stack.state()[0]["inputs"]) == {"__provider", "value"}


def test_a_big_resource_that_failed_stays_in_the_state(stack: ToyStack) -> None:
    # It travels in the call's trailing metadata.
    stack.program("Toy('first', value='x')\nToy('a', value='half', big='x' * 1_000_000)")
    outcome = stack.up()
    assert not outcome.ok
    kept = {resource["id"]: resource for resource in stack.state()}
    assert len(kept["half"]["outputs"]["big"]) == 1_000_000

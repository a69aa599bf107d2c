"""Properties on the wire and in the state, as plain values."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi_dcs.engine import wire
from pulumi_dcs.engine.unknowns import UNKNOWN, has_unknowns, replace_unknowns
from pulumi_dcs.engine.values import (
    ARCHIVE_SIGNATURE,
    ASSET_SIGNATURE,
    OUTPUT_SIGNATURE,
    RESOURCE_SIGNATURE,
    SECRET,
    SECRET_SIGNATURE,
    SIGNATURE,
    AssetHash,
    has_assets,
    without_assets,
)

UNKNOWN_LIST = "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2"
SHA = hashlib.sha256(b"text").hexdigest()


def struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(properties, struct_pb2.Struct())


VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_what_is_written_is_read_again(properties: dict[str, Any]) -> None:
    again = wire.from_struct(wire.to_struct(properties))
    assert again == properties
    # The wire and the exported state give the same JSON.
    assert json.dumps(again, sort_keys=True) == json.dumps(wire.from_json(again), sort_keys=True)


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, object, {1: 2}, [b"x"], Path("x")])
def test_a_value_that_cannot_be_written_does_not_lose_the_resource(value: Any) -> None:
    assert wire.from_struct(wire.to_struct({"fine": 1, "odd": value}))["fine"] == 1


def test_numbers_nothing_and_unknowns() -> None:
    read = wire.from_struct(
        struct(
            {"n": 1.0, "f": 1.5, "t": True, "none": None, "l": [None, 2], "u": "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2"}
        )
    )
    assert json.dumps(read, sort_keys=True) == json.dumps(
        {"n": 1, "f": 1.5, "t": True, "l": [None, 2], "u": UNKNOWN}, sort_keys=True
    )
    assert has_unknowns(read)
    assert replace_unknowns({"a": [UNKNOWN, 1]}, "?") == {"a": ["?", 1]}


def test_signatures() -> None:
    read = wire.from_struct(
        struct(
            {
                "secret": {SIGNATURE: SECRET_SIGNATURE, "value": "x"},
                "resource": {SIGNATURE: RESOURCE_SIGNATURE, "urn": "u", "id": ""},
                "component": {SIGNATURE: RESOURCE_SIGNATURE, "urn": "u"},
                "output": {SIGNATURE: OUTPUT_SIGNATURE, "secret": True},
            }
        )
    )
    assert read == {"secret": "x", "resource": UNKNOWN, "component": "u", "output": UNKNOWN}
    assert wire.from_json({"a": [{SIGNATURE: SECRET_SIGNATURE, "ciphertext": "v1:…"}]}) == {"a": [SECRET]}


@pytest.mark.parametrize("parts", [{"hash": SHA}, {"text": "text"}, {"text": "other", "hash": SHA}, {"path": "file"}])
def test_an_asset_is_its_contents_hash(parts: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("text")
    monkeypatch.chdir(tmp_path)
    read = wire.from_struct(struct({"deep": [{SIGNATURE: ASSET_SIGNATURE, **parts}]}))
    assert read == {"deep": [AssetHash("asset", SHA)]}
    assert has_assets(read)
    assert without_assets(read) == {"deep": [f"asset:sha256:{SHA}"]}
    assert wire.from_struct(wire.to_struct(read)) == without_assets(read)


def test_archives(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file").write_text("text")

    def read(**parts: Any) -> AssetHash:
        found = wire.from_struct(struct({"a": {SIGNATURE: ARCHIVE_SIGNATURE, **parts}}))["a"]
        assert isinstance(found, AssetHash)
        return found

    folder = read(path=str(tmp_path))
    assert (folder.kind, len(folder.sha256), folder.problem) == ("archive", 64, "")
    (tmp_path / "sub" / "file").write_text("other")
    assert read(path=str(tmp_path)) != folder
    text = {SIGNATURE: ASSET_SIGNATURE, "text": "text"}
    assert read(assets={"x": text}) == read(assets={"x": {**text, "hash": SHA}})
    assert read(assets={"x": text}) != read(assets={"y": text})
    assert read(uri="https://example.invalid/a.zip") == AssetHash("archive", "", "its content is not at hand")
    assert "can't be read" in read(path=str(tmp_path / "gone")).problem
    assert read(assets={"x": "odd"}).problem

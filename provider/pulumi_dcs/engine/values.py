"""Values that are more than JSON: assets and archives, by the hash of their content, and secrets of the state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""The property that tells what an object on the wire or in the state really is; fixed in Pulumi's protocol."""
ASSET_SIGNATURE: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE_SIGNATURE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"
RESOURCE_SIGNATURE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

_CHUNK: Final = 1 << 20


class Marker(Enum):
    """Values that stand for others."""

    SECRET = "a secret"


SECRET: Final = Marker.SECRET
"""A secret in the stack's state, where it is encrypted: it may be equal to anything."""


@dataclass(frozen=True)
class AssetHash:
    """An asset or archive.

    Attributes:
        kind: ``asset`` or ``archive``.
        sha256: the content's hash, as the engine computes it; empty where it is not known.
        problem: why the hash is not known.
    """

    kind: str
    sha256: str
    problem: str = ""

    def __str__(self) -> str:
        """What is kept of it in the inputs and outputs."""
        return f"{self.kind}:sha256:{self.sha256}"


def asset_of(signature: str, parts: Mapping[str, Any]) -> AssetHash:
    """The asset or archive with these parts, by their names in the protocol: hash, text, path, uri, assets."""
    kind = "asset" if signature == ASSET_SIGNATURE else "archive"
    # The engine hashes what a program registers and keeps that, so an old one and a new one have hashes of one kind.
    if parts.get("hash"):
        return AssetHash(kind, str(parts["hash"]))
    try:
        return AssetHash(kind, _content_hash(parts))
    except OSError as error:
        return AssetHash(kind, "", f"its content can't be read: {error.strerror or type(error).__name__}")
    except ValueError as error:
        return AssetHash(kind, "", str(error))


def without_assets(value: Any) -> Any:
    """The value with each asset and archive as the text that is kept of it."""
    if isinstance(value, AssetHash):
        return str(value)
    if isinstance(value, Mapping):
        return {name: without_assets(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_assets(part) for part in value]
    return value


def has_assets(value: Any) -> bool:
    """Whether any part of the value is an asset or archive."""
    if isinstance(value, Mapping):
        return any(map(has_assets, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(has_assets, value))
    return isinstance(value, AssetHash)


def _content_hash(parts: Mapping[str, Any]) -> str:
    """The hash where the engine gave none."""
    if "text" in parts:
        return hashlib.sha256(str(parts["text"]).encode()).hexdigest()
    if "assets" in parts and isinstance(parts["assets"], Mapping):
        whole = hashlib.sha256()
        for name, part in sorted(parts["assets"].items()):
            if not isinstance(part, AssetHash) or part.problem:
                raise ValueError(part.problem if isinstance(part, AssetHash) else "it holds more than assets")
            whole.update(f"{name}\0{part}\0".encode())
        return whole.hexdigest()
    if parts.get("path"):
        return _path_hash(Path(str(parts["path"])))
    raise ValueError("its content is not at hand")


def _path_hash(path: Path) -> str:
    if path.is_dir():
        whole = hashlib.sha256()
        for file in sorted(each for each in path.rglob("*") if each.is_file()):
            whole.update(f"{file.relative_to(path).as_posix()}\0{_path_hash(file)}\0".encode())
        return whole.hexdigest()
    content = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            content.update(chunk)
    return content.hexdigest()

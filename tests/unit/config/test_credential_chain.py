"""The profile file in every state that it can be in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pulumi_dcs.api.credentials import AccessKey
from pulumi_dcs.config.credential_chain import METADATA, PROFILE, PROFILE_VARIABLE, OfficialChain

SECRET = "PLANTEDSECRET"
GOOD = b"[basic]\nak = a\nsk = s\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "credentials"
    monkeypatch.setenv(PROFILE_VARIABLE, str(path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return path


def chain() -> OfficialChain:
    return OfficialChain(dict(os.environ))


def test_keys_with_a_token_and_a_project(file: Path) -> None:
    file.write_bytes(GOOD + b"security_token = t\nproject_id = p\n")
    found = chain()
    source = found.profile()
    assert source is not None
    assert source() == AccessKey("a", "s", "t")
    assert found.profile_project_id() == "p"
    assert not found.troubles


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (b"", "it has no section [basic] with ak and sk"),
        (b"[global]\nak = a\nsk = PLANTEDSECRET\n", "it has no section [basic] with ak and sk"),
        (b"[basic]\nak = PLANTEDSECRET\n", "it has no section [basic] with ak and sk"),
        (
            b"[basic]\nidp_id = PLANTEDSECRET\nid_token_file = PLANTEDSECRET\n",
            "its section [basic] has no ak and sk (idp_id is not supported)",
        ),
        (b"[basic]\nak = a\nsk = %PLANTEDSECRET\n", "it has a % in a value: write %% for one"),
        (b"[basic]\nak = a\nsk = %(PLANTEDSECRET)s\n", "it has a % in a value: write %% for one"),
        (
            b"\xef\xbb\xbf[basic]\nak = a\nsk = PLANTEDSECRET\n",
            "it does not begin with a section such as [basic], or it begins with a byte order mark (line 1)",
        ),
        (
            b"sk = PLANTEDSECRET\n",
            "it does not begin with a section such as [basic], or it begins with a byte order mark (line 1)",
        ),
        (b"[basic]\nak = a\nsk = PLANTEDSECRET\nsk = PLANTEDSECRET\n", "it gives a value twice (line 4)"),
        (GOOD + GOOD, "it has a section twice (line 4)"),
        (b"[basic]\nak = a\nsk = PLANTEDSECRET\xe9\n", "it is not UTF-8 text"),
        (b"[basic]\nPLANTEDSECRET\n", "it has a line that is neither a section nor a value"),
        (b"[basic]\nak = a\nsk = PLANTEDSECRET\n  more\n", "its secret key contains a line break"),
        (b"[basic]\nak = a\nsk = 'PLANTEDSECRET'\n", "its secret key contains a quotation mark"),
        ("[basic]\nak = a\nsk = PLANTEDSECRET\u200b\n".encode(), "its secret key contains an invisible character"),
    ],
)
def test_a_broken_file_is_a_diagnostic(content: bytes, trouble: str, file: Path) -> None:
    file.write_bytes(content)
    found = chain()
    assert found.profile() is None
    assert found.profile_project_id() == ""
    assert found.troubles[PROFILE].startswith(trouble)
    assert SECRET not in found.troubles[PROFILE]


def test_a_file_that_can_not_be_opened(file: Path) -> None:
    file.mkdir()
    found = chain()
    assert found.profile() is None
    assert found.troubles[PROFILE] == "it can't be opened: Is a directory"


def test_a_file_that_is_named_but_not_there(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = chain()
    assert found.profile() is None
    assert found.troubles[PROFILE] == "there is no such file"
    monkeypatch.delenv(PROFILE_VARIABLE)
    unnamed = chain()
    assert unnamed.profile() is None
    assert not unnamed.troubles


def test_the_official_providers_are_imported_only_for_a_file_that_is_there(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huaweicloudsdkcore.auth", None)
    monkeypatch.delenv(PROFILE_VARIABLE)
    assert chain().profile() is None
    monkeypatch.setenv(PROFILE_VARIABLE, str(file))
    file.write_bytes(GOOD)
    found = chain()
    assert found.profile() is None
    assert found.troubles[PROFILE] == "it can't be read (ModuleNotFoundError)"


def test_a_home_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", unknown)
    found = OfficialChain({})
    assert found.profile() is None
    assert not found.troubles


def test_the_metadata_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from huaweicloudsdkcore.auth.credentials import BasicCredentials

    asked = []

    def fail(_: object) -> None:
        asked.append(1)
        raise ConnectionError(SECRET)

    monkeypatch.setattr(BasicCredentials, "update_security_token_from_metadata", fail)
    found = OfficialChain({})
    assert found.metadata() is None
    assert found.metadata() is None
    assert len(asked) == 1
    assert found.troubles[METADATA] == (
        "the metadata service can't be reached, or what it sent can't be read (ConnectionError)"
    )


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    content=st.lists(
        st.sampled_from(
            [b"[basic]\n", b"ak = PLANTEDSECRET\n", b"sk=PLANTEDSECRET\n", b"\xef\xbb\xbf", b"\xff", b"%", b"\n", b" "]
        )
        | st.binary(max_size=6),
        max_size=8,
    ).map(b"".join)
)
def test_any_content_gives_keys_or_a_trouble_and_never_shows(content: bytes, file: Path) -> None:
    file.write_bytes(content)
    found = chain()
    assert (found.profile() is None) == (PROFILE in found.troubles)
    assert SECRET not in str(found.troubles)

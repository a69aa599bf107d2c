"""Where settings come from, in which order, and the diagnostics when they are missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from pulumi_dcs.api.credentials import AccessKey
from pulumi_dcs.config.credential_chain import OfficialChain
from pulumi_dcs.config.errors import SettingsError
from pulumi_dcs.config.settings import Settings

from .support import credentials, settings
from .test_keys import CONFIGURED, PACKAGE


def test_missing_credentials_name_every_place() -> None:
    with pytest.raises(SettingsError) as caught:
        credentials(CLOUD_SDK_SK="half")
    for place in (
        *("dcs:accessKey", "dcs:secretKey", "dcs:authToken", "huaweicloud:accessKey", "huaweicloud:secretKey"),
        *("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HW_ACCESS_KEY", "HW_SECRET_KEY", "CLOUD_SDK_AK"),
        *("CLOUD_SDK_SK", "HW_AUTH_TOKEN", "profile file", "metadata"),
        "CLOUD_SDK_SK is set, but CLOUD_SDK_AK is not",
    ):
        assert place in str(caught.value)


def test_a_missing_region_names_every_place() -> None:
    with pytest.raises(SettingsError) as caught:
        settings().endpoint("")
    for place in ("dcs:region", "huaweicloud:region", "HW_REGION_NAME"):
        assert place in str(caught.value)


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [
        ("cn-north-4", "https://dcs.cn-north-4.myhuaweicloud.com"),
        ("eu-west-101", "https://dcs.eu-west-101.myhuaweicloud.eu"),
        ("eu-west-0", "https://dcs.eu-west-0.myhuaweicloud.com"),
    ],
)
def test_the_endpoint_follows_from_the_region(region: str, endpoint: str) -> None:
    assert settings().endpoint(region) == endpoint
    assert settings().iam_endpoint(region) == endpoint.replace("dcs.", "iam.")


def test_the_endpoint_can_be_given() -> None:
    assert settings(DCS_ENDPOINT="https://x.example/").endpoint("r") == "https://x.example"
    assert settings({"dcs:endpoint": "https://{region}.example"}).endpoint("r-1") == "https://r-1.example"
    assert settings(HUAWEICLOUD_SDK_IAM_ENDPOINT="https://x.example/").iam_endpoint("r") == "https://x.example"
    assert not settings(DCS_ENDPOINT="https://x.example/").needs_region
    assert settings(DCS_ENDPOINT="https://{region}.example/").needs_region


def test_region_and_project_in_order() -> None:
    ours, theirs = (
        {"dcs:region": "a", "dcs:projectId": "p1"},
        {"huaweicloud:region": "b", "huaweicloud:projectId": "p2"},
    )
    environment = {"HW_REGION_NAME": "c", "HW_PROJECT_ID": "p4"}
    found = settings({**ours, **theirs}, **environment)
    assert (found.region, found.project_id) == ("a", "p1")
    found = settings(theirs, **environment, HUAWEICLOUD_SDK_PROJECT_ID="p3")
    assert (found.region, found.project_id) == ("b", "p2")
    assert settings(**environment, HUAWEICLOUD_SDK_PROJECT_ID="p3").project_id == "p3"
    assert (settings(**environment).region, settings(**environment).project_id) == ("c", "p4")
    assert (settings().region, settings().project_id) == ("", "")


@pytest.mark.parametrize("value", ["a b", "a\nb", "ä", "-a", "a-", "a.b", "a/b", "a" * 64, "a@b"])
def test_values_that_can_not_be_a_region_or_project_are_blamed_by_name(value: str) -> None:
    for name, configuration, environment in (
        ("dcs:region", {"dcs:region": value}, {}),
        ("huaweicloud:region", {"huaweicloud:region": value}, {}),
        ("HW_REGION_NAME", {}, {"HW_REGION_NAME": value}),
    ):
        with pytest.raises(SettingsError, match=f"^{name} is not a valid region") as caught:
            _ = settings(configuration, **environment).region
        assert value not in str(caught.value).replace(name, "").replace("cn-north-4", "")
    if value.strip("a-"):
        with pytest.raises(SettingsError, match=r"^huaweicloud:projectId is not a valid project id"):
            _ = settings({"huaweicloud:projectId": value}).project_id


def test_the_mark_is_true_or_false() -> None:
    assert not settings().mark
    assert settings({"dcs:mark": "True"}).mark
    with pytest.raises(SettingsError, match="dcs:mark"):
        _ = settings({"dcs:mark": "yes"}).mark


def test_settings_show_no_secret() -> None:
    assert "config-sk" not in repr(settings(CONFIGURED))


def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> OfficialChain:
    file = tmp_path / "credentials"
    file.write_bytes(content)
    monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("HOME", str(tmp_path))
    return OfficialChain({"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(file)})


def test_the_profile_file_and_its_project_only_with_its_own_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"[basic]\nak = profile-ak\nsk = profile-sk\nproject_id = profile-project\n"
    found = Settings({}, {}, profile(tmp_path, monkeypatch, content))
    assert found.credentials()() == AccessKey("profile-ak", "profile-sk")
    assert (found.project_id, found.profile_trouble()) == ("profile-project", "")
    for keys in (CONFIGURED, PACKAGE):
        assert Settings(keys, {}, profile(tmp_path, monkeypatch, content)).project_id == ""


def test_a_broken_profile_is_a_warning_where_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Settings({}, {}, profile(tmp_path, monkeypatch, b"[basic]\nak = PLANTED\n"))
    assert broken.credentials_at_hand() is None
    assert broken.profile_trouble() == (
        "The profile file (~/.huaweicloud/credentials, or where HUAWEICLOUD_SDK_CREDENTIALS_FILE points to) can't be "
        "used: it has no section [basic] with ak and sk."
    )
    assert Settings(CONFIGURED, {}, profile(tmp_path, monkeypatch, b"PLANTED")).profile_trouble() == ""
    monkeypatch.setattr(OfficialChain, "metadata", lambda _: None)
    with pytest.raises(SettingsError, match="the profile file gave none: it has no section"):
        broken.credentials()


def test_without_a_profile_file_there_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings({}, {}, OfficialChain({})).profile_trouble() == ""

"""Where settings come from, in which order, and what is said when they are missing."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_dcs.api.credentials import AccessKey, AuthToken, Credentials
from pulumi_dcs.api.errors import SettingsError
from pulumi_dcs.config.credential_chain import OfficialChain
from pulumi_dcs.config.settings import Settings


class NoChain(OfficialChain):
    def profile(self) -> None:
        return None

    def metadata(self) -> None:
        return None


def settings(configuration: dict[str, Any] | None = None, /, **environment: str) -> Settings:
    return Settings(configuration or {}, environment, NoChain({"HUAWEICLOUD_SDK_CREDENTIALS_FILE": "/nowhere"}))


def credentials(configuration: dict[str, Any] | None = None, /, **environment: str) -> Credentials:
    return settings(configuration, **environment).credentials()()


CONFIGURED = {"dcs:accessKey": "config-ak", "dcs:secretKey": "config-sk"}
FAMILIES = [
    {"HUAWEICLOUD_SDK_AK": "a1", "HUAWEICLOUD_SDK_SK": "s1"},
    {"HW_ACCESS_KEY": "a2", "HW_SECRET_KEY": "s2"},
    {"CLOUD_SDK_AK": "a3", "CLOUD_SDK_SK": "s3"},
]


@pytest.mark.parametrize("family", range(3))
def test_keys_from_the_environment_in_order(family: int) -> None:
    environment = {name: value for keys in FAMILIES[family:] for name, value in keys.items()}
    assert credentials(**environment) == AccessKey(f"a{family + 1}", f"s{family + 1}")


def test_the_stack_configuration_comes_first() -> None:
    assert credentials(CONFIGURED, **FAMILIES[0]) == AccessKey("config-ak", "config-sk")
    assert credentials({"dcs:authToken": "t"}, **FAMILIES[0]) == AuthToken("t")


def test_a_half_pair_is_passed_over_in_the_environment_and_refused_in_the_configuration() -> None:
    assert credentials(HUAWEICLOUD_SDK_AK="a1", **FAMILIES[1]) == AccessKey("a2", "s2")
    with pytest.raises(SettingsError, match="dcs:secretKey is missing"):
        credentials({"dcs:accessKey": "a"}, **FAMILIES[0])


def test_a_security_token_goes_with_its_own_keys() -> None:
    both = {**FAMILIES[0], **FAMILIES[1]}
    assert credentials(**both, HW_SECURITY_TOKEN="t2") == AccessKey("a1", "s1")
    assert credentials(**both, HUAWEICLOUD_SDK_SECURITY_TOKEN="t1") == AccessKey("a1", "s1", "t1")
    assert credentials(**FAMILIES[2], HW_SECURITY_TOKEN="t") == AccessKey("a3", "s3", "t")
    assert credentials({**CONFIGURED, "dcs:securityToken": "t"}) == AccessKey("config-ak", "config-sk", "t")


def test_a_token_instead_of_keys() -> None:
    assert credentials(HW_AUTH_TOKEN="t") == AuthToken("t")
    assert credentials(HW_AUTH_TOKEN="t", **FAMILIES[2]) == AccessKey("a3", "s3")


def test_missing_credentials_name_every_place() -> None:
    with pytest.raises(SettingsError) as caught:
        credentials(CLOUD_SDK_SK="half")
    said = str(caught.value)
    for place in (
        *("dcs:accessKey", "dcs:secretKey", "dcs:authToken", "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"),
        *(
            "HW_ACCESS_KEY",
            "HW_SECRET_KEY",
            "CLOUD_SDK_AK",
            "CLOUD_SDK_SK",
            "HW_AUTH_TOKEN",
            "profile file",
            "metadata",
        ),
        "CLOUD_SDK_SK is set, but CLOUD_SDK_AK is not",
    ):
        assert place in said


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
    for loopback in ("http://127.0.0.1:8780", "http://localhost", "http://[::1]:1", "http://127.8.9.10"):
        assert settings(DCS_ENDPOINT=loopback).endpoint("") == loopback
    assert not settings(DCS_ENDPOINT="https://x.example/").needs_region
    assert settings(DCS_ENDPOINT="https://{region}.example/").needs_region


@pytest.mark.parametrize(
    "value",
    [
        *(
            "http://dcs.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example",
            "ftp://x",
            "x",
            "https://",
        ),
        *(
            "https://user:pass@x.example",
            "https://x.example?a=b",
            "https://x.example#f",
            "https://x:port",
            "http://10.0.0.1",
        ),
    ],
)
def test_other_endpoints_are_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="DCS_ENDPOINT") as caught:
        settings(DCS_ENDPOINT=value).endpoint("cn-north-4")
    assert "pass@" not in str(caught.value)


def test_a_missing_region_names_every_place() -> None:
    with pytest.raises(SettingsError) as caught:
        settings().endpoint("")
    assert "dcs:region" in str(caught.value)
    assert "HW_REGION_NAME" in str(caught.value)


def test_region_and_project() -> None:
    assert settings({"dcs:region": "a"}, HW_REGION_NAME="b").region == "a"
    assert settings(HW_REGION_NAME="b").region == "b"
    assert settings({"dcs:projectId": "a"}, HW_PROJECT_ID="b").project_id == "a"
    assert settings(HUAWEICLOUD_SDK_PROJECT_ID="b", HW_PROJECT_ID="c").project_id == "b"
    assert settings(HW_PROJECT_ID="c").project_id == "c"
    with pytest.raises(SettingsError, match="HW_REGION_NAME"):
        _ = settings(HW_REGION_NAME="a b").region


def test_the_profile_file(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = tmp_path / "credentials"
    profile.write_text("[basic]\nak = profile-ak\nsk = profile-sk\nproject_id = profile-project\n")
    monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", str(profile))
    monkeypatch.setenv("HOME", str(tmp_path))
    found = Settings({}, {}, OfficialChain({"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(profile)}))
    assert found.credentials()() == AccessKey("profile-ak", "profile-sk")
    assert found.project_id == "profile-project"
    configured = Settings(CONFIGURED, {}, OfficialChain({"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(profile)}))
    assert configured.project_id == ""


def test_settings_show_no_secret() -> None:
    assert "config-sk" not in repr(settings(CONFIGURED))

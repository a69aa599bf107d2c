"""Keys come whole, from one place, and nothing that can't be one is used."""

from __future__ import annotations

import pytest
from pulumi_dcs.api.credentials import AccessKey, AuthToken
from pulumi_dcs.config.errors import SettingsError

from tests.unit.api.support import chain_text

from .support import credentials

CONFIGURED = {"dcs:accessKey": "config-ak", "dcs:secretKey": "config-sk"}
PACKAGE = {"huaweicloud:accessKey": "package-ak", "huaweicloud:secretKey": "package-sk"}
FAMILIES = [
    {"HUAWEICLOUD_SDK_AK": "a1", "HUAWEICLOUD_SDK_SK": "s1"},
    {"HW_ACCESS_KEY": "a2", "HW_SECRET_KEY": "s2"},
    {"CLOUD_SDK_AK": "a3", "CLOUD_SDK_SK": "s3"},
]


@pytest.mark.parametrize("family", range(3))
def test_keys_from_the_environment_in_order(family: int) -> None:
    environment = {name: value for keys in FAMILIES[family:] for name, value in keys.items()}
    assert credentials(**environment) == AccessKey(f"a{family + 1}", f"s{family + 1}")


def test_the_stack_configuration_comes_first_ours_before_the_package_s() -> None:
    assert credentials({**CONFIGURED, **PACKAGE}, **FAMILIES[0]) == AccessKey("config-ak", "config-sk")
    assert credentials({"dcs:authToken": "t", **PACKAGE}, **FAMILIES[0]) == AuthToken("t")
    assert credentials(PACKAGE, **FAMILIES[0]) == AccessKey("package-ak", "package-sk")
    with_token = {**PACKAGE, "huaweicloud:securityToken": "package-token"}
    assert credentials(with_token) == AccessKey("package-ak", "package-sk", "package-token")


@pytest.mark.parametrize("half", list(PACKAGE))
def test_halves_of_two_places_make_no_pair(half: str) -> None:
    assert credentials({half: "half"}, HW_ACCESS_KEY="a2", HW_SECRET_KEY="s2") == AccessKey("a2", "s2")
    with pytest.raises(SettingsError, match="No credentials") as caught:
        credentials({half: "half"}, HW_ACCESS_KEY="a2", HUAWEICLOUD_SDK_SK="s1", CLOUD_SDK_AK="a3")
    said = str(caught.value)
    assert f"{half} is set, but" in said
    assert "HW_ACCESS_KEY is set, but HW_SECRET_KEY is not" in said
    assert "HUAWEICLOUD_SDK_SK is set, but HUAWEICLOUD_SDK_AK is not" in said


def test_half_a_pair_is_passed_over_in_the_environment_and_refused_in_our_configuration() -> None:
    assert credentials(HUAWEICLOUD_SDK_AK="a1", **FAMILIES[1]) == AccessKey("a2", "s2")
    for half, missing in (("dcs:accessKey", "dcs:secretKey"), ("dcs:secretKey", "dcs:accessKey")):
        with pytest.raises(SettingsError, match=f"{missing} is missing"):
            credentials({half: "half", **PACKAGE}, **FAMILIES[0])


@pytest.mark.parametrize("keys", [CONFIGURED, PACKAGE, {}])
def test_a_security_token_goes_with_its_own_keys_only(keys: dict[str, str]) -> None:
    left_over = {"HW_SECURITY_TOKEN": "t2", "HUAWEICLOUD_SDK_SECURITY_TOKEN": "t1"}
    expected = ("a3", "s3") if not keys else tuple(keys.values())
    assert credentials(keys, **FAMILIES[2], **left_over) == AccessKey(*expected)
    assert credentials(keys, **FAMILIES[2], **{"CLOUD_SDK_SECURITY_TOKEN": "t3"}) == AccessKey(*expected)


def test_each_token_of_the_environment() -> None:
    both = {**FAMILIES[0], **FAMILIES[1]}
    assert credentials(**both, HW_SECURITY_TOKEN="t2") == AccessKey("a1", "s1")
    assert credentials(**both, HUAWEICLOUD_SDK_SECURITY_TOKEN="t1") == AccessKey("a1", "s1", "t1")
    assert credentials(**FAMILIES[1], HW_SECURITY_TOKEN="t2") == AccessKey("a2", "s2", "t2")
    assert credentials({**CONFIGURED, "dcs:securityToken": "t"}) == AccessKey("config-ak", "config-sk", "t")
    assert credentials({"huaweicloud:securityToken": "t"}, **FAMILIES[0]) == AccessKey("a1", "s1")


def test_a_configured_security_token_without_its_keys_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"the stack configuration has dcs:securityToken alone"):
        credentials({"dcs:securityToken": "t"}, **FAMILIES[0])


def test_a_token_instead_of_keys() -> None:
    assert credentials(HW_AUTH_TOKEN="t") == AuthToken("t")
    assert credentials(HW_AUTH_TOKEN="t", **FAMILIES[2]) == AccessKey("a3", "s3")


@pytest.mark.parametrize(
    "value",
    ["PLANTED\nSECRET", "PLANTED SECRET", "\ufeffPLANTED", "PLANTED\u200b", "'PLANTED'", '"PLANTED"', "PLANTEDé"],
)
def test_a_value_that_can_not_be_one_is_blamed_by_its_name(value: str) -> None:
    configured = [
        ("dcs:accessKey", {**CONFIGURED, "dcs:accessKey": value}),
        ("dcs:secretKey", {**CONFIGURED, "dcs:secretKey": value}),
        ("dcs:securityToken", {**CONFIGURED, "dcs:securityToken": value}),
        ("dcs:authToken", {"dcs:authToken": value}),
        ("huaweicloud:secretKey", {**PACKAGE, "huaweicloud:secretKey": value}),
        ("huaweicloud:securityToken", {**PACKAGE, "huaweicloud:securityToken": value}),
    ]
    for name, configuration in configured:
        with pytest.raises(SettingsError, match=f"^{name} contains") as caught:
            credentials(configuration)
        assert "PLANTED" not in chain_text(caught.value)
    environments = [
        ("HW_SECRET_KEY", {"HW_ACCESS_KEY": "a", "HW_SECRET_KEY": value}),
        ("HUAWEICLOUD_SDK_SECURITY_TOKEN", {**FAMILIES[0], "HUAWEICLOUD_SDK_SECURITY_TOKEN": value}),
        ("HW_AUTH_TOKEN", {"HW_AUTH_TOKEN": value}),
    ]
    for name, environment in environments:
        with pytest.raises(SettingsError, match=f"^{name} contains") as caught:
            credentials(**environment)
        assert "PLANTED" not in chain_text(caught.value)


def test_blanks_and_line_breaks_around_a_value_are_forgiven() -> None:
    assert credentials(HW_ACCESS_KEY=" a2\n", HW_SECRET_KEY="s2\r\n") == AccessKey("a2", "s2")

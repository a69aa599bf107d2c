"""Whatever settings and environment hold, nothing that may be secret ever shows, and every failure is one of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pulumi_dcs.api.backups import Backups
from pulumi_dcs.api.clock import SystemClock
from pulumi_dcs.api.errors import DcsError
from pulumi_dcs.api.instances import Instances
from pulumi_dcs.api.route import BUNDLE_VARIABLES
from pulumi_dcs.clients import Clients
from pulumi_dcs.config.credential_chain import PROFILE_VARIABLE, OfficialChain
from pulumi_dcs.config.location import is_region
from pulumi_dcs.config.settings import Settings
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool

from tests.unit.api.support import chain_text

SECRET = "PLANTEDSECRET"

# What surrounds a secret: what breaks headers, URLs, files, and what is in the wrong place.
noise = st.sampled_from(
    [
        "",
        "\n",
        "\r\n",
        " ",
        "'",
        '"',
        "\ufeff",
        "\u200b",
        "é",
        "€",
        "\ud800",
        "#",
        "@",
        "[",
        "]",
        ":",
        "/",
        "?",
        "%",
        "\t",
    ]
) | st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=3)
planted = st.builds(lambda before, after: f"{before}{SECRET}{after}", noise, noise)
right = st.sampled_from(["AKIDRIGHT", "SKRIGHT", ""])
# A region, a project and a host that can be one are no secrets: they stand in every URL.
public = st.sampled_from(["r1", "p1", ""]) | planted.filter(lambda text: not is_region(text.strip()))
url = st.builds(
    lambda scheme, before, after: f"{scheme}{before}{SECRET}{after}",
    st.sampled_from(["https://", "http://", "socks5h://", "", "ftp://", "https://user:"]),
    noise,
    st.sampled_from(["@proxy:1", "@dcs.example", "@[::1", "@127.0.0.1:1", "#@proxy", "?@proxy", "€@proxy", "@"]),
)
KEYS = (
    *("dcs:accessKey", "dcs:secretKey", "dcs:securityToken", "dcs:authToken", "dcs:mark"),
    *("huaweicloud:accessKey", "huaweicloud:secretKey", "huaweicloud:securityToken"),
)
PUBLIC_KEYS = ("dcs:region", "dcs:projectId", "huaweicloud:region", "huaweicloud:projectId")
VARIABLES = (
    *("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN", "HW_ACCESS_KEY", "HW_SECRET_KEY"),
    *("HW_SECURITY_TOKEN", "CLOUD_SDK_AK", "CLOUD_SDK_SK", "HW_AUTH_TOKEN"),
)
PUBLIC_VARIABLES = ("HW_REGION_NAME", "HW_PROJECT_ID", "HUAWEICLOUD_SDK_PROJECT_ID")
PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


def named(secret: tuple[str, ...], shown: tuple[str, ...]) -> st.SearchStrategy[dict[str, str]]:
    return st.builds(
        lambda first, second: {**first, **second},
        st.dictionaries(st.sampled_from(secret), planted | right, max_size=5),
        st.dictionaries(st.sampled_from(shown), public, max_size=2),
    )


configurations = named(KEYS, PUBLIC_KEYS)
environments = named(VARIABLES, PUBLIC_VARIABLES)
ways = st.dictionaries(st.sampled_from([*PROXIES, *BUNDLE_VARIABLES]), url, max_size=2)
endpoints = st.none() | url | st.just("https://dcs.example") | st.just("http://127.0.0.1:1")
profiles = st.none() | st.lists(
    st.sampled_from(
        ["[basic]", "ak = a", "ak = PLANTEDSECRET", "sk = PLANTEDSECRET", "sk = %PLANTEDSECRET", "idp_id = x"]
    )
    | planted,
    max_size=5,
).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass"))


class Sent(Exception):
    """As far as it goes here: the request was handed to requests."""


def show(error: BaseException | None) -> None:
    """Nothing of what anybody can see of the error holds the secret, or its beginning."""
    text = chain_text(error)
    assert SECRET not in text
    assert SECRET.lower() not in text.lower()


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=400, deadline=None
)
@given(configurations, environments, ways, endpoints, profiles, st.booleans())
def test_no_planted_secret_ever_shows(  # noqa: PLR0917 — hypothesis gives them by position
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    configuration: dict[str, Any],
    environment: dict[str, str],
    way: dict[str, str],
    endpoint: str | None,
    profile: bytes | None,
    is_lost: bool,
) -> None:
    with monkeypatch.context() as patch:
        for name in (*PROXIES, *BUNDLE_VARIABLES):
            patch.delenv(name, raising=False)
        for name, value in way.items():
            if value.isascii():
                patch.setenv(name, value)
        file = tmp_path / "credentials"
        file.unlink(missing_ok=True)
        if profile is not None:
            file.write_bytes(profile)
        patch.setenv(PROFILE_VARIABLE, str(file))
        patch.setenv("HOME", str(tmp_path))
        patch.setattr(OfficialChain, "metadata", lambda _: None)

        def fail(_: object, request: Any = None, *__: Any, **___: Any) -> Any:
            # As the worst of lower layers would: everything that it knows is in the error.
            if is_lost:
                raise requests.ConnectionError(f"{vars(request) if hasattr(request, 'headers') else request} {SECRET}")
            broken = requests.Response()
            broken.status_code = 400
            broken.raw = type("Raw", (), {"read1": lambda _, __: b"", "close": lambda _: None})()
            broken.headers["X-Request-Id"] = str(getattr(request, "headers", ""))
            return broken

        patch.setattr(HTTPAdapter, "send", fail)
        patch.setattr(HTTPConnectionPool, "urlopen", fail)
        variables = {**environment, PROFILE_VARIABLE: str(file)}
        if endpoint is not None:
            variables["DCS_ENDPOINT"] = endpoint
            variables["HUAWEICLOUD_SDK_IAM_ENDPOINT"] = endpoint
        settings = Settings(configuration, variables, OfficialChain(variables))
        assert SECRET not in repr(settings)
        for call in (
            lambda: settings.mark,
            settings.profile_trouble,
            lambda: Clients(settings, SystemClock()).client("r", "p"),
            lambda: Backups(Clients(settings, SystemClock()).client("r", "p")).create("i", remark="x"),
            lambda: Instances(Clients(settings, SystemClock()).client(project_id="p")).show("i"),
            lambda: Clients(settings, StoppedClock()).client("r"),
        ):
            try:
                found = call()
            except DcsError as error:
                show(error)
            else:
                assert SECRET not in repr(found)
                assert SECRET not in str(found)


class StoppedClock(SystemClock):
    """No time for a second try."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 100.0
        return self.now

    def sleep(self, seconds: float) -> None:
        pass

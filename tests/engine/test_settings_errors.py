"""A setting that can't be used: the user reads one diagnostic that names it, and its value is nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.endpoint import HA, LocalEndpoint

from .stack import Outcome, Stack

PLANTED = "PLANTED7391"
KEYS = ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK")
ELSEWHERE = "https://dcs.cn-north-4.myhuaweicloud.com"
VERBOSE = ("-v=9", "--logtostderr", "--logflow")


def without_keys(stack: Stack) -> None:
    for name in KEYS:
        del stack.environment[name]


def assert_planted_nowhere(outcome: Outcome, folder: Path) -> None:
    """The planted secret is in no output, and in no file of the stack's."""
    # At -v=9 the engine itself logs the configuration that it hands to a provider; that is not ours to prevent.
    ours = "\n".join(line for line in outcome.text.splitlines() if not re.search(r"RPC\[[^]]*\]\.Configure\(", line))
    assert PLANTED not in ours
    for file in folder.rglob("*"):
        if file.is_file() and file.suffix != ".py" and not file.name.startswith("credentials"):
            assert PLANTED.encode() not in file.read_bytes(), file


def assert_one_diagnostic(outcome: Outcome, *names: str) -> None:
    assert not outcome.ok
    diagnostics = [line for line in outcome.diagnostics.splitlines() if re.match(r"\s+(error|warning):", line)]
    assert len(diagnostics) == 1, outcome.diagnostics
    for name in names:
        assert name in outcome.diagnostics
    for raw in ("Traceback", "Exception", "Error(", "internal error"):
        assert raw not in outcome.diagnostics


CREDENTIALS = {
    "token with a line break": ({"HW_AUTH_TOKEN": f"{PLANTED}\n{PLANTED}"}, "HW_AUTH_TOKEN contains a line break"),
    "key with quotes": (
        {"HUAWEICLOUD_SDK_AK": "AK", "HUAWEICLOUD_SDK_SK": f'"{PLANTED}"'},
        "HUAWEICLOUD_SDK_SK contains a quotation mark",
    ),
    "key with a byte order mark": (
        {"HW_ACCESS_KEY": f"\ufeff{PLANTED}", "HW_SECRET_KEY": PLANTED},
        "HW_ACCESS_KEY contains an invisible character",
    ),
    "key with a zero-width space": (
        {"CLOUD_SDK_AK": "AK", "CLOUD_SDK_SK": f"{PLANTED}\u200b"},
        "CLOUD_SDK_SK contains an invisible character",
    ),
}


@pytest.mark.row("P17")
@pytest.mark.parametrize("case", CREDENTIALS)
def test_credentials_that_cannot_be_any(stack: Stack, endpoint: LocalEndpoint, case: str) -> None:
    settings, said = CREDENTIALS[case]
    without_keys(stack)
    stack.environment.update(settings)
    stack.declare(instance_id=HA)
    for outcome in (stack.preview("--save-plan", str(stack.folder / "plan.json")), stack.up(*VERBOSE)):
        assert_one_diagnostic(outcome, said)
        assert_planted_nowhere(outcome, stack.folder.parent)
    assert not endpoint.requests()


@pytest.mark.row("P17")
def test_a_configured_token_that_cannot_be_one(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.config("dcs:authToken", f"{PLANTED}\n{PLANTED}", secret=True)
    stack.declare(instance_id=HA)
    outcome = stack.up(*VERBOSE)
    assert_one_diagnostic(outcome, "dcs:authToken contains a line break")
    assert_planted_nowhere(outcome, stack.folder.parent)


ROUTES = {
    "wrong port": (
        {"HTTPS_PROXY": f"http://user:{PLANTED}@proxy:99999"},
        "The proxy in HTTPS_PROXY is not a usable URL",
    ),
    "bracket": ({"HTTPS_PROXY": f"http://user:{PLANTED}[x@proxy:8080"}, "HTTPS_PROXY"),
    "hash": ({"HTTPS_PROXY": f"http://user:{PLANTED}#x@proxy:8080"}, "The proxy in HTTPS_PROXY "),
    "SOCKS": ({"ALL_PROXY": f"socks5://user:{PLANTED}@proxy:1080"}, "which needs the package PySocks"),
    "bundle": ({"REQUESTS_CA_BUNDLE": f"/{PLANTED}/ca.pem"}, "The certificates in REQUESTS_CA_BUNDLE are missing"),
}


@pytest.mark.row("P18")
@pytest.mark.parametrize("case", ROUTES)
def test_a_route_that_cannot_be_used(stack: Stack, endpoint: LocalEndpoint, case: str) -> None:
    settings, said = ROUTES[case]
    stack.environment.update({"DCS_ENDPOINT": ELSEWHERE, **settings})
    short = "pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create='3s'))"
    stack.declare(instance_id=HA, opts=short)
    preview = stack.preview()
    assert preview.diagnostics.count("warning:") + preview.diagnostics.count("error:") == 1, preview.text
    outcome = stack.up(*VERBOSE)
    assert_one_diagnostic(outcome, said, next(iter(settings)))
    assert "correct the endpoint" not in outcome.diagnostics
    for each in (preview, outcome):
        assert said in each.diagnostics
        assert "user" not in each.diagnostics.replace("user:password", "").replace("user and password", "")
        assert_planted_nowhere(each, stack.folder.parent)


@pytest.mark.row("P18")
def test_a_proxy_that_does_not_respond_is_blamed(stack: Stack, endpoint: LocalEndpoint) -> None:
    stack.environment.update({"DCS_ENDPOINT": ELSEWHERE, "HTTPS_PROXY": f"http://user:{PLANTED}@{PLANTED}@127.0.0.1:9"})
    stack.declare(instance_id=HA)
    outcome = stack.preview()
    assert outcome.ok
    assert outcome.diagnostics.count("warning:") == 1, outcome.text
    assert "HTTPS_PROXY" in outcome.diagnostics
    assert "correct the endpoint" not in outcome.diagnostics
    assert_planted_nowhere(outcome, stack.folder.parent)


@pytest.mark.row("P19")
@pytest.mark.parametrize(
    "value",
    ["https://dcs..myhuaweicloud.com", "https://[::zz]", f"https://dcs.{'x' * 70}.com"],
    ids=["empty label", "no address", "long label"],
)
def test_an_endpoint_that_cannot_exist(stack: Stack, endpoint: LocalEndpoint, value: str) -> None:
    stack.environment["DCS_ENDPOINT"] = value
    stack.declare(instance_id=HA)
    assert_one_diagnostic(stack.preview(), "DCS_ENDPOINT")
    assert_one_diagnostic(stack.up(), "DCS_ENDPOINT")


PROFILES = {
    "idp_id": (
        f"[basic]\nidp_id = {PLANTED}\nid_token_file = /x\nproject_id = p\n".encode(),
        "idp_id is not supported",
    ),
    "percent": (f"[basic]\nak = {PLANTED}\nsk = {PLANTED}%x\n".encode(), "%"),
    "byte order mark": (f"\ufeff[basic]\nak = {PLANTED}\nsk = {PLANTED}\n".encode(), "byte order mark"),
    "duplicates": (f"[basic]\nak = {PLANTED}\nak = {PLANTED}\nsk = {PLANTED}\n".encode(), "twice"),
    "latin-1": (f"[basic]\nak = {PLANTED}\nsk = {PLANTED}\xe9\n".encode("latin-1"), "not UTF-8"),
}


@pytest.mark.row("P21")
@pytest.mark.parametrize("case", PROFILES)
def test_a_profile_that_cannot_be_used(stack: Stack, endpoint: LocalEndpoint, case: str) -> None:
    content, said = PROFILES[case]
    profile = stack.folder / "credentials"
    profile.write_bytes(content)
    without_keys(stack)
    stack.environment["HUAWEICLOUD_SDK_CREDENTIALS_FILE"] = str(profile)
    # Nothing responds to whoever looks for the server's metadata.
    stack.environment["HTTP_PROXY"] = "http://127.0.0.1:9"
    stack.declare_all({"first": {"instance_id": HA}, "second": {"instance_id": HA}})
    preview = stack.preview()
    assert preview.ok, preview.text
    assert preview.diagnostics.count("warning:") == 1
    assert "This preview can't ask the service: The profile file" in preview.diagnostics
    assert said in preview.diagnostics
    stack.declare(instance_id=HA)
    outcome = stack.up(*VERBOSE)
    assert_one_diagnostic(outcome, "No credentials for DCS", "the profile file", said)
    for each in (preview, outcome):
        assert_planted_nowhere(each, stack.folder.parent)
    assert not endpoint.requests()

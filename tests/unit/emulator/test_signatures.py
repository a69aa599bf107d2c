"""Every way in which real clients sign is accepted; a request of which any part was altered is not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

import pytest
from pulumi_dcs.emulator.signatures import Accepted

from tests.endpoint import ACCESS_KEY, CLUSTER, HA, PROJECT_ID, SECRET_KEY

from .local import HOST, INSTANCES, START, Local
from .signing import Headers, date_of, signed

BACKUPS = f"{INSTANCES}/{HA}/backups"
HOST_HEADER = ("Host", HOST)
DATE = ("X-Sdk-Date", date_of(START))
JSON = ("Content-Type", "application/json")
PROJECT = ("X-Project-Id", PROJECT_ID)
BODY = json.dumps({"remark": "vor dem Release — 发布"}, ensure_ascii=False).encode()
TERRAFORM = [("Accept", "application/json"), JSON, ("User-Agent", "terraform"), DATE, PROJECT]
"""Terraform's client signs neither Host nor Content-Type, and ends its bodies with a line break."""


def posted(local: Local, headers: Headers, body: bytes, names: Sequence[str], payload: str = "") -> int:
    every = signed("POST", BACKUPS, headers, body, names=names, payload=payload)
    if "host" not in {name.lower() for name, _ in every}:
        every.append(HOST_HEADER)
    return local.send("POST", BACKUPS, every, body).status


def listed(local: Local, query: str, canonical: str, path: str = INSTANCES) -> int:
    headers = signed("GET", path, [HOST_HEADER, DATE], names=["host", "x-sdk-date"], query=canonical)
    return local.send("GET", path, headers, query=query).status


def test_a_request_of_terraforms_client(local: Local) -> None:
    names = ["accept", "user-agent", "x-project-id", "x-sdk-date"]
    assert posted(local, TERRAFORM, BODY + b"\n", names) == 200
    assert local.backups().json()["backup_record_response"][0]["remark"] == "vor dem Release — 发布"


@pytest.mark.parametrize("names", [["x-sdk-date"], ["host", "x-sdk-date"], ["content-type", "host", "x-sdk-date"]])
def test_what_signed_headers_names_is_what_counts(local: Local, names: Sequence[str]) -> None:
    assert posted(local, [JSON, HOST_HEADER, DATE], BODY, names) == 200


@pytest.mark.parametrize(
    "headers",
    [
        [DATE, HOST_HEADER, JSON],
        [JSON, HOST_HEADER, DATE],
        [("CONTENT-TYPE", JSON[1]), ("HOST", HOST), ("x-sdk-date", DATE[1])],
        [("content-type", f"  {JSON[1]} "), HOST_HEADER, DATE],
    ],
)
def test_headers_in_any_order_and_case(local: Local, headers: Headers) -> None:
    assert posted(local, headers, BODY, ["content-type", "host", "x-sdk-date"]) == 200


def test_signed_headers_in_another_order_or_case(local: Local) -> None:
    assert posted(local, [JSON, HOST_HEADER, DATE], BODY, ["x-sdk-date", "host"]) == 200
    headers = signed("GET", INSTANCES, [HOST_HEADER, DATE], names=["host", "x-sdk-date"])
    name, value = headers[-1]
    value = value.replace("host;x-sdk-date", "Host;X-Sdk-Date").replace(", ", ",")
    assert local.send("GET", INSTANCES, [*headers[:-1], (name, value)]).status == 200


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("offset=0&limit=5", "limit=5&offset=0"),
        ("limit=5&name=a%20b", "limit=5&name=a%20b"),
        ("limit=5&name=a+b", "limit=5&name=a%20b"),
        ("name=%e5%8f%91%e5%b8%83", "name=%E5%8F%91%E5%B8%83"),
        ("name=a~b*c", "name=a~b%2Ac"),
        ("name=&status=", "name=&status="),
        ("name&status", "name=&status="),
        ("name=b&name=a", "name=a&name=b"),
        ("Limit=5&name=", "limit=5&name="),
        (f"{quote('é')}=1&z=2", f"{quote('é')}=1&z=2"),
        (f"{quote('é')}=1&z=2", f"z=2&{quote('é')}=1"),
    ],
)
def test_queries_as_clients_encode_and_sort_them(local: Local, query: str, canonical: str) -> None:
    assert listed(local, query, canonical) == 200


@pytest.mark.parametrize("path", [INSTANCES, f"{INSTANCES}/"])
def test_a_trailing_slash_makes_no_difference(local: Local, path: str) -> None:
    assert listed(local, "limit=5", "limit=5", path) == 200


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        json.dumps({"remark": "发布"}).encode(),
        BODY + b"\n",
        BODY.replace(b":", b" :\r\n\t"),
        json.dumps({"remark": "发布"}, ensure_ascii=False).encode("utf-16"),
        b"",
    ],
    ids=["utf-8", "escaped", "line break", "blanks", "utf-16", "empty"],
)
def test_bodies_as_clients_encode_them(local: Local, body: bytes) -> None:
    assert posted(local, [JSON, HOST_HEADER, DATE], body, ["content-type", "host", "x-sdk-date"]) == 200


@pytest.mark.parametrize("is_signed", [True, False])
@pytest.mark.parametrize("body", [BODY, b""])
def test_a_content_hash_in_a_header(local: Local, body: bytes, is_signed: bool) -> None:
    names = ["host", *(["x-sdk-content-sha256"] if is_signed else []), "x-sdk-date"]
    digest = hashlib.sha256(body).hexdigest()
    for text in (digest, "UNSIGNED-PAYLOAD"):
        headers = [HOST_HEADER, DATE, ("X-Sdk-Content-Sha256", text)]
        # The Python SDK passes the header over where there is no body; the Go SDK does not.
        for payload in {text, text if body else digest}:
            local.world.store.clear()
            assert posted(local, headers, body, names, payload) == 200


def test_a_content_hash_that_is_not_the_bodys(local: Local) -> None:
    other = hashlib.sha256(b"other").hexdigest()
    headers = [HOST_HEADER, DATE, ("X-Sdk-Content-Sha256", other)]
    assert posted(local, headers, BODY, ["host", "x-sdk-content-sha256", "x-sdk-date"], other) == 401


@pytest.mark.parametrize("extra", [[], ["x-security-token"], ["x-project-id"], ["x-project-id", "x-security-token"]])
def test_token_and_project_signed_or_not(extra: list[str]) -> None:
    local = Local(Accepted(ACCESS_KEY, SECRET_KEY, security_token="TOKEN"))
    headers = [HOST_HEADER, DATE, PROJECT, ("X-Security-Token", "TOKEN")]
    assert posted(local, headers, BODY, sorted(["host", "x-sdk-date", *extra])) == 200


def test_a_header_beyond_ascii(local: Local) -> None:
    headers = [HOST_HEADER, DATE, ("User-Agent", "größer/1")]
    assert posted(local, headers, BODY, ["host", "user-agent", "x-sdk-date"]) == 200


NAMES = ["accept", "user-agent", "x-project-id", "x-sdk-date"]


@dataclass(frozen=True)
class Sent:
    """A request as it goes over the line."""

    method: str
    path: str
    headers: Headers
    body: bytes
    query: str

    def with_header(self, name: str, value: str) -> Sent:
        return replace(self, headers=[*(pair for pair in self.headers if pair[0] != name), (name, value)])

    def with_authorization(self, old: str, new: str) -> Sent:
        authorization = dict(self.headers)["Authorization"]
        assert old in authorization
        return self.with_header("Authorization", authorization.replace(old, new))


ALTERED: dict[str, Callable[[Sent], Sent]] = {
    "method": lambda sent: replace(sent, method="GET"),
    "path": lambda sent: replace(sent, path=sent.path.replace(HA, CLUSTER)),
    "query": lambda sent: replace(sent, query="limit=6"),
    "query taken away": lambda sent: replace(sent, query=""),
    "query added": lambda sent: replace(sent, query="limit=5&offset=0"),
    "body": lambda sent: replace(sent, body=sent.body.replace(b"R", b"r")),
    "line break": lambda sent: replace(sent, body=sent.body.rstrip(b"\n")),
    "signed header": lambda sent: sent.with_header("User-Agent", "other"),
    "header sent twice": lambda sent: replace(sent, headers=[("User-Agent", "other"), *sent.headers]),
    "project": lambda sent: sent.with_header("X-Project-Id", "f" * 32),
    "date": lambda sent: sent.with_header("X-Sdk-Date", date_of(START + 1)),
    "date taken away": lambda sent: sent.with_header("X-Sdk-Date", ""),
    "access key": lambda sent: sent.with_authorization(ACCESS_KEY, "OTHER"),
    "fewer headers signed": lambda sent: sent.with_authorization("accept;", ""),
    "a missing header signed": lambda sent: sent.with_authorization("accept;", "accept;x-other;"),
    "no header signed": lambda sent: sent.with_authorization(";".join(NAMES), ""),
    "signature's length": lambda sent: sent.with_authorization("Signature=", "Signature=0"),
    "signature": lambda sent: replace(sent, headers=[*sent.headers[:-2], last_digit_changed(sent), sent.headers[-1]]),
    "algorithm": lambda sent: sent.with_authorization("SDK-HMAC-SHA256", "SDK-HMAC-SM3"),
    "content hash added": lambda sent: sent.with_header("X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD"),
    "authorization": lambda sent: sent.with_header("Authorization", ""),
    "token added": lambda sent: sent.with_header("X-Auth-Token", "nonsense"),
}


def last_digit_changed(sent: Sent) -> tuple[str, str]:
    name, value = sent.headers[-2]
    assert name == "Authorization"
    return name, value[:-1] + ("0" if value[-1] != "0" else "1")


@pytest.mark.parametrize("part", ALTERED)
def test_an_altered_request_is_refused(local: Local, part: str) -> None:
    body = BODY + b"\n"
    headers = signed("POST", BACKUPS, TERRAFORM, body, names=NAMES, query="limit=5")
    sent = Sent("POST", BACKUPS, [*headers, HOST_HEADER], body, "limit=5")
    assert local.send(**vars(ALTERED[part](sent))).error == (401, "APIGW.0301")
    assert not local.world.store.all_backups()
    assert local.send(**vars(sent)).status == 200


@pytest.mark.parametrize("seconds", [-901, 901])
def test_an_old_or_early_signature_is_refused(local: Local, seconds: int) -> None:
    headers = signed(
        "GET",
        INSTANCES,
        [HOST_HEADER, ("X-Sdk-Date", date_of(START + seconds))],
        names=["host", "x-sdk-date"],
    )
    assert local.send("GET", INSTANCES, headers).error == (401, "APIGW.0301")


def test_the_wrong_secret_key_or_token_is_refused() -> None:
    local = Local(Accepted(ACCESS_KEY, SECRET_KEY, security_token="TOKEN"))
    names = ["host", "x-sdk-date"]
    token = ("X-Security-Token", "TOKEN")
    wrong = signed("GET", INSTANCES, [HOST_HEADER, DATE, token], names=names, secret_key="other")
    assert local.send("GET", INSTANCES, wrong).status == 401
    for others in ([], [("X-Security-Token", "other")]):
        headers = signed("GET", INSTANCES, [HOST_HEADER, DATE, *others], names=names)
        assert local.send("GET", INSTANCES, headers).status == 401

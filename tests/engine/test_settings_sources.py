"""Where settings come from on a real run: another package's configuration, a server's metadata, what is left over."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.endpoint import ACCESS_KEY, AUTH_TOKEN, HA, PROJECT_ID, REGION, SECRET_KEY, LocalEndpoint, running_endpoint

from .conftest import MakeStack
from .stack import Stack

KEYS = ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK")
TOKEN = "METADATATOKEN2204"


@pytest.mark.row("P26")
def test_the_instances_packages_settings_are_enough(stack: Stack, endpoint: LocalEndpoint) -> None:
    for name in endpoint.environment:
        del stack.environment[name]
    # No setting of that package names the endpoint of a test; its region is taken for the host's name.
    stack.environment["DCS_ENDPOINT"] = endpoint.url
    for key, value in (("accessKey", ACCESS_KEY), ("secretKey", SECRET_KEY)):
        stack.config(f"huaweicloud:{key}", value, secret=True)
    stack.config("huaweicloud:region", REGION)
    stack.config("huaweicloud:projectId", PROJECT_ID)
    stack.declare(instance_id=HA)
    preview = stack.preview()
    assert preview.ok, preview.text
    assert endpoint.count("show_instance") == 1
    outcome = stack.up()
    assert outcome.ok, outcome.text
    kept = stack.resource()["outputs"]
    assert (kept["region"], kept["project_id"]) == (REGION, PROJECT_ID)
    state = stack.pulumi("stack", "export").text
    assert ACCESS_KEY not in state
    assert SECRET_KEY not in state
    assert stack.refresh("--expect-no-changes").ok
    assert stack.destroy().ok
    assert not endpoint.backups()


@pytest.mark.row("P26")
def test_what_is_missing_names_that_packages_settings_as_well(stack: Stack, endpoint: LocalEndpoint) -> None:
    for name in endpoint.environment:
        del stack.environment[name]
    stack.environment["HTTP_PROXY"] = "http://127.0.0.1:9"
    stack.declare(instance_id=HA)
    assert "huaweicloud:region" in stack.preview().diagnostics
    stack.config("huaweicloud:region", REGION)
    stack.config("huaweicloud:projectId", PROJECT_ID)
    outcome = stack.up()
    assert not outcome.ok
    assert "huaweicloud:accessKey and huaweicloud:secretKey" in outcome.diagnostics


@pytest.mark.row("P22")
def test_a_security_token_belongs_to_its_own_keys(make_stack: MakeStack, endpoint: LocalEndpoint) -> None:
    stack = make_stack()
    stack.environment["HW_SECURITY_TOKEN"] = "LEFTOVER"
    stack.declare(instance_id=HA)
    outcome = stack.up()
    assert outcome.ok, outcome.text
    # An endpoint that demands this very token gets none with the other keys.
    with running_endpoint("--security-token", "LEFTOVER") as strict:
        stack.environment["DCS_ENDPOINT"] = strict.url
        stack.declare_all({"backup": {"instance_id": HA}, "new": {"instance_id": HA}})
        refused = stack.preview()
        assert "HTTP 401" in refused.diagnostics
        for old, new in zip(KEYS, ("HW_ACCESS_KEY", "HW_SECRET_KEY"), strict=True):
            stack.environment[new] = stack.environment.pop(old)
        assert "warning:" not in stack.preview().diagnostics


class _Recorder(BaseHTTPRequestHandler):
    """A proxy that responds by itself."""

    server: _Server

    def _respond(self) -> None:
        self.server.seen.append(f"{self.command} {self.path}")
        status, body = self.server.respond(self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_CONNECT = _respond  # noqa: N815 (the library's names)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Recorder)
        self.seen: list[str] = []
        self.responses: list[Callable[[], tuple[int, bytes]]] = [lambda: (404, b"")]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def respond(self, path: str) -> tuple[int, bytes]:
        """The next response to a request for keys; the last one for ever."""
        if "securitykey" not in path:
            return (200, TOKEN.encode()) if "token" in path else (404, b"")
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        return response()


@contextmanager
def running_server() -> Iterator[_Server]:
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.row("P23")
def test_what_goes_to_this_machine_goes_through_no_proxy(stack: Stack, endpoint: LocalEndpoint) -> None:
    for name in KEYS:
        del stack.environment[name]
    stack.environment["HW_AUTH_TOKEN"] = AUTH_TOKEN
    stack.declare(instance_id=HA)
    with running_server() as proxy:
        stack.environment.update({"HTTP_PROXY": proxy.url, "ALL_PROXY": proxy.url})
        for host in ("127.0.0.1", "localhost"):
            stack.environment["DCS_ENDPOINT"] = endpoint.url.replace("127.0.0.1", host)
            outcome = stack.preview()
            assert "warning:" not in outcome.diagnostics, outcome.text
            assert endpoint.count("show_instance") >= 1
        assert not [seen for seen in proxy.seen if "/v2/" in seen]


def keys_for(seconds: float) -> tuple[int, bytes]:
    """The metadata service's response: keys that are good for so long from now on."""
    end = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(time.time() + seconds))
    keys = {"access": ACCESS_KEY, "secret": SECRET_KEY, "securitytoken": TOKEN, "expires_at": end}
    return 200, json.dumps({"credential": keys}).encode()


FAILURES = {"500": (500, f"error {SECRET_KEY}".encode()), "HTML": (200, f"<html>{SECRET_KEY}</html>".encode())}


@pytest.mark.row("P20")
@pytest.mark.parametrize("failure", FAILURES)
def test_old_keys_serve_while_new_ones_cannot_be_got(stack: Stack, endpoint: LocalEndpoint, failure: str) -> None:
    for name in KEYS:
        del stack.environment[name]
    endpoint.behave(duration=3.0)
    stack.declare(instance_id=HA)
    with running_server() as metadata:
        stack.environment["HTTP_PROXY"] = metadata.url
        # Renewed at once, since they end soon: the next request would do it.
        metadata.responses = [lambda: keys_for(600), lambda: FAILURES[failure]]
        outcome = stack.up()
        assert outcome.ok, outcome.text
        assert SECRET_KEY not in outcome.text
        assert stack.backup_ids() == endpoint.backup_ids()
        # Where they have ended as well, the backup is in the state, and the next run goes on with it.
        endpoint.behave(duration=600.0)
        metadata.responses = [lambda: keys_for(75), lambda: FAILURES[failure]]
        stack.declare(instance_id=HA, triggers={"now": 1})
        outcome = stack.up()
    print(outcome.text)
    assert not outcome.ok
    assert SECRET_KEY not in outcome.text
    assert "Traceback" not in outcome.diagnostics
    assert outcome.diagnostics.count("error:") == 1
    assert "credentials" in outcome.diagnostics
    assert stack.backup_ids() == endpoint.backup_ids()
    assert endpoint.count("create_backup") == 2

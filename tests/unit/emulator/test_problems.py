"""Errors come as documented, or in the shapes that gateways have."""

from __future__ import annotations

import pytest
from pulumi_dcs.emulator.problems import numeric_twin

from tests.endpoint import HA, MISSING, SINGLE

from .local import INSTANCES, Local, Response

MESSAGE = "This operation is supported only for master/standby and cluster DCS instances."


def failed(local: Local) -> Response:
    return local.call("POST", f"{INSTANCES}/{SINGLE}/backups", {})


def test_as_documented(local: Local) -> None:
    response = failed(local)
    assert response.status == 400
    assert response.json() == {"error_msg": MESSAGE, "error_code": "DCS.4086", "error_ext_msg": None}
    assert response.headers["x-request-id"]


def test_as_gateways_have_them(local: Local) -> None:
    local.behave(error_shape="gateway")
    assert failed(local).json() == {"error": {"code": "111400086", "message": MESSAGE}}
    local.behave(error_shape="flat")
    assert failed(local).json() == {"code": "DCS.4086", "message": MESSAGE, "ext_message": None}
    local.behave(numeric_codes=True)
    assert failed(local).json() == {"code": "111400086", "message": MESSAGE, "ext_message": None}
    local.behave(error_shape="documented")
    assert failed(local).json()["error_code"] == "111400086"


def test_without_json(local: Local) -> None:
    local.behave(error_shape="html")
    assert (failed(local).status, failed(local).headers["content-type"]) == (400, "text/html; charset=utf-8")
    local.behave(error_shape="empty")
    assert (failed(local).status, failed(local).body) == (400, b"")


@pytest.mark.parametrize(
    ("code", "twin"),
    [
        ("DCS.4086", "111400086"),
        ("DCS.4119", "111400119"),
        ("DCS.5078", "111500078"),
        ("DCS.3022", "111404022"),
        ("APIGW.0308", "APIGW.0308"),
        ("CBC.99003651", "CBC.99003651"),
    ],
)
def test_numeric_twins(code: str, twin: str) -> None:
    assert numeric_twin(code) == twin


def test_a_gone_instance_at_a_gateway(local: Local) -> None:
    local.behave(error_shape="gateway")
    response = local.backups(MISSING)
    assert (response.status, response.json()["error"]["code"]) == (404, "111404022")


def test_no_error_is_unlike_it(local: Local) -> None:
    local.behave(error_shape="html")
    local.back_up(HA)
    assert len(local.ids()) == 1

"""The errors that the endpoint responds with: their codes, their numeric twins, and the shapes they come in."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, Final

from fastapi import Response
from fastapi.responses import HTMLResponse, JSONResponse

from .behaviour import Behaviour

_MESSAGES: Final = MappingProxyType(
    {
        "DCS.3022": (404, "This DCS instance does not exist."),
        "DCS.4005": (400, "The request is invalid."),
        "DCS.4017": (400, "A job of this DCS instance is still running."),
        "DCS.4026": (400, "The status of the DCS instance does not allow this operation."),
        "DCS.4031": (400, "The backup file does not exist."),
        "DCS.4049": (400, "The DCS instance is not running."),
        "DCS.4061": (400, "The format of the instance ID is invalid."),
        "DCS.4069": (500, "Another user is modifying the configuration of the DCS instance. Try again later."),
        "DCS.4086": (400, "This operation is supported only for master/standby and cluster DCS instances."),
        "DCS.4087": (400, "The backup has not succeeded: the DCS instance cannot be restored from it."),
        "DCS.4095": (400, "Backup and restoration are not supported."),
        "DCS.4096": (400, "The DCS instance is being backed up. Try again later."),
        "DCS.4097": (400, "The DCS instance is being restored. Try again later."),
        "DCS.4098": (400, "The remark cannot exceed 128 characters."),
        "DCS.4101": (500, "Failed to delete the backup file."),
        "DCS.4104": (400, "The DCS instance is recovering from a fault. Try again later."),
        "DCS.4107": (400, "The order of the DCS instance has not been paid."),
        "DCS.4108": (400, "A scale-up order of the DCS instance is being processed."),
        "DCS.4111": (400, "The DCS instance is restarting. Try again later."),
        "DCS.4113": (400, "The DCS instance is being scaled up. Try again later."),
        "DCS.4114": (400, "The configuration of the DCS instance is being modified. Try again later."),
        "DCS.4115": (400, "The password of the DCS instance is being changed. Try again later."),
        "DCS.4116": (400, "The DCS instance is being upgraded. Try again later."),
        "DCS.4117": (400, "The DCS instance is being rolled back. Try again later."),
        "DCS.4118": (400, "The DCS instance is being created. Try again later."),
        "DCS.4119": (400, "This DCS instance does not exist."),
        "DCS.4120": (400, "The DCS instance is being frozen. Try again later."),
        "DCS.4121": (400, "Another operation of the DCS instance is in progress. Try again later."),
        "DCS.4133": (400, "The migration task does not exist."),
        "DCS.4231": (400, "The keys of the DCS instance are being analysed. Try again later."),
        "DCS.4232": (400, "The key analysis task does not exist."),
        "DCS.4800": (400, "Invalid parameter offset in the request."),
        "DCS.4975": (400, "The DCS instance is being created or restarted. Try again later."),
        "CBC.99003651": (400, "An order of this resource is in progress."),
    }
)
"""By error code: the HTTP status it comes with, and a message in the words of the documentation."""

_TWINS: Final = MappingProxyType({"DCS.3022": "111404022", "DCS.3002": "111403002", "DCS.3003": "111403003"})
"""Numeric twins that don't follow the rule."""
_BY_RULE: Final = re.compile(r"DCS\.([45])(\d{3})")


class Problem(Exception):
    """An error of the API.

    Args:
        code: the error code as documented.
        message: what to say in place of the code's own message.
        status: the HTTP status in place of the code's own.
    """

    def __init__(self, code: str, message: str = "", status: int = 0) -> None:
        known_status, known_message = _MESSAGES.get(code, (400, "The request failed."))
        super().__init__(message or known_message)
        self.code = code
        self.status = status or known_status

    def response(self, behaviour: Behaviour) -> Response:
        """The error in the shape that the endpoint's behaviour asks for."""
        shape = behaviour.error_shape
        code = numeric_twin(self.code) if behaviour.numeric_codes or shape == "gateway" else self.code
        if shape == "empty":
            return Response(status_code=self.status)
        if shape == "html":
            return HTMLResponse(f"<html><body><h1>{self.status}</h1></body></html>", self.status)
        body: dict[str, Any]
        if shape == "gateway":
            body = {"error": {"code": code, "message": str(self)}}
        elif shape == "flat":
            body = {"code": code, "message": str(self), "ext_message": None}
        else:
            body = {"error_msg": str(self), "error_code": code, "error_ext_msg": None}
        return JSONResponse(body, self.status)


def numeric_twin(code: str) -> str:
    """The code as gateways and older operators write it: ``111400086`` for ``DCS.4086``."""
    if code in _TWINS:
        return _TWINS[code]
    match = _BY_RULE.fullmatch(code)
    return f"111{match[1]}00{match[2]}" if match else code

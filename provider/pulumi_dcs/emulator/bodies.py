"""The bodies of requests, read into their models."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from fastapi import APIRouter
from pydantic import BaseModel

from .problems import Problem

Body = TypeVar("Body", bound=BaseModel)


def parsed(model: type[Body], body: bytes) -> Body:
    """The request's body, or the documented error."""
    try:
        document: Any = json.loads(body) if body else {}
        return model.model_validate(document)
    except ValueError:
        raise Problem("DCS.4005", "The request body is invalid.") from None


def describe(router: APIRouter, model: type[BaseModel]) -> None:
    """Let the page of the API show the body of the route that was added last, which reads it by itself."""
    router.routes[-1].openapi_extra = {  # type: ignore[attr-defined]
        "requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}
    }

"""The DCS REST API, one method for each operation; every failure is one of ``errors``.

Nothing is sent twice here: what may be repeated, and when, is decided in ``retries`` and ``taking``.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..operations.operation import Operation
from .clock import Clock
from .credentials import CredentialSource
from .error_response import error_from, service_time
from .errors import NoAnswerError, ServiceError, ThrottledError
from .parsing import BackupFormat, BackupPage, BackupRecord, Instance
from .rate_limit import Throttle
from .signing import RequestSigner
from .transport import Answer, Request, Transport

PAGE_SIZE: Final = 1000
"""Records asked for per page; the largest that the service allows."""


@dataclass(frozen=True)
class Place:
    """Where requests go.

    Attributes:
        endpoint: scheme and host, such as ``https://dcs.cn-north-4.myhuaweicloud.com``.
        project_id: the project that the instances belong to.
        region: its region, for messages; may be empty.
    """

    endpoint: str
    project_id: str
    region: str = ""


class DcsClient:
    """Speaks to DCS in one place, from any number of threads."""

    def __init__(self, place: Place, credentials: CredentialSource, clock: Clock, version: str = "0") -> None:
        self.place: Final = place
        self.clock: Final = clock
        self._credentials = credentials
        self._throttle = Throttle(clock)
        agent = f"pulumi-dcs/{version} python/{platform.python_version()}"
        signer = RequestSigner(credentials, clock, place.project_id)
        self._transport = Transport(place.endpoint, signer, clock, agent)

    @property
    def spacing(self) -> float:
        """Seconds that the service wants between two requests; 0 while it does not care."""
        return self._throttle.spacing

    def create_backup(self, operation: Operation, remark: str, backup_format: BackupFormat | None) -> str:
        """POST /backups ("back up a specified instance"); the new backup's id.

        Raises:
            UnreadableAnswerError: also for a 200 without a ``backup_id``.
        """
        body = {}
        if remark:
            body["remark"] = remark
        if backup_format is not None:
            body["backup_format"] = backup_format.value
        request = Request("POST", self._instance_path(operation.instance_id) + "/backups", body=body)
        answer = self._send(operation, request, expected=(200, 201, 202))
        parsed = answer.json()
        backup_id = parsed.get("backup_id") if isinstance(parsed, Mapping) else None
        if not isinstance(backup_id, str) or not backup_id.strip():
            raise self._error(operation, request, answer)
        return backup_id.strip()

    def list_backups(self, operation: Operation, offset: int = 0) -> BackupPage:
        """GET /backups: one page of the instance's backups, newest first as the service sorts them."""
        request = Request(
            "GET",
            self._instance_path(operation.instance_id) + "/backups",
            query=(("limit", str(PAGE_SIZE)), ("offset", str(offset))),
        )
        answer = self._send(operation, request, expected=(200, 204))
        if answer.status == 204:
            return BackupPage(0, (), 0, service_time(answer))
        body = answer.json()
        rows = body.get("backup_record_response") if isinstance(body, Mapping) else None
        if not isinstance(body, Mapping) or not (
            isinstance(rows, list) or (rows is None and body.get("total_num") == 0)
        ):
            raise self._error(operation, request, answer)
        total = body.get("total_num")
        rows = rows or []
        records = tuple(record for record in map(BackupRecord.parse, rows) if record is not None)
        total = total if isinstance(total, int) and not isinstance(total, bool) else None
        return BackupPage(total, records, len(rows), service_time(answer))

    def delete_backup(self, operation: Operation, backup_id: str) -> None:
        """DELETE /backups/{backup_id}."""
        request = Request("DELETE", f"{self._instance_path(operation.instance_id)}/backups/{backup_id}")
        self._send(operation, request, expected=(204,))

    def show_instance(self, operation: Operation) -> Instance:
        """GET the instance itself."""
        request = Request("GET", self._instance_path(operation.instance_id))
        answer = self._send(operation, request, expected=(200,))
        if not isinstance(answer.json(), Mapping):
            raise self._error(operation, request, answer)
        return Instance.parse(answer.json(), operation.instance_id)

    def find_project(self, operation: Operation, region: str) -> list[str]:
        """GET /v3/projects of IAM: the ids of the projects named like the region (usually one)."""
        request = Request("GET", "/v3/projects", query=(("name", region),))
        answer = self._send(operation, request, expected=(200,))
        body = answer.json()
        rows = body.get("projects") if isinstance(body, Mapping) else None
        if not isinstance(rows, list):
            raise self._error(operation, request, answer)
        ids = [row.get("id") for row in rows if isinstance(row, Mapping)]
        return [text for text in ids if isinstance(text, str) and text]

    def _instance_path(self, instance_id: str) -> str:
        return f"/v2/{self.place.project_id}/instances/{instance_id}"

    def _send(self, operation: Operation, request: Request, *, expected: tuple[int, ...]) -> Answer:
        leaves_at = self.clock.monotonic() + self._throttle.reserve()
        while (wait := leaves_at - self.clock.monotonic()) > 0:
            operation.pause(wait)
        try:
            answer = self._transport.exchange(request)
        except NoAnswerError as lost:
            where = f" in {self.place.region}" if self.place.region else ""
            lost.facts = (f"tried to {operation.name}: {request.method} {request.path}{where}", *lost.facts)
            raise
        if answer.status in expected and answer.complete:
            self._throttle.accepted()
            return answer
        error = self._error(operation, request, answer)
        if isinstance(error, ThrottledError):
            error.retry_after = self._throttle.refused(error.retry_after)
        raise error

    def _error(self, operation: Operation, request: Request, answer: Answer) -> ServiceError:
        return error_from(
            answer,
            request,
            attempt=operation.name,
            region=self.place.region,
            clock=self.clock,
            secrets=self._credentials().secrets,
        )

"""A local endpoint for a test run, in a process of its own, and its control API as tests use it."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import requests

ACCESS_KEY: Final = "AKIDTESTONLYACCESS"
SECRET_KEY: Final = "SKTESTONLYSECRETKEY"
AUTH_TOKEN: Final = "TOKENTESTONLY"
PROJECT_ID: Final = "0123456789abcdef0123456789abcdef"
REGION: Final = "cn-north-4"
SINGLE, HA, CLUSTER, PROXY, RW_SPLIT, REDIS_3 = (f"11111111-1111-4111-8111-{number:012}" for number in range(1, 7))
MISSING: Final = "11111111-1111-4111-8111-999999999999"
"""The id of no instance."""


class LocalEndpoint:
    """The endpoint's control API, as tests use it."""

    def __init__(self, url: str, pid: int = 0) -> None:
        self.url: Final = url
        self.pid: Final = pid
        self._session = requests.Session()

    @property
    def environment(self) -> dict[str, str]:
        """The settings that lead a program here."""
        return {
            "DCS_ENDPOINT": self.url,
            "HUAWEICLOUD_SDK_AK": ACCESS_KEY,
            "HUAWEICLOUD_SDK_SK": SECRET_KEY,
            "HUAWEICLOUD_SDK_PROJECT_ID": PROJECT_ID,
            "HUAWEICLOUD_SDK_IAM_ENDPOINT": self.url,
            "HW_REGION_NAME": REGION,
        }

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control API."""
        response = self._session.request(method, f"{self.url}/control{path}", json=body, timeout=10)
        response.raise_for_status()
        return response.json()

    def behave(self, **changes: Any) -> None:
        """Change how the endpoint behaves."""
        self.control("PATCH", "/behaviour", changes)

    def plan(self, *faults: dict[str, Any]) -> None:
        """Let these go wrong."""
        self.control("POST", "/faults", list(faults))

    def backups(self, instance_id: str = "") -> list[dict[str, Any]]:
        """Every backup there is, or an instance's; newest first."""
        return [row for row in self.control("GET", "/backups") if instance_id in ("", row["instance_id"])]

    def backup_ids(self) -> set[str]:
        """The ids of all backups there are."""
        return {row["backup_id"] for row in self.backups()}

    def add_backup(self, instance_id: str, **details: Any) -> str:
        """Make a backup as somebody else would; its id."""
        backup_id: str = self.control("POST", "/backups", {"instance_id": instance_id, **details})["backup_id"]
        return backup_id

    def change_backup(self, backup_id: str, **changes: Any) -> None:
        """Change a backup behind the API's back."""
        self.control("PATCH", f"/backups/{backup_id}", changes)

    def remove_backup(self, backup_id: str) -> None:
        """Remove a backup behind the API's back."""
        self.control("DELETE", f"/backups/{backup_id}")

    def add_instance(self, **details: Any) -> str:
        """Add an instance; its id."""
        instance_id: str = self.control("POST", "/instances", [details])[0]
        return instance_id

    def restores(self, instance_id: str = "") -> list[dict[str, Any]]:
        """Every restore there is, or an instance's; newest first."""
        return [row for row in self.control("GET", "/restores") if instance_id in ("", row["instance_id"])]

    def migrations(self, instance_id: str = "") -> list[dict[str, Any]]:
        """Every import there is, or those into an instance; newest first."""
        return [row for row in self.control("GET", "/migrations") if instance_id in ("", row["instance_id"])]

    def analyses(self, instance_id: str = "") -> list[dict[str, Any]]:
        """Every key analysis there is, or an instance's; newest first."""
        return [row for row in self.control("GET", "/analyses") if instance_id in ("", row["instance_id"])]

    def add_task(self, kind: str, instance_id: str, **details: Any) -> str:
        """Add to the ``restores``, ``migrations`` or ``analyses`` as somebody else would; its id."""
        task_id: str = self.control("POST", f"/{kind}", {"instance_id": instance_id, **details})["task_id"]
        return task_id

    def change_task(self, kind: str, task_id: str, **changes: Any) -> None:
        """Change one of the ``restores``, ``migrations`` or ``analyses`` behind the API's back."""
        self.control("PATCH", f"/{kind}/{task_id}", changes)

    def remove_task(self, kind: str, task_id: str) -> None:
        """Remove one of the ``restores``, ``migrations`` or ``analyses`` behind the API's back."""
        self.control("DELETE", f"/{kind}/{task_id}")

    def requests(self, operation: str = "") -> list[dict[str, Any]]:
        """The requests that came in since the test began."""
        return [row for row in self.control("GET", "/requests") if operation in ("", row["operation"])]

    def count(self, operation: str) -> int:
        """How many requests of that operation came in since the test began."""
        return len(self.requests(operation))

    def set_status(self, backup_id: str, status: str, progress: str | None = None) -> None:
        """List a backup with this status, documented or not, and this progress; "" and None are the true ones."""
        self.change_backup(backup_id, status=status, progress=progress)

    def contradict(self, instance_id: str = "", *, missing_rows: int = -1, skip: int = 0, times: int = 1) -> None:
        """Let the next lists of backups leave out rows that their total counts; -1 for all rows, and for all lists."""
        fault = {"operation": "list_backups", "instance_id": instance_id, "missing_rows": missing_rows}
        self.plan({**fault, "skip": skip, "times": times})

    def change_instance(self, instance_id: str, **changes: Any) -> None:
        """Change an instance: its status, task, busy_code (all three for the seconds in busy_for), tags, size, …."""
        self.control("PATCH", f"/instances/{instance_id}", changes)

    def remove_instance(self, instance_id: str) -> None:
        """Delete an instance and its backups; ``missing_instance_code`` says how that is reported."""
        self.control("DELETE", f"/instances/{instance_id}")

    def add_project(self, name: str, **details: Any) -> str:
        """Add a project named after a region (``cn-south-1``, ``cn-south-1_shop``); its id."""
        project_id: str = self.control("POST", "/projects", [{"name": name, **details}])[0]
        return project_id

    def url_of_region(self, region: str, host: str = "localhost") -> str:
        """The endpoint's URL with a host name at which it knows this region's projects only."""
        hosts = self.control("GET", "/behaviour")["regions_by_host"]
        self.behave(regions_by_host={**hosts, host: region})
        return self.url.replace("127.0.0.1", host)

    def reset(self) -> None:
        """As new."""
        self.control("POST", "/reset")


@contextmanager
def running_endpoint(*options: str, data: bool = False) -> Iterator[LocalEndpoint]:
    """Run an endpoint for as long as the block lasts; without real data unless a test needs them."""
    command = [sys.executable, "-m", "pulumi_dcs.emulator", "--quiet", "--port", "0", "--duration", "0.3"]
    keys = ["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY, "--auth-token", AUTH_TOKEN]
    command += [*keys, "--project-id", PROJECT_ID, "--data" if data else "--no-data", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url, "the endpoint did not start; it says why above"
            yield LocalEndpoint(url, process.pid)
        finally:
            process.kill()


@contextmanager
def port_that_refuses() -> Iterator[int]:
    """A port on which nobody listens, and nobody else will for as long as the block lasts."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]

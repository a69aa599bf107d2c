"""Plain dynamic providers for the same backups and restores, written as Pulumi's documentation shows.

They make the same API calls, signed by the same library, and poll every half second. Pulumi's host and serialisation
are unchanged.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

import requests
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from pulumi import Input, ResourceOptions
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult


class PlainProvider(ResourceProvider):
    """Create, diff, read and delete, each on its own."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Take a backup, and poll every half second until it is done."""
        body = {"remark": props["remark"]}
        backup_id = _call("POST", props["instance_id"], "backups", body)["backup_id"]
        while (record := _find(props["instance_id"], backup_id)) is None or record["status"] != "succeed":
            time.sleep(0.5)
        return CreateResult(f"{props['instance_id']}/{backup_id}", {**props, **record})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Replace for every change."""
        replaces = [name for name in ("instance_id", "remark", "triggers") if _olds.get(name) != _news.get(name)]
        return DiffResult(changes=bool(replaces), replaces=replaces)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """List the instance's backups."""
        instance_id, _, backup_id = id_.partition("/")
        record = _find(instance_id, backup_id)
        return ReadResult(id_, {**props, **record}) if record else ReadResult("", {})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Nothing can be updated."""
        return UpdateResult(_news)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete the backup."""
        instance_id, _, backup_id = _id.partition("/")
        _call("DELETE", instance_id, f"backups/{backup_id}", None)


class PlainBackup(Resource):
    """A backup by the plain provider."""

    def __init__(
        self, name: str, instance_id: Input[str], remark: Input[str], opts: ResourceOptions | None = None
    ) -> None:
        props = {"instance_id": instance_id, "remark": remark, "triggers": {"release": "1"}}
        super().__init__(PlainProvider(), name, {**props, "backup_id": None, "status": None}, opts)


class PlainRestoreProvider(ResourceProvider):
    """Create, and nothing else."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Restore, and poll every half second until it is done."""
        instance_id = props["instance_id"]
        restore_id = _call("POST", instance_id, "restores", {"backup_id": props["backup_id"]})["restore_id"]
        while True:
            rows = _call("GET", instance_id, "restores", None)["restore_record_response"]
            record = next((row for row in rows if row["restore_id"] == restore_id), None)
            if record is not None and record["status"] == "succeed":
                return CreateResult(f"{instance_id}/{restore_id}", {**props, **record})
            time.sleep(0.5)


class PlainRestore(Resource):
    """A restore by the plain provider."""

    def __init__(
        self, name: str, instance_id: Input[str], backup_id: Input[str], opts: ResourceOptions | None = None
    ) -> None:
        props = {"instance_id": instance_id, "backup_id": backup_id}
        super().__init__(PlainRestoreProvider(), name, {**props, "restore_id": None, "status": None}, opts)


def _find(instance_id: str, backup_id: str) -> dict[str, Any] | None:
    rows = _call("GET", instance_id, "backups", None)["backup_record_response"]
    return next((row for row in rows if row["backup_id"] == backup_id), None)


def _call(method: str, instance_id: str, rest: str, body: dict[str, Any] | None) -> Any:
    project = os.environ["HUAWEICLOUD_SDK_PROJECT_ID"]
    keys = BasicCredentials(os.environ["HUAWEICLOUD_SDK_AK"], os.environ["HUAWEICLOUD_SDK_SK"], project)
    scheme, _, host = os.environ["DCS_ENDPOINT"].partition("://")
    request = SdkRequest(
        method=method,
        schema=scheme,
        host=host,
        resource_path=f"/v2/{project}/instances/{instance_id}/{rest}",
        uri=f"/v2/{project}/instances/{instance_id}/{rest}",
        query_params=[("limit", "1000")] if method == "GET" else [],
        header_params={"Content-Type": "application/json", "X-Project-Id": project},
        body=json.dumps(body) if body is not None else "",
    )
    signed = Signer(keys).sign(request)
    url = os.environ["DCS_ENDPOINT"] + signed.uri
    response = requests.request(method, url, data=signed.body or None, headers=signed.header_params, timeout=30)
    response.raise_for_status()
    return response.json() if response.content else {"backup_record_response": []}

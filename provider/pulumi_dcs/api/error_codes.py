"""What the service's error codes mean, and what a user can do about each."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

BUSY: Final = MappingProxyType(
    {
        "DCS.4026": "in a state that does not allow this",
        "DCS.4049": "not running",
        "DCS.4096": "being backed up",
        "DCS.4097": "being restored",
        "DCS.4111": "restarting",
        "DCS.4113": "being resized",
        "DCS.4114": "having its configuration changed",
        "DCS.4115": "having its password changed",
        "DCS.4116": "being upgraded",
        "DCS.4117": "being rolled back",
        "DCS.4118": "being created",
        "DCS.4120": "frozen",
        "DCS.4121": "busy with another operation",
        "DCS.4231": "busy with another operation",
        "DCS.4975": "being created or restarted",
        "CBC.99003651": "held by an order in progress",
    }
)
"""HTTP 400 codes that pass by themselves: what the instance is doing meanwhile."""

BACKUP_GONE: Final = "DCS.4031"
"""On a delete: the backup is gone. It has another documented meaning, so a list must confirm it."""

THROTTLED: Final = "APIGW.0308"

ADVICE: Final = MappingProxyType(
    {
        "DCS.3022": "check instance_id and region: this project has no such instance there.",
        "DCS.4086": "single-node instances have no backups; back up a master/standby or cluster instance.",
        "DCS.4095": "single-node instances have no backups; back up a master/standby or cluster instance.",
        "DCS.4098": "shorten remark to at most 128 characters.",
        THROTTLED: "lower --parallel, or ask for a higher API rate limit.",
    }
)

BACKUP_FAILURES: Final = MappingProxyType(
    {
        "dcs.08.0001": "the backup tool could not be started",
        "dcs.08.0002": "the backup timed out",
        "dcs.08.0003": "the storage bucket could not be deleted",
        "dcs.08.0004": "the service could not get its AK/SK",
        "dcs.08.0005": "the storage bucket could not be created",
        "dcs.08.0006": "the backup's size could not be queried",
        "dcs.08.0007": "synchronising the restored data failed",
        "dcs.08.0008": "skipped because the instance was busy",
    }
)
"""The error_code of a failed backup record: its documented meaning."""


def advice_for(http_status: int, error_code: str) -> str:
    """What a user can do about this answer. Never empty: the last resort is the service's own support."""
    if error_code in ADVICE:
        return ADVICE[error_code]
    if error_code in BUSY:
        return f"the instance is {BUSY[error_code]}; run `pulumi up` again when it has finished, or allow more time."
    if http_status == 401:
        return "check the access key and secret key (or the token): the service does not accept them."
    if http_status == 403:
        return "give these credentials the permission for this DCS operation in this project (IAM)."
    if http_status == 404:
        return "check instance_id, region and project_id."
    if 300 <= http_status < 400:
        return "correct the endpoint (dcs:endpoint or DCS_ENDPOINT): what answers there is not DCS."
    if http_status >= 500 or http_status < 300:
        return "run `pulumi up` again; if it persists, give the request id to the service's support."
    return "look the error code up in the DCS API reference; with the request id, support can tell more."

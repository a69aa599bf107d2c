"""What the service's error codes mean, and what can be done about each."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

BUSY: Final = MappingProxyType(
    {
        "DCS.4017": "finishing an earlier job",
        "DCS.4026": "in a state that does not allow this",
        "DCS.4049": "not running",
        "DCS.4069": "having its configuration changed by another user",
        "DCS.4096": "being backed up",
        "DCS.4097": "being restored",
        "DCS.4104": "recovering from a fault",
        "DCS.4108": "waiting for a scale-up order to be processed",
        "DCS.4111": "restarting",
        "DCS.4113": "being resized",
        "DCS.4114": "having its configuration changed",
        "DCS.4115": "having its password changed",
        "DCS.4116": "being upgraded",
        "DCS.4117": "being rolled back",
        "DCS.4118": "being created",
        "DCS.4120": "being frozen",
        "DCS.4121": "busy with another operation",
        "DCS.4231": "having its keys analysed",
        "DCS.4975": "being created or restarted",
        "CBC.99003651": "held by an order in progress",
    }
)
"""Codes that pass by themselves: what the instance is doing meanwhile. A request refused with one had no effect."""

_BUSY_WITH_500: Final = frozenset({"DCS.4069"})
"""Busy codes that come with HTTP 500. Any other 500 leaves open whether the request had an effect."""

BACKUP_GONE: Final = "DCS.4031"
"""On a delete: the backup is gone. It has another documented meaning, so a list must confirm it."""

ANALYSIS_GONE: Final = "DCS.4232"
"""There is no such key analysis."""

INSTANCE_GONE: Final = frozenset({"DCS.3022", "DCS.4119"})
"""There is no such instance (HTTP 404, and 400)."""

THROTTLED: Final = "APIGW.0308"

RECORD_KEEPING_FAILED: Final = frozenset(
    {"DCS.5078", "DCS.5079", "DCS.5082", "DCS.5083", "DCS.5090", "DCS.5091", "DCS.5092", "DCS.5095"}
)
"""HTTP 500: the service could not store or query its records of backups and restores."""

_SINGLE_NODE: Final = "single-node instances have no backups; back up a master/standby or cluster instance."
_NO_INSTANCE: Final = "check the instance's id, the region and the project: this project has no such instance there."
_NO_RIGHT: Final = "give these credentials a role with the permission for this DCS operation in this project (IAM)."

ADVICE: Final = MappingProxyType(
    {
        "DCS.2003": _NO_RIGHT,
        "DCS.2007": _NO_RIGHT,
        "DCS.3002": "the tenant may only read: ask for write access, and check that the account is not in arrears.",
        "DCS.3003": _NO_RIGHT,
        "DCS.3022": _NO_INSTANCE,
        "DCS.4001": "check the endpoint and the project's id: the service does not know this URL.",
        "DCS.4061": "correct the instance's id: it is malformed.",
        "DCS.4086": _SINGLE_NODE,
        "DCS.4087": "take a backup that has succeeded.",
        "DCS.4095": _SINGLE_NODE,
        "DCS.4098": "shorten the remark to at most 128 characters.",
        "DCS.4107": "pay or cancel the instance's unpaid order: waiting does not help.",
        "DCS.4119": _NO_INSTANCE,
        **dict.fromkeys(
            sorted(RECORD_KEEPING_FAILED),
            "try again later; if it persists, give the request id to the service's support: it failed to store or "
            "query its records.",
        ),
        THROTTLED: "send fewer requests at a time, or ask for a higher API rate limit.",
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

RESTORE_FAILURES: Final = MappingProxyType(
    {
        **BACKUP_FAILURES,
        "dcs.08.0001": "the restore tool could not be started",
        "dcs.08.0002": "the restore timed out",
        "dcs.08.0008": "skipped because the instance was busy",
    }
)
"""The error_code of a failed restore record: its documented meaning."""

_NUMERIC_TWIN: Final = re.compile(r"1114000(\d\d)")


def canonical(code: str) -> str:
    """The code as the tables here have it: gateways send ``111400086`` where the service sends ``DCS.4086``."""
    twin = _NUMERIC_TWIN.fullmatch(code)
    return f"DCS.40{twin[1]}" if twin else code


def is_busy(http_status: int, error_code: str) -> bool:
    """Whether the response says that the instance is busy, and that the request had no effect."""
    return error_code in BUSY and (http_status == 400 or error_code in _BUSY_WITH_500)


def advice_for(http_status: int, error_code: str) -> str:
    """What can be done about this response. Never empty: the last resort is the service's own support."""
    if error_code in ADVICE:
        return ADVICE[error_code]
    if is_busy(http_status, error_code):
        return f"the instance is {BUSY[error_code]}; try again when it has finished, or allow more time."
    if http_status == 401:
        return "check the access key and secret key (or the token): the service does not accept them."
    if http_status == 403:
        return "give these credentials the permission for this DCS operation in this project (IAM)."
    if http_status == 404:
        return "check the instance's id, the region and the project."
    if http_status == 407:
        return "check the user and password of the proxy: it does not accept them."
    if 300 <= http_status < 400:
        return "correct the endpoint: what responds there is not DCS."
    if http_status >= 500 or http_status < 300:
        return "try again; if it persists, give the request id to the service's support."
    return "look the error code up in the DCS API reference; with the request id, support can tell more."

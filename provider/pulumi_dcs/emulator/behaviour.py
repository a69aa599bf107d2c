"""How the endpoint behaves: each of these can be changed while it runs."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Behaviour(BaseModel):
    """The endpoint's manners, good by default."""

    model_config = ConfigDict(extra="forbid")

    duration: float = Field(2.0, description="seconds that a backup takes")
    failure: str = Field("", description="the error code with which new backups fail; empty for none")
    backup_status: str = Field(
        "", description="the status that new backups are listed with, documented or not; empty for the true one"
    )
    backup_progress: str | None = Field(
        None, description="the progress that new backups are listed with, any text; null for the true one"
    )
    restore_duration: float | None = Field(None, description="seconds that a restore takes; null for a backup's")
    restore_failure: str = Field("", description="the error code with which new restores fail; empty for none")
    restore_status: str = Field(
        "", description="the status that new restores are listed with, documented or not; empty for the true one"
    )
    restore_progress: str | None = Field(
        None, description="the progress that new restores are listed with, any text; null for the true one"
    )
    import_duration: float | None = Field(None, description="seconds that an import takes; null for a backup's")
    import_failure: str = Field("", description="the error message with which new imports fail; empty for none")
    import_status: str = Field(
        "", description="the status that new imports are listed with, documented or not; empty for the true one"
    )
    import_target_status: str = Field("MIGRATING", description="the status of an instance while an import fills it")
    analysis_duration: float | None = Field(None, description="seconds that a key analysis takes; null for a backup's")
    analysis_failure: str = Field("", description="anything but empty makes new key analyses fail")
    analysis_status: str = Field(
        "", description="the status that new key analyses are listed with, documented or not; empty for the true one"
    )
    analysis_keys: int = Field(1000, ge=0, description="the keys that an analysis finds where there are no real data")

    clock_offset: float = Field(0.0, description="seconds by which the endpoint's clock is ahead")
    utc_offset: float = Field(
        8.0, description="hours by which the region's local time, which backup_name carries, is ahead of UTC"
    )
    rate_limit: int = Field(0, description="requests per second before 429; 0 for no limit")
    send_date: bool = Field(True, description="send the Date header")
    times_without_zone: bool = Field(False, description="write times as 2019-05-10 08:31:16")
    empty_as_null: bool = Field(False, description="write an empty period and error_code as null, not as {}")

    list_lag: float = Field(0.0, description="seconds before a new backup shows in the list")
    delete_lag: float = Field(0.0, description="seconds for which a deleted backup stays in the list")
    deleted_status: str = Field(
        "", description="the status with which a deleted backup stays in the list; empty for the one it had"
    )
    list_missing_rows: int = Field(
        0, description="rows that are left out at the end of a page of backups although total_num counts them; -1: all"
    )
    list_missing_pages: list[int] = Field(
        default_factory=list,
        description="the pages, counted from 1, that list_missing_rows applies to; empty for every page",
    )
    list_rows_when_none: Literal["empty", "null", "absent"] = Field(
        "empty", description="how backup_record_response is written where a page has no rows: [], null or not at all"
    )
    list_total: Literal["right", "null", "absent"] = Field(
        "right", description="how total_num is written: as it should be, as null or not at all"
    )
    list_total_excess: int = Field(0, description="what total_num counts too much; negative for too little")
    empty_list_status: Literal[200, 204] = Field(
        204, description="the HTTP status of a list without backups; 200 brings total_num 0 and no rows"
    )

    remark_trim: bool = Field(False, description="take the blanks at both ends off a new backup's remark")
    remark_collapse: bool = Field(
        False, description="make one blank of each run of whitespace in a new backup's remark"
    )
    remark_nfc: bool = Field(False, description="compose the characters of a new backup's remark (Unicode NFC)")
    remark_max_bytes: int = Field(
        0, description="cut a new backup's remark to this many bytes of UTF-8, never within a character; 0: not at all"
    )
    remark_limit_in_bytes: bool = Field(
        False, description="refuse (DCS.4098) remarks of more than 128 bytes of UTF-8, not of more than 128 characters"
    )

    missing_instance_code: Literal["DCS.3022", "DCS.4119"] = Field(
        "DCS.3022",
        description="the error code for an instance that does not exist: DCS.3022 (HTTP 404) or DCS.4119 (HTTP 400)",
    )
    error_shape: Literal["documented", "gateway", "flat", "html", "empty"] = Field(
        "documented",
        description='the body of an error: {"error_msg", "error_code", "error_ext_msg"} as documented, '
        'gateway {"error": {"code", "message"}} with a numeric code, flat {"code", "message", "ext_message"}, '
        "an HTML page, or nothing",
    )
    numeric_codes: bool = Field(
        False, description="write error codes as their numeric twins (111400086 for DCS.4086) in every shape"
    )
    regions_by_host: dict[str, str] = Field(
        default_factory=dict,
        description='several regions at one endpoint: {"localhost": "cn-south-1"} makes the endpoint know only that '
        "region's projects where it is called by that host name",
    )

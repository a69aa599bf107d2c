"""What can be made to go wrong, and which request it happens to."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import BaseModel, Field


class Fault(BaseModel):
    """One thing that goes wrong, for the next ``times`` requests that fit, after ``skip`` that pass unharmed."""

    operation: str = Field(
        "*", description="create_backup, list_backups, show_instance, create_links, download_file, …; * for any"
    )
    instance_id: str = Field("", description="only this instance's requests; empty for any")
    times: int = Field(1, description="how many requests it happens to; -1 for all")
    skip: int = Field(0, description="how many requests that fit pass unharmed first")
    carried_out: bool = Field(False, description="carry the request out before it goes wrong")
    delay: float = Field(0.0, description="seconds before the response begins")
    drop: bool = Field(False, description="close the connection without a response")
    status: int = Field(0, description="respond with this HTTP status; 0 for the proper response")
    headers: dict[str, str] = Field(default_factory=dict, description="headers of that response")
    body: str = Field("", description="body of that response")
    cut: bool = Field(False, description="close the connection in the middle of the response's body")
    endless: bool = Field(False, description="send the response's body in small pieces and never end")
    huge: int = Field(0, description="the number of bytes to send as the response's body; 0 for the proper one")
    missing_rows: int = Field(0, description="rows that a list leaves out although its total counts them; -1: all")
    no_total: bool = Field(False, description="leave total_num or instance_num out of a list")
    break_after: int = Field(-1, description="bytes of a file after which the connection is closed; -1: none")
    claimed_size: int = Field(-1, description="the size that the headers of a file's response claim; -1: its own")
    no_range: bool = Field(False, description="send all of a file in place of the part that was asked for")


@dataclass
class FaultPlan:
    """The faults that are still to happen, in the order in which they were planned."""

    planned: list[Fault] = field(default_factory=list)

    def strike(self, operation: str, instance_id: str) -> Fault | None:
        """The fault that happens to this request, if any; each striking uses it up once."""
        for fault in self.planned:
            if fault.operation not in ("*", operation) or fault.instance_id not in ("", instance_id):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times == 0:
                continue
            if fault.times > 0:
                fault.times -= 1
            return fault
        return None

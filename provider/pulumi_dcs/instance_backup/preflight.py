"""What check does beyond the inputs' own values: where the backup is made, and, in previews, whether it can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.runtime import rpc

from ..api.errors import DcsError, NoAnswerError, NotFoundError, SettingsError
from ..config.settings import missing_region
from ..engine.host import Severity
from ..operations.operation import Operation
from ..session import READ_TIMEOUT, Session
from . import properties


class Checking:
    """Asks the settings and the service."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def fill_in_place(
        self, olds: Mapping[str, Any], inputs: dict[str, Any], *, is_dry_run: bool
    ) -> list[properties.Failure]:
        """Settle region and project, as they were where the instance is the same, else as the settings have them."""
        if inputs.get("instance_id") == olds.get("instance_id"):
            for name in ("region", "project_id"):
                if name in olds and (
                    name == "region" or inputs.get("region", olds.get("region")) == olds.get("region")
                ):
                    inputs.setdefault(name, olds[name])
        settings = self._session.settings
        if "region" not in inputs and (region := settings.region):
            inputs["region"] = region
        region = inputs.get("region", "")
        if not region and settings.needs_region:
            return [properties.Failure("region", f"it is missing. {missing_region()}")]
        if properties.has_unknowns(region):
            return []
        settings.endpoint(region)
        if "project_id" not in inputs:
            inputs["project_id"] = self._project_id(region, is_dry_run=is_dry_run)
        return []

    def _project_id(self, region: str, *, is_dry_run: bool) -> str:
        """The project; unknown in a preview that can't find it out."""
        settings = self._session.settings
        if is_dry_run and not settings.project_id and settings.credentials_at_hand() is None:
            return rpc.UNKNOWN
        try:
            return self._session.project_id(region)
        except NoAnswerError as error:
            if not is_dry_run:
                raise
            self._warn_once("The project id could not be looked up for this preview.", error)
            return rpc.UNKNOWN

    def check_instance(self, inputs: Mapping[str, Any]) -> list[properties.Failure]:
        """Ask the service, while the pull request is still open, whether the instance can be backed up."""
        place = {name: inputs.get(name, "") for name in ("instance_id", "region", "project_id")}
        if properties.has_unknowns(place) or self._session.settings.credentials_at_hand() is None:
            return []
        if self._session.is_out_of_reach:
            return []
        instance_id = place["instance_id"]
        name = f"show instance {instance_id}"
        operation = Operation(name, instance_id=instance_id, clock=self._session.clock, timeout=READ_TIMEOUT)
        try:
            instance = self._session.service(place["region"], place["project_id"]).show_instance(operation)
        except NotFoundError as error:
            return [properties.Failure("instance_id", f"there is no such instance. {error}")]
        except SettingsError:
            raise
        except NoAnswerError as error:
            self._warn_once(f"Instance {instance_id} could not be checked for this preview.", error)
            return []
        except DcsError as error:
            self._warn(f"Instance {instance_id} could not be checked for this preview.", error)
            return []
        if instance.is_single_node:
            reason = "it is a single-node instance, which has no backups; back up a master/standby or cluster one."
            return [properties.Failure("instance_id", reason)]
        return []

    def _warn_once(self, what: str, error: NoAnswerError) -> None:
        """Say that the service is out of reach, for the first of many resources only."""
        if not self._session.is_out_of_reach:
            self._session.is_out_of_reach = True
            self._warn(what, error)

    def _warn(self, what: str, error: DcsError) -> None:
        self._session.host.tell(self._session.host.call().urn, f"{what}\n  {error}", Severity.WARNING)

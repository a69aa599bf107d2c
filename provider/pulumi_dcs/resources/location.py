"""Where a resource is made: region and project, as the program, the old inputs or the settings have them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from ..api.errors import ConnectionFailed, CredentialsUnavailable, ServiceError
from ..config.errors import SettingsError
from ..config.location import missing_region
from ..engine.unknowns import UNKNOWN, has_unknowns
from ..session import Session
from .refusals import Failure


class LocationFiller:
    """Fills in the inputs ``region`` and ``project_id`` of resources that belong to an instance."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._has_warned = False

    def fill_in(
        self, urn: str, old_inputs: Mapping[str, Any], inputs: dict[str, Any], *, is_preview: bool
    ) -> list[Failure]:
        """Fill in region and project: as they were where the instance is the same, else as the settings have them."""
        if inputs.get("instance_id") == old_inputs.get("instance_id"):
            for name in ("region", "project_id"):
                is_same_region = inputs.get("region", old_inputs.get("region")) == old_inputs.get("region")
                if name in old_inputs and is_same_region:
                    inputs.setdefault(name, old_inputs[name])
        settings = self._session.settings
        if "region" not in inputs and (region := settings.region):
            inputs["region"] = region
        region = inputs.get("region", "")
        if not region and settings.needs_region:
            return [Failure("region", f"it is missing. {missing_region()}")]
        if has_unknowns(region):
            return []
        settings.endpoint(region)
        if "project_id" not in inputs:
            inputs["project_id"] = self._project_id(urn, region, is_preview=is_preview)
        return []

    def has_credentials(self, urn: str) -> bool:
        """Whether there are credentials at hand; a preview without them is fine, one with unusable ones says so."""
        settings = self._session.settings
        if settings.credentials_at_hand() is not None:
            return True
        if trouble := settings.profile_trouble():
            self._warn_once(urn, f"This preview can't ask the service: {trouble}")
        return False

    def _project_id(self, urn: str, region: str, *, is_preview: bool) -> str:
        """The project; unknown in a preview that can't find it out."""
        clients, settings = self._session.clients, self._session.settings
        if not is_preview:
            return clients.project_id(region)
        if not settings.project_id and not self.has_credentials(urn):
            return UNKNOWN
        try:
            return clients.project_id(region, retry_timeout=0.0)
        except SettingsError:
            raise
        except (ConnectionFailed, CredentialsUnavailable, ServiceError) as error:
            self._warn_once(urn, f"The project id could not be looked up for this preview.\n  {error}")
            return UNKNOWN

    def _warn_once(self, urn: str, message: str) -> None:
        with self._lock:
            is_first, self._has_warned = not self._has_warned, True
        if is_first:
            self._session.log.warn(urn, message)

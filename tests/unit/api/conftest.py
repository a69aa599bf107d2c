"""What the API layer's tests share."""

import pytest
from hypothesis import settings
from pulumi_dcs.api.route import BUNDLE_VARIABLES

from .support import service

__all__ = ["service"]

# Times are not asserted: machines are busy, and a first import takes longer than the rest together.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def no_way_named_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests must not go through the proxy of whoever runs them."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", *BUNDLE_VARIABLES):
        for variant in (name, name.lower()):
            monkeypatch.delenv(variant, raising=False)

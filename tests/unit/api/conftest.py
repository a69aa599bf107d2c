"""What the API layer's tests share."""

import pytest
from pulumi_dcs.api.route import BUNDLE_VARIABLES

from .support import service

__all__ = ["service"]


@pytest.fixture(autouse=True)
def no_way_named_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests must not go through the proxy of whoever runs them."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", *BUNDLE_VARIABLES):
        for variant in (name, name.lower()):
            monkeypatch.delenv(variant, raising=False)

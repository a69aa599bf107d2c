"""Which rows of a list of instances fit."""

from __future__ import annotations

import pytest
from pulumi_dcs.api.instances import Instance
from pulumi_dcs.operations.list_instances import InstanceFilter


@pytest.mark.parametrize(
    ("wanted", "is_sent"), [({"team": "shop"}, True), ({"backup": ""}, False), ({"team": "shop", "odd": "a,b"}, False)]
)
def test_a_row_without_tags_fits_only_by_the_services_own_filter(wanted: dict[str, str], is_sent: bool) -> None:
    found = InstanceFilter(tags=wanted)
    assert found.fits(Instance("i")) is is_sent
    assert found.fits(Instance("i", tags={**wanted, "more": "x"}))
    assert not found.fits(Instance("i", tags={}))

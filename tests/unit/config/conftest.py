"""What the tests of the settings share."""

from tests.unit.api.conftest import no_way_named_from_outside

__all__ = ["no_way_named_from_outside"]

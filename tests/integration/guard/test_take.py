"""The backup for a change, as the service has it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pulumi_dcs.api.backups import Backups
from pulumi_dcs.guard.take import Order, take
from pulumi_dcs.operations.errors import OperationError

from tests.endpoint import HA, LocalEndpoint
from tests.integration.service import Reported, service_at

MARK = "~change:0123456789ab"


def test_one_that_is_being_deleted_does_not_serve(endpoint: LocalEndpoint) -> None:
    endpoint.behave(delete_lag=100.0)
    backup_id = endpoint.add_backup(HA, remark=f"before {MARK}", duration=0.0)
    service = service_at(endpoint.url)
    order = Order(
        what="this update of orders",
        instance_id=HA,
        remark="before",
        mark=MARK,
        backup_format=None,
        reuse_within=timedelta(hours=1),
        holders=dict,
        # As soon as it was found: the service lists it for a while, as succeeded.
        note=lambda _: Backups(service.client).delete(HA, backup_id),
        on_started=lambda _: None,
    )
    with pytest.raises(OperationError, match=f"Backup {backup_id} .* succeeded, but nothing can be restored from it"):
        take(service, Reported().operation, order)

"""A backup before an update, as the real engine calls for it."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.endpoint import CLUSTER, HA, MISSING, SINGLE, LocalEndpoint, port_that_refuses

from .guarded import ORDERS, TO_8, TO_16, Code, Guarded, made
from .stack import Stack

POST = {"operation": "create_backup"}
UNCHANGED = "orders was not changed: no update without its backup"


@pytest.fixture
def guarded(stack: Stack) -> Guarded:
    return Guarded(stack)


def remark(endpoint: LocalEndpoint) -> str:
    """The remark of the one backup, without the mark of the change."""
    (backup,) = endpoint.backups()
    found = re.fullmatch(r"(.*) ~change:[0-9a-f]{12}", backup["remark"])
    assert found is not None, backup["remark"]
    return found[1]


def test_an_update_is_made_after_the_backup(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded)
    assert endpoint.requests() == []
    endpoint.behave(duration=2.0)
    guarded.declare(orders=TO_8)
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert guarded.changes() == [f"update {HA}"]
    (backup,) = endpoint.backups(HA)
    assert (backup["status"], backup["backup_format"]) == ("succeed", "rdb")
    assert remark(endpoint) == "before update of orders"
    assert f"Backed up before this update of orders: backup {backup['backup_id']}" in outcome.diagnostics
    assert "backing up, " in outcome.text
    assert guarded.stack.up("--expect-no-changes").ok
    assert endpoint.count("create_backup") == 1


def test_remark_format_region_and_project_are_those_given(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    arguments = (
        '"update", remark="{name}: {operation}", backup_format="aof", region=pulumi.Output.from_input("cn-north-4")'
    )
    made(guarded, arguments)
    del guarded.stack.environment["HW_REGION_NAME"]
    guarded.declare(arguments, orders=TO_8)
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert remark(endpoint) == "orders: update"
    assert endpoint.backups()[0]["backup_format"] == "aof"


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"status": 403, "body": '{"error_code": "DCS.2003", "error_msg": "no right"}'}, "DCS.2003"),
    ({"status": 400, "body": '{"error_code": "DCS.4086", "error_msg": "single"}'}, "single-node instances have no"),
    ({"status": 200, "body": "{}", "carried_out": False, "times": 4}, "whether a backup was started is not known"),
]


@pytest.mark.row("B1")
@pytest.mark.parametrize(("fault", "text"), REFUSALS, ids=["rights", "single-node", "unreadable"])
def test_without_the_backup_the_change_does_not_happen(
    guarded: Guarded, endpoint: LocalEndpoint, fault: dict[str, Any], text: str
) -> None:
    made(guarded)
    endpoint.plan({**POST, **fault})
    guarded.declare(orders=TO_8)
    outcome = guarded.stack.up()
    assert not outcome.ok
    assert guarded.changes() == []
    assert text in outcome.diagnostics
    assert UNCHANGED in outcome.diagnostics
    assert outcome.diagnostics.count("error:") == 1
    assert "Traceback" not in outcome.diagnostics


@pytest.mark.row("B1")
def test_a_failed_backup_leaves_no_record_and_no_change(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded)
    endpoint.behave(failure="dcs.08.0002")
    guarded.declare(orders=TO_8)
    outcome = guarded.stack.up()
    assert not outcome.ok
    assert guarded.changes() == []
    assert f"The backup of instance {HA} failed at the service." in outcome.diagnostics
    assert "its record was removed" in outcome.diagnostics
    assert UNCHANGED in outcome.diagnostics
    assert endpoint.backups() == []


@pytest.mark.row("B1")
def test_without_a_connection_nothing_is_changed(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded, '"update", timeout=datetime.timedelta(seconds=5)')
    guarded.declare('"update", timeout=datetime.timedelta(seconds=5)', orders=TO_8)
    with port_that_refuses() as port:
        guarded.stack.environment["DCS_ENDPOINT"] = f"http://127.0.0.1:{port}"
        outcome = guarded.stack.up()
    assert not outcome.ok
    assert guarded.changes() == []
    assert "No connection to DCS" in outcome.diagnostics
    assert UNCHANGED in outcome.diagnostics


@pytest.mark.row("B1")
def test_without_credentials_nothing_is_changed(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded)
    del guarded.stack.environment["HUAWEICLOUD_SDK_AK"]
    del guarded.stack.environment["HUAWEICLOUD_SDK_SK"]
    guarded.declare(orders=TO_8)
    outcome = guarded.stack.up()
    assert not outcome.ok
    assert guarded.changes() == []
    assert "No credentials for DCS." in outcome.diagnostics
    assert UNCHANGED in outcome.diagnostics
    preview = guarded.stack.preview()
    assert preview.ok, preview.text
    assert "Takes a backup of instance orders before this update" in preview.diagnostics
    assert "could not be checked: there are no credentials at hand" in preview.diagnostics


@pytest.mark.row("B1")
def test_a_timeout_names_the_backup_that_goes_on(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    arguments = '"update", timeout=datetime.timedelta(seconds=3)'
    made(guarded, arguments)
    endpoint.behave(duration=600.0)
    guarded.declare(arguments, orders=TO_8)
    outcome = guarded.stack.up()
    assert not outcome.ok
    (backup,) = endpoint.backup_ids()
    assert f"After 3 s, backup {backup} of instance {HA} is not finished." in outcome.diagnostics
    assert f"backup {backup} goes on at the service" in outcome.diagnostics
    assert guarded.changes() == []
    endpoint.change_backup(backup, duration=0.0)
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert guarded.changes() == [f"update {HA}"]
    assert endpoint.backup_ids() == {backup}


@pytest.mark.row("B2")
@pytest.mark.parametrize("carried_out", [True, False])
def test_a_lost_response_makes_exactly_one(guarded: Guarded, endpoint: LocalEndpoint, *, carried_out: bool) -> None:
    made(guarded)
    endpoint.plan({**POST, "drop": True, "carried_out": carried_out})
    guarded.declare(orders=TO_8)
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert len(endpoint.backups()) == 1
    assert endpoint.count("create_backup") == (1 if carried_out else 2)
    assert guarded.changes() == [f"update {HA}"]


def test_several_at_once_share_lists_and_each_gets_its_own(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    ids = [endpoint.add_instance(cache_mode="ha") for _ in range(12)]
    made(guarded, **{f"i{number}": {"which": which, "capacity": 4} for number, which in enumerate(ids)})
    endpoint.behave(duration=2.0)
    guarded.declare(**{f"i{number}": {"which": which, "capacity": 8} for number, which in enumerate(ids)})
    outcome = guarded.stack.up("--parallel", "12")
    assert outcome.ok, outcome.text
    assert sorted(row["instance_id"] for row in endpoint.backups()) == sorted(ids)
    assert endpoint.count("create_backup") == 12
    assert sorted(guarded.changes()) == sorted(f"update {which}" for which in ids)
    # All were running before the first had ended.
    operations = [row["operation"] for row in endpoint.requests()]
    last_post = max(number for number, name in enumerate(operations) if name == "create_backup")
    assert endpoint.requests()[last_post]["at"] - endpoint.requests()[0]["at"] < 2.0
    assert endpoint.count("list_backups") <= 12 * 6


ONLY_SIZE = '"update", only_if_changed=["capacity", "engine_version"]'


@pytest.mark.parametrize(
    ("before", "after", "backups"),
    [
        ({"capacity": 4}, {"capacity": 8}, 1),
        ({"engineVersion": "5.0"}, {"engineVersion": "6.0"}, 1),
        ({}, {"engine_version": "6.0"}, 1),
        ({"description": "one"}, {"description": "two"}, 0),
    ],
    ids=["listed", "camel-case", "added", "other"],
)
def test_only_the_named_properties_count(
    guarded: Guarded, endpoint: LocalEndpoint, before: dict[str, Any], after: dict[str, Any], backups: int
) -> None:
    made(guarded, ONLY_SIZE, orders={"which": HA, "capacity": 4, **before})
    guarded.declare(ONLY_SIZE, orders={"which": HA, "capacity": 4, **before, **after})
    preview = guarded.stack.preview()
    assert ("Takes a backup of instance orders" in preview.text) == bool(backups)
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert guarded.changes() == [f"update {HA}"]
    assert endpoint.count("create_backup") == backups


def test_a_name_that_the_instance_has_not_is_warned_of(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    arguments = '"update", only_if_changed=["capacity", "descriptions"]'
    made(guarded, arguments, orders={**ORDERS, "description": "one"})
    guarded.declare(arguments, orders={**ORDERS, "description": "two"})
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert "warning: only_if_changed names descriptions, which orders does not have" in outcome.diagnostics
    assert "Did you mean description?" in outcome.diagnostics
    guarded.declare('"update", only_if_changed=["descriptions"]', orders=ORDERS)
    outcome = guarded.stack.up()
    assert not outcome.ok
    assert "it would never be backed up" in outcome.diagnostics
    assert "did you mean description?" in outcome.diagnostics
    assert guarded.changes() == [f"update {HA}"]


@pytest.mark.row("B2")
def test_the_same_change_takes_no_second_backup_within_the_hour(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded)
    (guarded.stack.folder / "refuse").write_text("")
    guarded.declare(orders=TO_8)
    assert not guarded.stack.up().ok
    (backup,) = endpoint.backup_ids()
    uses = f"Uses backup {backup}, which an earlier run took before this update of orders"
    preview = guarded.stack.preview()
    assert uses in preview.diagnostics
    assert "Takes a backup" not in preview.text
    outcome = guarded.stack.up()
    assert uses in outcome.diagnostics
    guarded.declare('"update", reuse_within=datetime.timedelta(0)', orders=TO_8)
    assert not guarded.stack.up().ok
    assert endpoint.count("create_backup") == 2
    (guarded.stack.folder / "refuse").unlink()
    guarded.declare(orders=TO_16)
    assert guarded.stack.up().ok
    assert endpoint.count("create_backup") == 3


@pytest.mark.row("B3")
def test_a_change_that_was_undone_takes_a_new_backup_when_it_is_made_again(
    guarded: Guarded, endpoint: LocalEndpoint
) -> None:
    made(guarded)
    for count, properties in enumerate((TO_8, ORDERS, TO_8), 1):
        # The service's times have whole seconds in places.
        time.sleep(1.1)
        guarded.declare(orders=properties)
        outcome = guarded.stack.up()
        assert outcome.ok, outcome.text
        assert endpoint.count("create_backup") == count


def test_a_secret_change_is_backed_up_and_leaves_no_trace(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded, orders={**ORDERS, "password": Code('pulumi.Output.secret("hunter1")')})
    guarded.declare(
        '"update", only_if_changed=["password"]',
        orders={**ORDERS, "password": Code('pulumi.Output.secret("hunter2")')},
    )
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert len(endpoint.backups()) == 1
    assert "hunter" not in outcome.text


@pytest.mark.parametrize(
    "told",
    [
        '"cluster_id"',
        'lambda args: args.new_inputs["clusterId"]',
        'lambda args: pulumi.Output.from_input(args.old_outputs["clusterId"])',
    ],
)
def test_the_id_may_be_elsewhere(guarded: Guarded, endpoint: LocalEndpoint, told: str) -> None:
    made(guarded, orders={"which": HA, "clusterId": CLUSTER})
    guarded.declare(f'"update", instance_id={told}', orders={"which": HA, "clusterId": CLUSTER, "size": 1})
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert [row["instance_id"] for row in endpoint.backups()] == [CLUSTER]


@pytest.mark.row("B1")
@pytest.mark.parametrize(
    ("told", "text"),
    [
        ('"cluster"', "instance_id of backup_before names the property 'cluster', which orders does not have"),
        ("lambda args: args.nothing", "The function that instance_id of backup_before was given raised AttributeError"),
        ('lambda args: "no id!"', "what instance_id tells is not the id of an instance"),
        ("lambda args: None", "what instance_id tells is not the id of an instance"),
    ],
)
def test_an_id_that_cannot_be_told_stops_the_change(
    guarded: Guarded, endpoint: LocalEndpoint, told: str, text: str
) -> None:
    made(guarded)
    guarded.declare(f'"update", instance_id={told}', orders=TO_8)
    outcome = guarded.stack.up()
    assert not outcome.ok
    assert text in outcome.diagnostics
    assert guarded.changes() == []
    assert endpoint.requests() == []


def test_an_id_that_is_none_fails_the_preview(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded)
    guarded.declare('"update", instance_id=lambda args: "no id!"', orders=TO_8)
    outcome = guarded.stack.preview()
    assert not outcome.ok
    assert "what instance_id tells is not the id of an instance" in outcome.diagnostics


def test_an_id_that_waits_for_the_resource_itself_is_refused(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded)
    arguments = '"update", instance_id=lambda args: orders.id, timeout=datetime.timedelta(seconds=2)'
    guarded.declare(arguments, orders=TO_8)
    outcome = guarded.stack.up()
    assert not outcome.ok
    assert "instance_id of backup_before did not get a value in time" in outcome.diagnostics
    assert UNCHANGED in outcome.diagnostics
    assert "Traceback" not in outcome.text
    assert guarded.changes() == []


def test_no_message_shows_an_id_that_is_a_secret(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    arguments = '"update", instance_id="clusterId"'
    instance = {"which": HA, "clusterId": Code(f'pulumi.Output.secret("{CLUSTER}")')}
    made(guarded, arguments, orders=instance)
    guarded.declare(arguments, orders={**instance, "size": 1})
    endpoint.plan({**POST, **REFUSALS[0][0]})
    outcome = guarded.stack.up()
    assert not outcome.ok
    assert "DCS.2003" in outcome.diagnostics
    assert CLUSTER not in outcome.text
    assert "[secret]" in outcome.diagnostics


def test_bindings_can_be_merged_and_calls_repeated(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    before = """
others = [backup_before("update"), backup_before("update", remark="other"), backup_before("delete", save_to="a")]
later = [backup_before("update", instance_id=lambda args: args.id) for _ in range(3)]
"""
    guarded.declare('"update"', before, orders=ORDERS)
    assert guarded.stack.up().ok
    guarded.declare('"update"', before, orders=TO_8)
    text = (guarded.stack.folder / "__main__.py").read_text()
    merged = "hooks=pulumi.ResourceHookBinding.merge(pulumi.ResourceHookBinding.merge(guard, later[0]), others[0])"
    guarded.stack.write(text.replace("hooks=guard", merged))
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == 1


def test_a_preview_says_what_will_be_done_and_does_nothing(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded)
    endpoint.add_backup(HA)
    guarded.declare(orders=TO_8)
    outcome = guarded.stack.preview()
    assert outcome.ok, outcome.text
    assert "Takes a backup of instance orders before this update (master/standby, Redis" in outcome.diagnostics
    assert "; the last one took " in outcome.diagnostics
    assert {row["operation"] for row in endpoint.requests()} == {"show_instance", "list_backups"}


@pytest.mark.parametrize(
    ("which", "text"),
    [(SINGLE, "it is a single-node instance, which has no backups"), (MISSING, "there is no such instance")],
)
def test_a_preview_fails_where_the_backup_would(
    guarded: Guarded, endpoint: LocalEndpoint, which: str, text: str
) -> None:
    made(guarded, orders={**ORDERS, "which": which})
    guarded.declare(orders={**TO_8, "which": which})
    outcome = guarded.stack.preview()
    assert not outcome.ok
    assert f"Instance {which} can't be backed up: {text}" in outcome.diagnostics
    assert outcome.diagnostics.count("error:") == 1


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"task": "BACKUPING"}, "it is busy now (BACKUPING), and the run waits until it is not"),
        ({"status": "FROZEN"}, f"warning: Instance {HA} is FROZEN: no backup can be taken until it is RUNNING again"),
    ],
    ids=["busy", "frozen"],
)
def test_a_preview_tells_that_the_instance_is_not_ready(
    guarded: Guarded, endpoint: LocalEndpoint, changes: dict[str, Any], text: str
) -> None:
    made(guarded)
    endpoint.change_instance(HA, **changes)
    guarded.declare(orders=TO_8)
    outcome = guarded.stack.preview()
    assert outcome.ok, outcome.text
    assert text in outcome.diagnostics


def test_a_preview_warns_once_where_the_service_is_out_of_reach(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded, orders=ORDERS, carts={**ORDERS, "which": CLUSTER})
    guarded.declare(orders=TO_8, carts={**TO_8, "which": CLUSTER})
    with port_that_refuses() as port:
        guarded.stack.environment["DCS_ENDPOINT"] = f"http://127.0.0.1:{port}"
        outcome = guarded.stack.preview()
    assert outcome.ok, outcome.text
    assert outcome.diagnostics.count("could not be checked for this preview") == 1
    assert "Takes a backup of instance orders before this update." in outcome.diagnostics
    assert "Takes a backup of instance carts before this update." in outcome.diagnostics


def test_a_preview_says_that_a_value_is_not_known_yet(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded, ONLY_SIZE)
    guarded.declare(ONLY_SIZE, orders={**ORDERS, "capacity": Code("other.id.apply(len)")})
    text = (guarded.stack.folder / "__main__.py").read_text()
    guarded.stack.write(text.replace("orders = ", f'other = Instance("other", which="{CLUSTER}")\norders = '))
    outcome = guarded.stack.preview()
    assert outcome.ok, outcome.text
    assert (
        "Takes a backup of instance orders before this update if capacity changes, which is not known yet"
        in outcome.diagnostics
    )


def test_a_preview_waits_for_no_region_that_is_not_known_yet(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded)
    other = f'other = Instance("other", which="{CLUSTER}")'
    guarded.declare('"update", region=other.id', other, orders=TO_8)
    outcome = guarded.stack.preview()
    assert outcome.ok, outcome.text
    assert "Takes a backup of instance orders before this update; its region or project is not known" in outcome.text
    assert endpoint.requests() == []


def test_a_preview_goes_on_where_the_project_cannot_be_looked_up(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    made(guarded)
    guarded.declare(orders=TO_8)
    del guarded.stack.environment["HUAWEICLOUD_SDK_PROJECT_ID"]
    with port_that_refuses() as port:
        guarded.stack.environment["HUAWEICLOUD_SDK_IAM_ENDPOINT"] = f"http://127.0.0.1:{port}"
        outcome = guarded.stack.preview()
    assert outcome.ok, outcome.text
    assert outcome.diagnostics.count("The project id could not be looked up for this preview.") == 1
    assert "Takes a backup of instance orders before this update." in outcome.diagnostics


def test_two_hooks_for_one_change_share_the_backup_and_each_does_its_own(
    guarded: Guarded, endpoint: LocalEndpoint
) -> None:
    never = "reuse_within=datetime.timedelta(0)"
    saving = f'saving = backup_before("update", save_to="saved", {never})'
    made(guarded)
    guarded.declare(f'"update", {never}', saving, orders=TO_8)
    text = (guarded.stack.folder / "__main__.py").read_text()
    guarded.stack.write(text.replace("hooks=guard", "hooks=pulumi.ResourceHookBinding.merge(guard, saving)"))
    outcome = guarded.stack.up()
    assert outcome.ok, outcome.text
    assert endpoint.count("create_backup") == 1
    assert len(list((guarded.stack.folder / "saved").glob("orders-*/*.rdb"))) == 1


def test_the_oldest_backup_that_the_stack_holds_is_not_pushed_out(guarded: Guarded, endpoint: LocalEndpoint) -> None:
    held = f'from pulumi_dcs import InstanceBackup\nInstanceBackup("held", instance_id="{HA}")'
    guarded.declare('"update"', held, orders=ORDERS)
    assert guarded.stack.up().ok
    for _ in range(23):
        endpoint.add_backup(HA)
    guarded.declare('"update"', held, orders=TO_8)
    outcome = guarded.stack.up()
    assert not outcome.ok
    assert "the service would push out the oldest" in outcome.diagnostics
    assert "which 'held' holds" in outcome.diagnostics
    assert guarded.changes() == []
    assert endpoint.count("create_backup") == 1

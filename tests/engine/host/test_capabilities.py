"""Where a private name is missing, the stock behaviour is left and everything still works."""

from __future__ import annotations

import pytest
from pulumi_dcs.engine.host import Capability

from .toy import ToyStack

HANDLERS = {Capability.DETAILED_DIFF, Capability.CANCELLATION, Capability.WORKERS}
SEEN = {Capability.REQUESTS}
LACKING = {
    "stock_host.served_request = lambda: None": SEEN,
    "stock_host.served_request = lambda: {}['gone']": SEEN,
    "del stock_host.method_tables": HANDLERS,
    "del stock_host.serve_on": {Capability.WORKERS},
    "stock_host.move_queued = lambda *args: None": set(),
    "stock_host.engine_address = lambda: ''": {Capability.MESSAGES, Capability.ENGINE_WATCH},
    "del stock_host.served_request, stock_host.method_tables; stock_host.engine_address = lambda: ''": set(Capability),
    "del stock_host._server; del stock_host.known_provider": HANDLERS,
}


def take_away(stack: ToyStack, patch: str) -> None:
    """Let the host's process find less than there is."""
    (stack.folder / "sitecustomize.py").write_text(
        "import sys\nif 'pulumi.dynamic' in ' '.join(sys.orig_argv):\n"
        f"    from pulumi_dcs.engine import stock_host\n    {patch}\n"
    )
    stack.environment["PYTHONPATH"] = str(stack.folder)


@pytest.mark.parametrize("patch", sorted(LACKING))
def test_without_a_private_name_the_stock_behaviour_is_left(stack: ToyStack, patch: str) -> None:
    take_away(stack, patch)
    program = "Toy('a', value='one', nested={'n': 1})\nAlso('b', value='x')\nTheirs('c', seconds=0)\n"
    stack.program(program)
    assert stack.preview().ok
    outcome = stack.up()
    assert outcome.ok, outcome.text
    for made in stack.notes("made"):
        assert {Capability[name] for name in made["capabilities"]} == set(Capability) - LACKING[patch]
    assert stack.up("--expect-no-changes").ok
    assert stack.refresh().ok
    stack.program(program.replace("one", "two").replace("'n': 1", "'n': 2"))
    outcome = stack.preview("--diff")
    assert '~ value     : "one" => "two"' in outcome.text or '~ value : "one" => "two"' in outcome.text
    assert stack.up().ok
    (replaced,) = stack.notes("delete")
    assert replaced["properties"]["nested"] == {"n": 1}
    stack.program(program + "Toy('d', value='fails')")
    outcome = stack.up()
    assert "toy: it failed" in outcome.text
    stack.program("Toy('e', value='bug', token='s3cret')")
    outcome = stack.up()
    assert "ValueError" in outcome.text
    assert "s3cret" not in outcome.text
    assert stack.destroy().ok

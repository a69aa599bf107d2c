"""The provider in the host's process: what it does there once, before anything is asked of it."""

from __future__ import annotations

import subprocess
import sys

CONFIGURE = """\
import gc
from pulumi.dynamic import Config, ConfigureRequest
from pulumi_dcs.provider import InstanceBackupProvider

InstanceBackupProvider().configure(ConfigureRequest(Config({}, "shop")))
print(gc.isenabled(), gc.get_freeze_count() > 10_000)
"""


def test_what_the_host_has_loaded_is_not_looked_through_for_garbage() -> None:
    """A full collection of it holds all requests up for 30 ms; what requests leave behind is still collected."""
    done = subprocess.run([sys.executable, "-c", CONFIGURE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]

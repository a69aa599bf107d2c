"""An instance as messages describe it."""

from __future__ import annotations

from typing import Final

from ..api.instances import CACHE_MODES, Instance

_MB_PER_GB: Final = 1024


def describe(instance: Instance) -> str:
    """An instance in words: ``instance orders (master/standby, Redis 6.0, 1.2 of 4 GB used)``."""
    return f"instance {instance.name or instance.instance_id} ({details(instance)})"


def details(instance: Instance) -> str:
    """What kind of instance it is, how large and how full: ``master/standby, Redis 6.0, 1.2 of 4 GB used``."""
    parts = [
        CACHE_MODES.get(instance.cache_mode, instance.cache_mode),
        instance.engine_in_words,
        _usage(instance),
    ]
    return ", ".join(filter(None, parts))


def _usage(instance: Instance) -> str:
    if instance.capacity_gb is None:
        return ""
    capacity = f"{instance.capacity_gb:g} GB"
    if instance.used_memory_mb is None:
        return capacity
    return f"{instance.used_memory_mb / _MB_PER_GB:.2g} of {capacity} used"

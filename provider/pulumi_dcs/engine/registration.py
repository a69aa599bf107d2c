"""Spares Pulumi's SDK a wait for each output of each backup; with ``host``, the only place with private names."""

from __future__ import annotations

import pulumi


def wait_for_one_output(resource: pulumi.CustomResource) -> None:
    """Have the SDK wait for one of the resource's outputs before the program ends, instead of for each.

    They are all resolved by the same answer of the engine, and whatever is derived from one is waited for by itself.
    At the end of a program the SDK goes through all outputs again whenever one is resolved, so that with 1,000 backups
    of 20 outputs a preview took a quarter more time. Where the SDK has no such name, everything stays as it is.
    """
    # Of the class: an output has every attribute, lifted from its value.
    untrack = getattr(pulumi.Output, "_untrack", None)
    outputs = [value for value in vars(resource).values() if isinstance(value, pulumi.Output)]
    if untrack is not None:
        for output in outputs[1:]:
            untrack(output)

"""A local DCS endpoint, for programs and pipelines to try themselves on: ``python -m pulumi_dcs.emulator``.

It behaves as the DCS API is documented, verifies every signature, and keeps its state in SQLite. A control API
sets how long backups take and which faults happen. Needs the extra ``pulumi-dcs[emulator]``.
"""

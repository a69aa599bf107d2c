"""Pulumi's engine and SDK from inside: the only place with their private names; knows nothing of DCS."""

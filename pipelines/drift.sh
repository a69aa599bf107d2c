#!/usr/bin/env bash
# On a schedule: compare the service with the state. Changes nothing, and fails if they differ.
exec python -m pulumi_dcs.review drift "$@"

#!/usr/bin/env bash
# On a pull or merge request: write the report, enforce the policies, keep the plan. docs/pipelines.md has the settings.
exec python -m pulumi_dcs.review preview "$@"

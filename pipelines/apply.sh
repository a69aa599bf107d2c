#!/usr/bin/env bash
# On the main branch: do what the reviewed plan says, and nothing else. Ends with 3 if there is no plan, or if it is stale.
exec python -m pulumi_dcs.review apply "$@"

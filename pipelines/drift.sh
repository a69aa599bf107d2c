#!/usr/bin/env bash
# On a schedule: compare the service with the state. Changes nothing, and fails if they differ.
set -euo pipefail
. "$(dirname "$0")/common.sh"

output=$(mktemp)
status=0
run_to "$output" pulumi refresh "${options[@]}" --preview-only --diff --expect-no-changes || status=$?
report "$([ "$status" -eq 0 ] && echo "No drift in" || echo "Drift in") \`$STACK\`" "$output"
exit "$status"

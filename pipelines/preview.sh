#!/usr/bin/env bash
# On a pull or merge request: show what would happen, enforce the policies, keep the plan and the text for the comment.
set -euo pipefail
. "$(dirname "$0")/common.sh"

output=$(mktemp)
status=0
run_to "$output" pulumi preview "${options[@]}" --diff --save-plan "$PLAN" "${policies[@]}" || status=$?
if [ "$status" -eq 0 ]; then
    report "What merging this does to \`$STACK\`" "$output"
else
    rm -f "$PLAN"
    report "Merging this would fail on \`$STACK\`" "$output"
fi
exit "$status"

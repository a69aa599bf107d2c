#!/usr/bin/env bash
# On the main branch: do what the reviewed plan says, and nothing else.
# Ends with 3 when the plan is stale: the stack or the program is no longer what was reviewed.
set -euo pipefail
. "$(dirname "$0")/common.sh"

output=$(mktemp)
if [ ! -f "$PLAN" ]; then
    if [ "${WITHOUT_PLAN-refuse}" != preview ]; then
        echo "There is no reviewed plan at $PLAN, so nothing is done. Have it handed over, or set WITHOUT_PLAN=preview:" >&2
        echo "then a new preview is made here, and what it shows is applied." >&2
        exit 3
    fi
    echo "There is no reviewed plan; making a new preview, which this run is held to."
    run_to "$output" pulumi preview "${options[@]}" --diff --save-plan "$PLAN" "${policies[@]}"
fi

status=0
run_to "$output" pulumi up "${options[@]}" --yes --skip-preview --plan "$PLAN" "${policies[@]}" || status=$?
rm -f "$PLAN"
report "What was done to \`$STACK\`" "$output"
if [ "$status" -ne 0 ] && grep -q 'violates plan' "$output"; then
    echo "The plan is stale: the stack or the program is no longer what was reviewed. Open a new pull request, or run the" >&2
    echo "preview of this one again, have it reviewed, and apply that. Nothing beyond the plan was done." >&2
    exit 3
fi
exit "$status"

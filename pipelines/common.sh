# What the steps share. All settings come from the environment:
#   STACK           the stack, such as organisation/shop/prod
#   PLAN            where the plan is kept                     (default: plan/plan.json)
#   POLICY_PACK     the policy pack's executable               (default: policy/run; empty for none)
#   POLICY_CONFIG   its configuration file                     (default: none)
#   REPORT          where the text for reviewers is written    (default: report.md)
: "${STACK:?set STACK to the name of the stack}"
PLAN=${PLAN-plan/plan.json}
POLICY_PACK=${POLICY_PACK-policy/run}
REPORT=${REPORT-report.md}
mkdir -p "$(dirname "$PLAN")"

options=(--stack "$STACK" --non-interactive --color never)
policies=()
if [ -n "$POLICY_PACK" ]; then policies+=(--policy-pack "$POLICY_PACK"); fi
if [ -n "${POLICY_CONFIG-}" ]; then policies+=(--policy-pack-config "$POLICY_CONFIG"); fi

# Run a command and write its output to a file as well. If the job is cancelled, the command gets exactly one signal,
# whether the runner signals this process or its whole group. What is under way then stays in the state; a second signal
# would kill the command.
run_to() {
    local output=$1 status=0 told=""
    shift
    set -m # a process group of its own
    "$@" > >(trap '' INT TERM && exec tee "$output") 2>&1 &
    local command=$!
    set +m
    trap 'if [ -z "$told" ]; then told=yes; kill -TERM "$command"; fi' INT TERM
    while true; do
        status=0
        wait "$command" || status=$?
        kill -0 "$command" 2> /dev/null || break
    done
    trap - INT TERM
    if [ -n "$told" ] && [ "$status" -eq 0 ]; then status=143; fi
    return "$status"
}

# Write the report: a headline and the command's output, short enough for a comment.
report() {
    {
        echo "### $1"
        echo
        echo '```diff'
        # A line of a diff must start with its sign to be coloured.
        sed -E '/--outputs:--/b; s/^( +)(\+-|[-+~])/\2\1/; s/^~/!/' "$2" | head -c 60000
        echo '```'
    } > "$REPORT"
    if [ -n "${GITHUB_STEP_SUMMARY-}" ]; then cat "$REPORT" >> "$GITHUB_STEP_SUMMARY"; fi
}

#!/usr/bin/env bash
# In every job: install the packages whose hashes requirements.txt holds, then pulumi-dcs.
set -euo pipefail
cd "$(dirname "$0")"

if ! grep -Eq '^[^#].*(@[0-9a-f]{40}|--hash=sha256:[0-9a-f]{64})$' pulumi-dcs.txt; then
    echo "pipelines/pulumi-dcs.txt names no full commit and no hash, so nothing is installed. Put the id of the commit of" >&2
    echo "pulumi-dcs that you reviewed in the place of what follows the last @, all 40 characters." >&2
    exit 2
fi
# Wheels only: to build a package, pip would fetch and run tools that no hash covers.
python -m pip install --require-hashes --only-binary :all: -r requirements.txt
# pip has no hashes for git repositories, so pulumi-dcs comes second. It is built with the setuptools just installed.
python -m pip install --no-deps --no-build-isolation -r pulumi-dcs.txt

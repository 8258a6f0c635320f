#!/usr/bin/env bash
# Thrashes, judges and fuzzes the program, and writes what came of it into a page; `scripts/reliability.sh --help` tells the options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The picture's library is the benchmark's, and is installed where that would have it.
scripts/setup-tools.sh >&2
list=scripts/bench/requirements.txt
installed=.tools/venv/bench-requirements.txt
if ! { [[ -f $installed ]] && cmp -s "$list" "$installed"; }; then
  .tools/venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$list"
  cp "$list" "$installed"
fi
PYTHONPATH=scripts exec .tools/venv/bin/python -B -m reliability "$@"

#!/usr/bin/env bash
# Thrashes, judges and fuzzes the program, and writes what came of it into a page; `scripts/reliability.sh --help` tells the options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for option in "$@"; do
  case $option in
    -h | --help) exec python3 -B scripts/reliability --help ;;
    *) ;;
  esac
done

# The picture's library is the benchmark's, and is installed where that would have it.
scripts/setup-tools.sh >&2
list=scripts/bench/requirements.txt
installed=.tools/venv/bench-requirements.txt
if ! { [[ -f $installed ]] && cmp -s "$list" "$installed"; }; then
  .tools/venv/bin/pip install --quiet --disable-pip-version-check --requirement "$list"
  cp "$list" "$installed"
fi
exec .tools/venv/bin/python -B scripts/reliability "$@"

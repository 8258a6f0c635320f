#!/usr/bin/env bash
# Installs the action runner and the linters of scripts/tools.txt into .tools/venv; quick when they are there already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.tools/venv
list=scripts/tools.txt
installed=$venv/tools.txt # the list as it was installed; written last, so that a broken venv is never taken for a whole one

if [[ -f $installed ]] && cmp -s "$list" "$installed"; then exit 0; fi

if ! type -P python3 >/dev/null; then
  echo 'error: python3 is missing; the action runner and the linters are installed with it' >&2
  exit 1
fi
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
  echo "error: $(python3 --version) has no venv or ensurepip; on Debian and Ubuntu: apt-get install python3-venv" >&2
  exit 1
fi
rm -rf "$venv"
hash -r # the python3 that was found may have been its own
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$list"
cp "$list" "$installed"
echo "installed the tools of $list into $venv"

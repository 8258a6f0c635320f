#!/usr/bin/env bash
# Runs tests/page: the page of `report` in a headless Chromium, which root installs where it is missing.
# Usage: page.sh [--pictures | ARGUMENT OF THE TEST PROGRAM...]; --pictures makes the pictures of it in docs/pictures instead.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! { type -P chromium || type -P google-chrome; } >/dev/null; then
  if [[ $(id -u) != 0 ]] || ! type -P apt-get >/dev/null; then
    echo 'error: chromium is missing; on Debian: apt-get install chromium' >&2
    exit 1
  fi
  apt-get update -qq
  apt-get install --yes -qq --no-install-recommends chromium
fi
scripts/setup-tools.sh

arguments=("$@")
if [[ ${1:-} == --pictures ]]; then
  arguments=(--ignored pictures)
  # It draws the charts of step summaries, as GitHub does.
  npm install --prefix .tools/mermaid --no-save --no-audit --no-fund --ignore-scripts --loglevel=error mermaid@12.3.0
fi
exec cargo test --locked --test page -- "${arguments[@]}"

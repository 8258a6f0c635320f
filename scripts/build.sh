#!/usr/bin/env bash
# Builds the program with cargo, as nobody's settings would have it, into FILE.
# Usage: build.sh FILE
set -euo pipefail

file=$1
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/unset-settings.sh
. scripts/unset-settings.sh
unset INSTALL_TOKEN RUNNER_CACHE_INPUTS
work=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/runner-cache-build.XXXXXX")
trap 'rm -rf "$work"' EXIT
# From the project's directory, since cargo and rustup read settings from the current one and its parents; and with a named
# target, so that the binary is in one place whatever the host's settings say.
host=$(rustc -vV | awk '/^host: / { print $2 }')
cargo build --release --locked --target "$host" --target-dir "$work"
mv "$work/$host/release/runner-cache" "$file"
chmod 755 "$file"

#!/usr/bin/env bash
# Runs the tests that have cargo build something with later cargos, in both layouts of target directories, and fails on any
# that does not pass; its table is in docs/reliability.md. Takes long, and is not in CI. The project itself is built as always.
# Usage: cargo-versions.sh [--suites SUITE...]
# The judge goes by JUDGE_SECONDS and JUDGE_SEEDS, as always.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Cargo as a crate: the release, the crate's version, and the toolchain that builds it, unless it is the usual one.
cargos=('1.97 0.98.0' '1.99 0.100.0 nightly')

directories=()
for cargo in "${cargos[@]}"; do
  read -r release crate toolchain <<<"$cargo"
  directory=.tools/cargo-$release
  directories+=("$directory")
  if "$directory/bin/cargo" --version 2>/dev/null | grep -q "^cargo $release\."; then continue; fi
  if [[ -n $toolchain ]] && ! rustup run "$toolchain" rustc --version >/dev/null 2>&1; then
    rustup toolchain install "$toolchain" --profile minimal
  fi
  echo "installing cargo $release into $directory" >&2
  cargo ${toolchain:+"+$toolchain"} install cargo --version "$crate" --locked --force --quiet --root "$directory"
done
exec scripts/reliability.sh --cargos "${directories[@]}" "$@"

#!/usr/bin/env bash
# Prints the path of a runner-cache binary of this version, from the first of: RUNNER_CACHE_BIN, PATH, the tool cache,
# a build by cargo into the tool cache. If there is none, prints why and exits with 1. All else goes to stderr.
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
version=$(awk -F'"' '/^version = / { print $2; exit }' "$project/Cargo.toml")

found() {
  printf '%s\n' "$1"
  exit 0
}
give_up() {
  printf '%s\n' "$1"
  exit 1
}
runs() { "$1" --version >/dev/null; }

if [[ -n ${RUNNER_CACHE_BIN:-} ]]; then
  # Somebody's explicit wish: taken whatever its version is, and never replaced by another in silence.
  runs "$RUNNER_CACHE_BIN" || give_up "RUNNER_CACHE_BIN is $RUNNER_CACHE_BIN, which does not run."
  found "$RUNNER_CACHE_BIN"
fi

if on_path=$(type -P runner-cache); then
  said=$("$on_path" --version 2>&1) || said="exit code $?"
  [[ $said == "runner-cache $version" ]] && found "$on_path"
  printf '%s is not used: it is "%s", this action is %s.\n' "$on_path" "$said" "$version" >&2
fi

# The layout of actions/tool-cache: TOOL/VERSION/ARCH/ and, once that is whole, TOOL/VERSION/ARCH.complete.
tools=${RUNNER_TOOL_CACHE:-${XDG_CACHE_HOME:-${HOME:?is needed to find a place for the binary}/.cache}/runner-tools}
case $(uname -m) in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
  *) give_up "$(uname -m) is not supported, only x86_64 and aarch64." ;;
esac
home=$tools/runner-cache/$version/$arch
[[ -f $home.complete ]] && runs "$home/runner-cache" && found "$home/runner-cache"

type -P cargo >/dev/null ||
  give_up "there is no runner-cache $version here and no cargo to build it with. Put the binary on PATH or name it in RUNNER_CACHE_BIN."
mkdir -p "$home" || give_up "the tool cache $tools is not writable."

# A job's settings are for its own build, not for ours.
while IFS= read -r name; do
  case $name in
    RUSTFLAGS | RUSTC | RUSTC_* | RUSTUP_TOOLCHAIN | CARGO_ENCODED_RUSTFLAGS | CARGO_INCREMENTAL) unset "$name" ;;
    CARGO_BUILD_* | CARGO_PROFILE_* | CARGO_TARGET_* | CARGO_UNSTABLE_*) unset "$name" ;;
    *) ;;
  esac
done < <(compgen -e)

work=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/runner-cache-build.XXXXXX")
trap 'rm -rf "$work"' EXIT
printf 'building runner-cache %s with cargo, once for this host\n' "$version" >&2
# From the project's folder, since cargo and rustup read settings from the current one and its parents; and with a named
# target, so that the binary is in one place whatever the host's settings say.
cd "$project"
host=$(rustc -vV | awk '/^host: / { print $2 }')
cargo build --release --locked --target "$host" --target-dir "$work" >&2 ||
  give_up "cargo could not build runner-cache $version (its messages are above). Put a binary on PATH or name it in RUNNER_CACHE_BIN."

# Jobs may build at the same time: each moves a whole binary over the last one's, and nobody sees a part of one.
mv "$work/$host/release/runner-cache" "$home/.runner-cache.$$"
mv -f "$home/.runner-cache.$$" "$home/runner-cache"
: >"$home.complete"
found "$home/runner-cache"

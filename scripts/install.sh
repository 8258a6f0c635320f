#!/usr/bin/env bash
# Prints the path of a runner-cache binary; if there is none, prints why and exits with 1. All else goes to stderr.
# Sources, best first: RUNNER_CACHE_BIN of the host; what has the hash of dist/release.json in the tool cache, RUNNER_TEMP, dist/
# or PATH, or after a download; a build by cargo.
# Usage: install.sh [PID_OF_THE_RUNNER]; INSTALL_URL and INSTALL_TOKEN are the inputs download-url and download-token.
set -euo pipefail

project=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd -P)
say() { printf '%s\n' "$*" >&2; }
found() { printf '%s\n' "$1" && exit 0; }
give_up() { printf '%s\n' "$1" && exit 1; }
runs() { "$1" --version >/dev/null; }

if [[ -n ${RUNNER_CACHE_BIN:-} ]]; then
  # A workflow sets variables of its steps, but not of the process that starts them.
  of_host=
  if [[ -r /proc/${1:-$PPID}/environ ]]; then
    while IFS= read -r -d '' pair; do
      if [[ $pair == "RUNNER_CACHE_BIN=$RUNNER_CACHE_BIN" ]]; then of_host=1; fi
    done <"/proc/${1:-$PPID}/environ"
  fi
  if [[ -n $of_host ]]; then
    [[ $RUNNER_CACHE_BIN == /* ]] || give_up "RUNNER_CACHE_BIN is not an absolute path: $RUNNER_CACHE_BIN"
    # Used whatever its version, and never replaced in silence.
    runs "$RUNNER_CACHE_BIN" || give_up "RUNNER_CACHE_BIN does not run: $RUNNER_CACHE_BIN"
    found "$RUNNER_CACHE_BIN"
  fi
  say "ignoring RUNNER_CACHE_BIN: set by the workflow, not the host; hint: set it in the runner's .env file"
fi

platform=$(uname -sm)
case $platform in
  'Linux x86_64') machine=x86_64 arch=x64 ;;
  'Linux aarch64') machine=aarch64 arch=arm64 ;;
  *) give_up "unsupported platform $platform; supported: Linux on x86_64 and aarch64" ;;
esac
if type -P sha256sum >/dev/null; then
  hasher=(sha256sum)
elif type -P shasum >/dev/null; then
  hasher=(shasum -a 256)
elif type -P openssl >/dev/null; then
  hasher=(openssl dgst -sha256 -r)
else
  give_up 'no sha256sum, shasum or openssl to verify a binary with; hint: install coreutils'
fi
# Sets `hash` to that of stdin. Without a subshell more than it needs: a warm start is to take no time that is noticed.
sha256() {
  hash=$("${hasher[@]}")
  hash=${hash%% *}
}

# Ends with what cargo built and left in a directory, if it is whole.
kept_build() { # DIRECTORY
  if [[ -f $1/runner-cache && -r $1/runner-cache && -r $1/sha256 ]]; then
    sha256 <"$1/runner-cache"
    if [[ $hash == "$(<"$1/sha256")" ]]; then runs "$1/runner-cache" && found "$1/runner-cache"; fi
  fi
}

# Sets `home` to the first place that can be written: DIRECTORY/runner-cache/VERSION/ARCH, as in actions/tool-cache.
choose_home() { # VERSION DIRECTORY...
  local directory
  for directory in "${@:2}"; do
    home=$directory/runner-cache/$1/$arch
    if mkdir -p "$home" 2>/dev/null && [[ -w $home ]]; then return; fi
  done
  give_up "cannot write the binary to any of ${*:2}; hint: set RUNNER_TOOL_CACHE"
}
tools=${RUNNER_TOOL_CACHE:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/runner-tools}
temp=${RUNNER_TEMP:-${TMPDIR:-/tmp}} work=
trap 'if [[ -n $work ]]; then rm -rf "$work"; fi' EXIT
# A release: its bytes are run and no others, wherever they are from. That is against what earlier jobs left there; a process of
# the same user at the same moment could as well change the job itself.
release=$project/dist/release.json
if [[ -f $release ]]; then
  read -r -d '' text <"$release" || [[ -n $text ]] || give_up "$release is empty"
  entry="\"$machine-linux\": "'\{ "file": "([A-Za-z0-9._-]+)", "size": ([0-9]+), "sha256": "([0-9a-f]{64})", "binary_sha256": "([0-9a-f]{64})"'
  [[ $text =~ \"version\":\ \"([0-9A-Za-z.+-]+)\" ]] || give_up "$release has no version"
  version=${BASH_REMATCH[1]}
  [[ $text =~ \"url\":\ \"([^\"]+)\" ]] || give_up "$release has no URL"
  url=${INSTALL_URL:-${BASH_REMATCH[1]}}
  [[ $text =~ $entry ]] || give_up "runner-cache $version has no release for $machine"
  file=${BASH_REMATCH[1]} size=${BASH_REMATCH[2]} expected=${BASH_REMATCH[3]} binary=${BASH_REMATCH[4]}
  url=${url//'{version}'/$version}
  url=${url//'{file}'/$file}
  shown=${url%%\?*} shown=${shown/\/\/*@/\/\/} # without a signature or a password

  kept=runner-cache/$version/$arch/runner-cache
  for place in "$tools/$kept" "$temp/$kept" "$project/dist/${file%.gz}" PATH; do
    if [[ $place == PATH ]]; then place=$(type -P runner-cache) || continue; fi
    [[ -f $place && -r $place && -x $place ]] || continue
    sha256 <"$place"
    if [[ $hash == "$binary" ]]; then runs "$place" && found "$place"; fi
    say "skipping $place: not the runner-cache $version of dist/release.json, or does not run"
  done

  kept_build "$temp/runner-cache/$version-built/$arch"
  choose_home "$version" "$tools" "$temp"
  find "$home" -maxdepth 1 -name '.download.*' -mmin +60 -exec rm -rf {} + || say "cannot remove leftovers of killed jobs in $home"
  work=$(mktemp -d "$home/.download.XXXXXX")
  say "downloading runner-cache $version from $shown"
  status=0
  why=$(bash -p "$project/scripts/download.sh" "$url" "$size" "$work/packed") || status=$?
  if [[ $status == 0 ]]; then
    got=$(wc -c <"$work/packed")
    ((got == size)) || give_up "refusing to run the download: $shown has $((got)) bytes, the release has $size"
    sha256 <"$work/packed"
    [[ $hash == "$expected" ]] || give_up "refusing to run the download: $shown has SHA-256 $hash, the release has $expected"
    gzip -dc <"$work/packed" >"$work/runner-cache" || give_up "cannot unpack the download in $home (is gzip installed, and is there space?)"
    sha256 <"$work/runner-cache"
    [[ $hash == "$binary" ]] || give_up "refusing to run the download: the packed binary differs from the release"
    chmod 755 "$work/runner-cache"
    runs "$work/runner-cache" || give_up "runner-cache $version does not run in $home (is it mounted noexec?)"
    # From beside its place over what is there: nobody sees a part of it, and of two jobs at once the last one's stays.
    if [[ -d $home/runner-cache ]]; then rm -rf "$home/runner-cache"; fi
    mv -f "$work/runner-cache" "$home/runner-cache"
    found "$home/runner-cache"
  fi
  [[ $status == 1 ]] || give_up "the download failed: $why"
  rm -rf "$work"
  if [[ ${INSTALL_OR_FAIL:-${RUNNER_CACHE_FAIL_ON_ERROR:-false}} == true ]]; then give_up "not downloaded: $why"; fi
  say "not downloaded: $why"
  # Later jobs are not to run what was built here: nobody knows its hash.
  choose_home "$version-built" "$temp"
  what="cannot download runner-cache $version ($why)"
else
  # Of an unreleased ref the hash is unknown. The one noted beside a build tells a torn file, not a planted one: where jobs
  # of one user do not trust each other, use a release.
  version=$(awk -F'"' '/^version = / { print $2; exit }' "$project/Cargo.toml")
  hash=$(cd "$project" && find src Cargo.toml Cargo.lock -type f | LC_ALL=C sort | tr '\n' '\0' | xargs -0 "${hasher[@]}" | "${hasher[@]}")
  choose_home "$version-${hash:0:16}" "$tools" "$temp"
  what="runner-cache $version has no release"
fi
kept_build "$home"

type -P cargo >/dev/null ||
  give_up "$what, and no cargo to build it with; hint: set download-url, or RUNNER_CACHE_BIN in the runner's .env file"
say "$what: building it with cargo, takes minutes"
new=$(mktemp "$home/.download.XXXXXX")
bash -p "$project/scripts/build.sh" "$new" >&2 || {
  rm -f "$new"
  give_up "cargo could not build runner-cache $version (see its messages above); hint: set RUNNER_CACHE_BIN in the runner's .env file"
}
# As above; a pair of two jobs' halves is no pair, and built again.
sha256 <"$new"
printf '%s\n' "$hash" >"$home/sha256"
mv -f "$new" "$home/runner-cache"
runs "$home/runner-cache" || give_up "the built runner-cache does not run in $home (is it mounted noexec?)"
found "$home/runner-cache"

#!/usr/bin/env bash
# Measures runner-cache against rsync, cp and tar with zstd, and against compiler caches; `scripts/bench.sh --help` tells the options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }

# What makes the pages is not among the tests' tools, and its list beside theirs tells when it must be installed anew.
scripts/setup-tools.sh >&2
list=scripts/bench/requirements.txt
installed=.tools/venv/bench-requirements.txt
if ! { [[ -f $installed ]] && cmp -s "$list" "$installed"; }; then
  .tools/venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$list"
  cp "$list" "$installed"
fi
bench() { PYTHONPATH=scripts exec .tools/venv/bin/python -B -m bench "$@"; }

has_mbx=
has_sccache=
for word in "$@"; do
  case $word in
    # These measure nothing.
    -h | --help | --draw | --draw=* | --check | --check=*) bench "$@" ;;
    week) has_mbx=1 ;;
    rivals | all)
      has_mbx=1
      has_sccache=1
      ;;
    *) ;;
  esac
done

PYTHONPATH=scripts .tools/venv/bin/python -B -m bench.options "$@"

# Programs and their Debian packages. Only root can mount, so only root needs the tools of file systems.
needed=(rsync:rsync zstd:zstd strace:strace time:time perf:linux-perf)
if [[ $EUID == 0 ]]; then needed+=(mkfs.btrfs:btrfs-progs mkfs.xfs:xfsprogs); fi
missing=()
for pair in "${needed[@]}"; do
  type -P "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
if [[ ${#missing[@]} -gt 0 ]]; then
  if [[ $EUID != 0 ]] || ! type -P apt-get >/dev/null; then
    say "error: missing: ${missing[*]}; install these packages and start again"
    exit 1
  fi
  say "installing with apt-get: ${missing[*]}"
  apt-get install --quiet --quiet --yes --no-install-recommends "${missing[@]}" >&2
fi

mbx_version=1.29.1
if [[ -n $has_mbx && -z ${MBX:-} ]]; then
  say "building mbx $mbx_version, once; MBX takes another one"
  cargo install --quiet --locked --root .tools/mbx "mbx@$mbx_version"
  MBX=$PWD/.tools/mbx/bin/mbx
  export MBX
fi

sccache_version=0.19.0
if [[ -n $has_sccache && -z ${SCCACHE:-} ]]; then
  say "building sccache $sccache_version, once; SCCACHE takes another one"
  cargo install --quiet --locked --no-default-features --root .tools/sccache "sccache@$sccache_version"
  SCCACHE=$PWD/.tools/sccache/bin/sccache
  export SCCACHE
fi

if [[ -z ${RUNNER_CACHE_BIN:-} ]]; then
  say 'building the binary (release); RUNNER_CACHE_BIN takes another one'
  cargo build --quiet --release --locked
  RUNNER_CACHE_BIN=${CARGO_TARGET_DIR:-target}/release/runner-cache
fi
export RUNNER_CACHE_BIN
bench "$@"

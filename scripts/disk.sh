#!/usr/bin/env bash
# Runs tests/disk: the program on full, read-only, broken and cut-off disks. Needs root, for mounts; installs the rest.
# Usage: disk.sh [ARGUMENT OF THE TEST PROGRAM]...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ $(id -u) != 0 ]]; then
  echo 'error: these tests mount file systems, which only root can' >&2
  exit 1
fi

# Programs and Debian's packages that have them.
missing=()
for pair in strace:strace mkfs.ext4:e2fsprogs mkfs.xfs:xfsprogs mkfs.btrfs:btrfs-progs unshare:util-linux; do
  type -P "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
if [[ ${#missing[@]} -gt 0 ]]; then
  apt-get update -qq
  apt-get install --yes -qq --no-install-recommends "${missing[@]}"
fi

# In a mount namespace of its own: whatever is mounted goes with the last process, even if all are killed.
exec unshare --mount cargo test --locked --test disk -- "$@"

#!/usr/bin/env bash
# Runs a command with TMPDIR on a new file system of a kind, which is gone afterwards. Needs root, for the mount.
# It lies in memory where there is plenty: what is tested is the file system, not the disk, which takes half of the time.
# Usage: on-filesystem.sh ext4|btrfs|xfs|tmpfs COMMAND [ARGUMENT...]
set -euo pipefail

kind=${1:?usage: on-filesystem.sh ext4|btrfs|xfs|tmpfs COMMAND...}
shift

if [[ $(id -u) != 0 ]]; then
  echo "error: a $kind file system can be mounted by root only" >&2
  exit 1
fi

# The program that makes the kind, and Debian's package that has it.
case $kind in
  ext4) package=e2fsprogs ;;
  btrfs) package=btrfs-progs ;;
  xfs) package=xfsprogs ;;
  tmpfs) package= ;;
  *)
    echo "error: $kind is none of ext4, btrfs, xfs, tmpfs" >&2
    exit 2
    ;;
esac
if [[ -n $package ]] && ! type -P "mkfs.$kind" >/dev/null; then
  apt-get update -qq
  apt-get install --yes -qq --no-install-recommends "$package"
fi

gb=8 # at most, and less in use: what is deleted is given back
available=$(awk '/^MemAvailable:/ { print int($2 / 1024 / 1024) }' /proc/meminfo)

place=$(mktemp -d "${TMPDIR:-/tmp}/runner-cache-$kind.XXXXXX")
mkdir "$place/memory" "$place/mount"
clean_up() {
  local status=$? mounted
  for mounted in "$place/mount" "$place/memory"; do
    # Lazily: what a failed command leaves running may still have a file open.
    if mountpoint -q "$mounted"; then umount --lazy "$mounted"; fi
  done
  rm -rf --one-file-system "$place"
  exit "$status"
}
trap clean_up EXIT

if [[ $kind == tmpfs ]]; then
  mount -t tmpfs -o size=2G tmpfs "$place/mount"
else
  if ((available >= gb * 2)); then mount -t tmpfs -o "size=${gb}G" tmpfs "$place/memory"; fi
  truncate -s "${gb}G" "$place/memory/image"
  "mkfs.$kind" -q "$place/memory/image"
  mount -o loop,discard "$place/memory/image" "$place/mount"
fi
# As /tmp is: some tests are runs of other users.
chmod 755 "$place"
chmod 1777 "$place/mount"
TMPDIR=$place/mount "$@"

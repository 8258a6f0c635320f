#!/usr/bin/env bash
# Runs a command with TMPDIR on a new file system of a kind, which is gone afterwards. Needs root, for the mount.
# Usage: on-filesystem.sh btrfs|xfs|tmpfs COMMAND [ARGUMENT...]
set -euo pipefail

kind=${1:?usage: on-filesystem.sh btrfs|xfs|tmpfs COMMAND...}
shift

if [[ $(id -u) != 0 ]]; then
  echo "error: a $kind file system can be mounted by root only" >&2
  exit 1
fi

# The program that makes the kind, and Debian's package that has it.
case $kind in
  btrfs) package=btrfs-progs ;;
  xfs) package=xfsprogs ;;
  tmpfs) package= ;;
  *)
    echo "error: $kind is none of btrfs, xfs, tmpfs" >&2
    exit 2
    ;;
esac
if [[ -n $package ]] && ! type -P "mkfs.$kind" >/dev/null; then
  apt-get update -qq
  apt-get install --yes -qq --no-install-recommends "$package"
fi

place=$(mktemp -d "${TMPDIR:-/tmp}/runner-cache-$kind.XXXXXX")
mkdir "$place/mount"
clean_up() {
  local status=$?
  if mountpoint -q "$place/mount"; then umount "$place/mount"; fi
  rm -rf --one-file-system "$place"
  exit "$status"
}
trap clean_up EXIT

if [[ $kind == tmpfs ]]; then
  mount -t tmpfs -o size=2G tmpfs "$place/mount"
else
  truncate -s 4G "$place/image"
  "mkfs.$kind" -q "$place/image"
  mount -o loop "$place/image" "$place/mount"
fi
TMPDIR=$place/mount "$@"

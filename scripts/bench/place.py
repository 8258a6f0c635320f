"""A directory on the file system to be measured: one mounted for the occasion, or the work directory itself.

The work directory's own file system has a history that shows in the figures (how full, how old, how it was made: an ext4
without a journal, for example, takes milliseconds to make a file for minutes after many were removed). A new one is the
same everywhere.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pages.command import Failed, tell

from .process import wait_for_left_running

# Sparse: takes what is written into it. Four times a million files of a block each must fit, and their inodes, and all that
# is kept of fifteen repositories in four ways: where it gets short, entries make way.
IMAGE_BYTES = 64 << 30

# Stands for the work directory's own file system.
WORK = "work"

MAKE = {
    "ext4": ["mkfs.ext4", "-q", "-F", "-i", "4096"],
    "btrfs": ["mkfs.btrfs", "-q", "-f"],
    "xfs": ["mkfs.xfs", "-q", "-f"],
}


OPTIONS = {
    # Else the kernel writes the tables of inodes, gigabytes of zeros, while others are measured.
    "ext4": "noinit_itable",
}


@dataclass(frozen=True)
class Place:
    """Where everything of one file system happens."""

    name: str
    kind: str
    directory: Path
    # Nobody else writes there, so that what is free tells what was used.
    is_private: bool
    can_reflink: bool

    def settle(self) -> None:
        """Writes out what is pending, so that nothing pays for the way before it."""
        wait_for_left_running()
        subprocess.run(["sync", "--file-system", str(self.directory)], check=True)

    def used(self) -> int:
        """Bytes in use on a private file system."""
        self.settle()
        stat = os.statvfs(self.directory)
        return (stat.f_blocks - stat.f_bfree) * stat.f_frsize

    def free(self) -> int:
        """Bytes that may still be written."""
        stat = os.statvfs(self.directory)
        return stat.f_bavail * stat.f_frsize


def kind_of(directory: Path) -> str:
    return tell(["stat", "--file-system", "--format=%T", str(directory)]).replace("ext2/ext3", "ext4")


@contextmanager
def opened(name: str, work: Path) -> Iterator[Place]:
    """The place of a file system, the same path for each: what cargo built is bound to where that was. Mounts, images and
    what was in them are gone afterwards."""
    if name != WORK and os.geteuid() != 0:
        raise Failed(f"{name}: only root can mount it; hint: sudo, or --fs {WORK}")
    image, directory = work / "place.img", work / "place"
    release(image, directory)
    directory.mkdir()
    try:
        if name == WORK:
            kind = kind_of(work)
            yield Place(f"{kind}, not new", kind, directory, is_private=False, can_reflink=reflinks(directory))
        else:
            mount(name, image, directory)
            yield Place(name, name, directory, is_private=True, can_reflink=reflinks(directory))
    finally:
        release(image, directory)


def remove(*paths: Path) -> None:
    """Removes files and directories that may be absent."""
    wait_for_left_running()
    # Half of the time of a run goes here, and rm is several times as fast as Python.
    subprocess.run(["rm", "-rf", "--", *map(str, paths)], check=True)


def fresh(directory: Path) -> None:
    remove(directory)
    directory.mkdir()


def mount(name: str, image: Path, directory: Path) -> None:
    if name == "tmpfs":
        call(name, ["mount", "-t", "tmpfs", "-o", "mode=755,nr_inodes=0,size=90%", "tmpfs", str(directory)])
        return
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    call(name, [*MAKE[name], str(image)])
    device = call(name, ["losetup", "--find", "--show", str(image)])
    try:
        # Else each page would be in memory twice, and large trees drop out of it. Not every file system below can.
        subprocess.run(["losetup", "--direct-io=on", device], check=False, capture_output=True)
        call(name, ["mount", "-t", name, "-o", OPTIONS.get(name, "defaults"), device, str(directory)])
    finally:
        # While it is mounted, this only marks it: the device goes with the mount, whatever becomes of this process.
        call(name, ["losetup", "--detach", device])


def call(name: str, command: list[str]) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError as error:
        raise Failed(f"{name}: {command[0]} is missing") from error
    except subprocess.CalledProcessError as error:
        raise Failed(f"{name} cannot be mounted: {' '.join(command)}: {error.stderr.strip()}") from error


def release(image: Path, directory: Path) -> None:
    """Takes away a mount and its image, of this run or of one that was killed."""
    patience = 10
    while os.path.ismount(directory):
        done = subprocess.run(["umount", str(directory)], check=False, capture_output=True, text=True)
        if done.returncode != 0 and patience == 0:
            raise Failed(f"{directory} stays mounted: {done.stderr.strip()}")
        patience -= 1
        if done.returncode != 0:
            # Somebody, such as an indexer, looks into it.
            time.sleep(1)
    remove(directory)
    image.unlink(missing_ok=True)


def reflinks(directory: Path) -> bool:
    """Whether files there can share extents."""
    first, second = directory / "first", directory / "second"
    first.write_bytes(bytes(8192))
    done = subprocess.run(["cp", "--reflink=always", first, second], check=False, capture_output=True)
    first.unlink()
    second.unlink(missing_ok=True)
    return done.returncode == 0

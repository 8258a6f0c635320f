"""Whether a destination is what its source is: a way that is fast because it left something out is no way."""

import filecmp
import os
import stat
from pathlib import Path

from pages.command import Failed


def check(source: Path, destination: Path, way: str) -> None:
    """Names, kinds, sizes, modes, times to the nanosecond, symlinks' targets, contents; the roots included.

    Which names are one file is not compared: most of the ways do not keep that.
    """
    if not destination.exists():
        raise Failed(f"{way}: nothing was restored")
    # Its memory goes by size and time, which are the same for good and bad copies.
    filecmp.clear_cache()
    pending = [Path()]
    while pending:
        path = pending.pop()
        compare(source / path, destination / path, path, way)
        if not stat.S_ISDIR((source / path).lstat().st_mode):
            continue
        wanted, found = sorted(os.listdir(source / path)), sorted(os.listdir(destination / path))
        if wanted != found:
            different = sorted(set(wanted) ^ set(found))
            raise Failed(f"{way}: {path}: names differ: {', '.join(different[:5])}")
        pending.extend(path / name for name in wanted)


def compare(a: Path, b: Path, path: Path, way: str) -> None:
    one, other = a.lstat(), b.lstat()
    if one.st_mode != other.st_mode:
        raise Failed(f"{way}: {path}: mode {other.st_mode:o} instead of {one.st_mode:o}")
    if one.st_mtime_ns != other.st_mtime_ns:
        raise Failed(f"{way}: {path}: changed at {other.st_mtime_ns} ns instead of {one.st_mtime_ns}")
    if stat.S_ISLNK(one.st_mode) and os.readlink(a) != os.readlink(b):
        raise Failed(f"{way}: {path}: another target")
    if stat.S_ISREG(one.st_mode) and one.st_ino != other.st_ino and not filecmp.cmp(a, b, shallow=False):
        raise Failed(f"{way}: {path}: other contents")

"""The trees that are measured, the same in each run: a built target directory, a registry, many tiny files."""

import os
import random
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WORKSPACE = Path(__file__).parent / "workspace"

# A member that needs all other parts, and little of the registry; and one that it alone needs.
SMALL, EDITED = "receipt", "quota"

# Times that a job's files may have: not now, and not whole seconds.
EPOCH_NS = 1_750_000_000_123_456_789
LATEST_NS = EPOCH_NS + 10**15

# What cargo gives all files of a crate that it packages.
CRATE_NS = 1_153_704_088 * 10**9

# What cargo puts into a crate when all of it is there.
MARK = ".cargo-ok"

# Of an extracted crate, and how many there are: as in the workspace's dependencies.
FILES_OF_CRATE = 50
CRATES = 400

# What a build may need to reach its registry.
NETWORK = ("SSL_CERT_", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_SOURCE_")


@dataclass(frozen=True)
class Size:
    files: int
    bytes: int


def network_variables() -> dict[str, str]:
    """What a build needs to reach its registry from here."""
    return {name: value for name, value in os.environ.items() if name.startswith(NETWORK) or name.lower().endswith("_proxy")}


def check_out(directory: Path) -> None:
    """Lays the workspace out as a checkout does: every file is new."""
    shutil.copytree(WORKSPACE, directory, ignore=shutil.ignore_patterns("target"), copy_function=shutil.copyfile)


def make_registry(directory: Path, files: int) -> None:
    """Extracted crates as cargo keeps them: in one directory for each index, here of four."""
    chance = random.Random(2)
    for number in range(files):
        name, version = package(number // FILES_OF_CRATE)
        file = number % FILES_OF_CRATE
        crate = directory / f"index-{number // FILES_OF_CRATE % 4}" / f"{name}-{version}"
        if file:
            source = crate / "src" / f"{file}.rs"
            write(source, chance.randrange(200, 40_000), chance)
            os.utime(source, ns=(CRATE_NS, CRATE_NS))
        else:
            mark = crate / MARK
            write(mark, 7, chance)
            # Cargo writes the mark of a whole crate last.
            os.utime(mark, ns=(LATEST_NS, LATEST_NS))


def package(number: int) -> tuple[str, str]:
    return f"package-{number}", f"1.{number % 13}.{number % 3}"


def registry_lock() -> str:
    """A lock file that names all crates of the registry."""
    source = "registry+https://github.com/rust-lang/crates.io-index"
    packages = [package(number) for number in range(CRATES)]
    texts = [f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = "{source}"\n' for name, version in packages]
    return "\n".join(["version = 4\n", *texts])


def make_tiny(directory: Path, files: int) -> None:
    """Files of at most 256 bytes, 100 to a directory, two directories deep."""
    chance = random.Random(3)
    for number in range(files):
        name = f"{number:08}"
        write(directory / name[:4] / name[4:6] / name[6:], chance.randrange(1, 257), chance)


def stamp(tree: Path) -> None:
    """Gives files times to the nanosecond, each another one, as builds do. A crate's mark stays the last of it."""
    chance = random.Random(4)
    for path in sorted(entry.path for entry in entries(tree) if entry.is_file(follow_symlinks=False)):
        moment = LATEST_NS if path.endswith(f"/{MARK}") else chance.randrange(EPOCH_NS, LATEST_NS)
        os.utime(path, ns=(moment, moment))
    settle_directories(tree)


def date_after_now(tree: Path) -> None:
    """Lets files be of this second, in the order in which they were made: a build comes after its checkout, and what is
    newer than the build may be something else than what was built."""
    files = [entry for entry in entries(tree) if not entry.is_dir(follow_symlinks=False)]
    times = {entry.path: entry.stat(follow_symlinks=False).st_mtime_ns for entry in files}
    first, last, now = min(times.values()), max(times.values()), time.time_ns()
    for path, made in times.items():
        moved = now + (made - first) * 10**9 // max(1, last - first)
        os.utime(path, ns=(moved, moved), follow_symlinks=False)
    time.sleep(1)


def settle_directories(tree: Path) -> None:
    """Gives directories a time of long ago: rsync takes two times of one second for the same."""
    for directory, _, _ in os.walk(tree):
        os.utime(directory, ns=(EPOCH_NS, EPOCH_NS))


def write(path: Path, size: int, chance: random.Random) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(parents=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    os.write(descriptor, chance.randbytes(size))
    os.close(descriptor)
    moment = chance.randrange(EPOCH_NS, LATEST_NS)
    os.utime(path, ns=(moment, moment))


def measure(directory: Path) -> Size:
    """Names of files, and bytes: those of a file with several names once."""
    files, sizes = 0, {}
    for entry in entries(directory):
        if not entry.is_dir(follow_symlinks=False):
            files += 1
            sizes[entry.inode()] = entry.stat(follow_symlinks=False).st_size
    return Size(files, sum(sizes.values()))


def disk_bytes(directory: Path) -> int:
    """What the files take when nothing else shares their extents; further names of a file are free. An absent directory
    takes nothing."""
    if not directory.exists():
        return 0
    seen, total = set(), 0
    for entry in entries(directory):
        stat = entry.stat(follow_symlinks=False)
        if stat.st_ino not in seen:
            seen.add(stat.st_ino)
            total += stat.st_blocks * 512
    return total


def entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    pending = [str(directory)]
    while pending:
        with os.scandir(pending.pop()) as found:
            for entry in found:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)


def one_percent(directory: Path) -> list[Path]:
    """Every hundredth file by name, so that kinds and sizes are those of the tree."""
    files = sorted(entry.path for entry in entries(directory) if entry.is_file(follow_symlinks=False))
    return [Path(path) for path in files[50::100]]


def change(paths: list[Path], seed: int) -> None:
    """Other contents and a new time, as tools do it: by a new file, never into one that may be shared."""
    chance = random.Random(seed)
    for path in paths:
        stat = path.stat()
        temporary = path.with_name(path.name + ".new")
        temporary.write_bytes(chance.randbytes(stat.st_size))
        temporary.chmod(stat.st_mode & 0o7777)
        temporary.rename(path)


def edit(workspace: Path, seed: int) -> None:
    """Another number in a source, as somebody's work on it."""
    source = workspace / "parts" / EDITED / "src/lib.rs"
    source.write_text(re.sub(r"weight = \d+", f"weight = {seed}", source.read_text()))

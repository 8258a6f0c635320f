"""Ways to have what an earlier build made: ours, and what people would pick instead."""

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pages.command import Failed, tell

from .builds import PEERS_VARIABLES, clean_as_peer
from .layer import EVENTS
from .place import fresh, remove
from .process import end, environment, serve
from .project import host
from .scenario import RESTORE_TAR, SAVE_TAR
from .trees import disk_bytes

OURS, MBX, SCCACHE, TAR, NONE = "runner-cache", "mbx", "sccache", "rust-cache's tar", "cargo alone"

# Those that keep something.
RIVALS = (MBX, SCCACHE, TAR)

# What sccache may keep: more than it will. And how long its server may take to start, and when one looks again, in seconds.
SCCACHE_SIZE = "40G"
SERVER_STARTS, SERVER_STEP = 10.0, 0.05


@dataclass(frozen=True)
class Task:
    """One job."""

    directory: Path
    ref: str
    lane: str
    temporary: Path

    @property
    def target(self) -> Path:
        return self.directory / "target"


@dataclass
class Rival:
    """Without a cache. Each way has a directory of its own with a home, a cargo home and all that it keeps."""

    directory: Path
    name: str = NONE
    cargo: list[str] = field(default_factory=lambda: ["cargo"])
    is_kept: bool = False

    def clear(self, cargo_home: Path) -> None:
        """Nothing is kept yet, and all downloads are there."""
        self.stop()
        fresh(self.directory)
        self.home.mkdir()
        shutil.copytree(cargo_home, self.home / ".cargo", symlinks=True)

    @property
    def home(self) -> Path:
        return self.directory / "home"

    @property
    def store(self) -> Path:
        return self.directory / "store"

    def env(self, _: Task) -> dict[str, str]:
        return environment(self.home)

    def restore(self, _: Task) -> list[str]:
        return ["true"]

    def save(self, _: Task) -> list[list[str]]:
        """Commands, one after another."""
        return []

    def brought(self, _: Task) -> int:
        """How many units it has brought so far to which cargo had called a compiler."""
        return 0

    def kept_bytes(self) -> int:
        return disk_bytes(self.store)

    def stop(self) -> None:
        """Ends what it left running."""


class Ours(Rival):
    def __init__(self, directory: Path, binary: Path):
        super().__init__(directory, OURS, is_kept=True)
        self.binary = str(binary)

    def env(self, task: Task) -> dict[str, str]:
        return super().env(task) | {
            "GITHUB_REPOSITORY": "bench/bench",
            "GITHUB_REF": task.ref,
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_EVENT_PATH": str(EVENTS / "push.json"),
            "GITHUB_WORKFLOW": "ci",
            "GITHUB_JOB": task.lane,
            "GITHUB_WORKSPACE": str(task.directory),
            "RUNNER_TEMP": str(task.temporary),
            "RUNNER_CACHE_ROOT": str(self.store),
        }

    def clear(self, cargo_home: Path) -> None:
        super().clear(cargo_home)
        self.store.mkdir(mode=0o700)

    def restore(self, _: Task) -> list[str]:
        return [self.binary, "restore", "--layers", "target"]

    def save(self, _: Task) -> list[list[str]]:
        return [[self.binary, "save"]]


class Mbx(Rival):
    """Its store and the target directories that it manages lie in its home."""

    def __init__(self, directory: Path, program: Path):
        super().__init__(directory, MBX, [str(program)], is_kept=True)

    @property
    def store(self) -> Path:
        return self.home / ".cache"

    def brought(self, task: Task) -> int:
        told = json.loads(tell([*self.cargo, "stats", "--json"], cwd=self.directory, env=self.env(task)))
        return int(told["savings"]["cached_compilations"])


class Sccache(Rival):
    """Its server is started before what is timed."""

    def __init__(self, directory: Path, program: Path):
        super().__init__(directory, SCCACHE, is_kept=True)
        self.program = str(program)
        self.server: subprocess.Popen[bytes] | None = None

    def env(self, _: Task) -> dict[str, str]:
        # It refuses to work where compilation is incremental.
        return self.own_env() | {"RUSTC_WRAPPER": self.program} | PEERS_VARIABLES

    def own_env(self) -> dict[str, str]:
        return environment(
            self.home,
            SCCACHE_DIR=str(self.store),
            SCCACHE_CACHE_SIZE=SCCACHE_SIZE,
            SCCACHE_SERVER_UDS=str(self.directory / "socket"),
            # One that ends itself would be started anew in a round that is timed.
            SCCACHE_IDLE_TIMEOUT="0",
        )

    def clear(self, cargo_home: Path) -> None:
        super().clear(cargo_home)
        here = {"SCCACHE_START_SERVER": "1", "SCCACHE_NO_DAEMON": "1"}
        self.server = serve([self.program], cwd=self.directory, env=self.own_env() | here)
        patience = SERVER_STARTS
        while not (self.directory / "socket").exists():
            if self.server.poll() is not None or patience <= 0:
                raise Failed(f"{self.program} does not start its server")
            patience -= SERVER_STEP
            time.sleep(SERVER_STEP)

    def brought(self, task: Task) -> int:
        words = [self.program, "--show-stats", "--stats-format=json"]
        told: dict[str, Any] = json.loads(tell(words, cwd=self.directory, env=self.env(task)))
        return sum(told["stats"]["cache_hits"]["counts"].values())

    def stop(self) -> None:
        if self.server:
            end(self.server)
            self.server = None


class Tar(Rival):
    """An archive of what Swatinem/rust-cache keeps of the target directory, which it makes once for a lock file: an exact hit
    is not saved again."""

    def __init__(self, directory: Path):
        super().__init__(directory, TAR, is_kept=True)

    def env(self, task: Task) -> dict[str, str]:
        return super().env(task) | PEERS_VARIABLES

    def clear(self, cargo_home: Path) -> None:
        super().clear(cargo_home)
        self.store.mkdir()

    def archive(self, task: Task) -> Path:
        """Of the same lock file, or, as its restore key has it, of any other."""
        return self.store / f"{task.lane}.tar.zst"

    def restore(self, task: Task) -> list[str]:
        archive = self.archive(task)
        return [*RESTORE_TAR, str(archive), str(task.target)] if archive.exists() else ["true"]

    def save(self, task: Task) -> list[list[str]]:
        archive, lock, mark = self.archive(task), task.directory / "Cargo.lock", self.store / f"{task.lane}.lock"
        if mark.exists() and mark.read_bytes() == lock.read_bytes():
            return []
        command = ["cargo", "metadata", "--format-version=1", "--locked", "--offline", f"--filter-platform={host()}"]
        packages = json.loads(tell(command, cwd=task.directory, env=self.env(task)))["packages"]
        clean_as_peer(task.target, [package for package in packages if package["source"]])
        remove(archive)
        return [[*SAVE_TAR, str(task.target), str(archive)], ["cp", str(lock), str(mark)]]


def all_of(directory: Path, binary: Path) -> list[Rival]:
    """Each in a directory of its own. `MBX` and `SCCACHE` name the programs."""
    fresh(directory)
    return [
        Ours(directory / "ours", binary),
        Mbx(directory / "mbx", Path(os.environ["MBX"])),
        Sccache(directory / "sccache", Path(os.environ["SCCACHE"])),
        Tar(directory / "tar"),
        Rival(directory / "none"),
    ]

"""How runner-cache is asked for a tree, and where the tree lies in a job's folder."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from process import environment
from trees import WORKSPACE, registry_lock

KEY = "bench"


@dataclass(frozen=True)
class Layer:
    name: str
    tree: str
    arguments: tuple[str, ...]
    in_workspace: bool


# Cargo makes an empty `tmp`, which other ways keep as well.
TARGET = Layer("target", "target", ("--layers", "target", "--keep-in-target", "incremental,tmp"), in_workspace=True)
CARGO = Layer("cargo", "home/.cargo/registry/src", ("--layers", "cargo"), in_workspace=True)
PATHS = Layer("paths", "tree", ("--preset", "none", "--path", "tree"), in_workspace=False)


@dataclass(frozen=True)
class Job:
    """A folder in which one way works."""

    folder: Path
    layer: Layer
    # Without one each folder would be a project of its own, with its own entries.
    repository: str = "bench/bench"

    def prepare(self) -> "Job":
        if self.layer.in_workspace and not self.folder.exists():
            shutil.copytree(WORKSPACE, self.folder, ignore=shutil.ignore_patterns("target"))
            if self.layer is CARGO:
                (self.folder / "Cargo.lock").write_text(registry_lock())
        self.tree.parent.mkdir(parents=True, exist_ok=True)
        return self

    @property
    def tree(self) -> Path:
        return self.folder / self.layer.tree

    @property
    def env(self) -> dict[str, str]:
        return environment(self.folder / "home", GITHUB_REPOSITORY=self.repository)


@dataclass(frozen=True)
class Cache:
    """The binary and one cache root."""

    binary: Path
    root: Path

    def restore(self, job: Job, mode: str) -> list[str]:
        return [*self.begin(job), "--no-session", "--link-mode", mode]

    def save(self, job: Job, *more: str) -> list[str]:
        return [*self.base("save", job), *more]

    def begin(self, job: Job) -> list[str]:
        """Restores, and notes in RUNNER_TEMP what `end` is to save."""
        return self.base("restore", job)

    def end(self) -> list[str]:
        return [str(self.binary), "save", "--cache-root", str(self.root)]

    def base(self, verb: str, job: Job) -> list[str]:
        return [str(self.binary), verb, *job.layer.arguments, "--key", KEY, "--cache-root", str(self.root)]

"""How runner-cache is asked for a tree, and where the tree lies in a job's directory."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from .process import environment
from .trees import WORKSPACE, registry_lock

KEY = "bench"

# Payloads as GitHub sends them, cut to what says whose they are.
EVENTS = Path(__file__).parent / "events"


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
class Trigger:
    """The event that a job runs for, as a runner tells it."""

    event: str
    ref: str
    base: str = ""

    def variables(self) -> dict[str, str]:
        told = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": self.event,
            "GITHUB_EVENT_PATH": str(EVENTS / f"{self.event}.json"),
            "GITHUB_REF": self.ref,
        }
        return told | ({"GITHUB_BASE_REF": self.base} if self.base else {})


PUSH = Trigger("push", "refs/heads/main")
# Of a fork: it reads what the default branch made, and gets no inode of it.
PULL_REQUEST = Trigger("pull_request", "refs/pull/7/merge", base="main")


@dataclass(frozen=True)
class Job:
    """A directory in which one way works."""

    directory: Path
    layer: Layer
    # Without one each directory would be a project of its own, with its own entries.
    repository: str = "bench/bench"
    # None is outside of a workflow.
    trigger: Trigger | None = PUSH
    # The host's, which its jobs share; without one a job has its own.
    cargo_home: Path | None = None

    def prepare(self) -> "Job":
        if self.layer.in_workspace and not self.directory.exists():
            shutil.copytree(WORKSPACE, self.directory, ignore=shutil.ignore_patterns("target"))
            if self.layer is CARGO:
                (self.directory / "Cargo.lock").write_text(registry_lock())
        self.tree.parent.mkdir(parents=True, exist_ok=True)
        return self

    @property
    def tree(self) -> Path:
        return self.directory / self.layer.tree

    @property
    def env(self) -> dict[str, str]:
        told = {"GITHUB_REPOSITORY": self.repository}
        if self.trigger:
            told |= self.trigger.variables() | {"GITHUB_OUTPUT": str(self.outputs)}
        if self.cargo_home:
            told["CARGO_HOME"] = str(self.cargo_home)
        return environment(self.directory / "home", **told)

    @property
    def outputs(self) -> Path:
        """The file that the program's outputs are added to."""
        return self.directory.with_name(f"{self.directory.name}.outputs")

    def output(self, name: str) -> str:
        """What the last command in a workflow told."""
        lines = (line.partition("=") for line in self.outputs.read_text().splitlines())
        return {key: value for key, _, value in lines}[name]


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

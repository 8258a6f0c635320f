"""Many repositories on one host that share most of their dependencies: built one after another on a host that has nothing."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .layer import TARGET, Job
from .place import Place, fresh, remove
from .process import run
from .results import Fleet
from .scenario import RSYNC, SAVE_TAR, TAR
from .trees import WORKSPACE, disk_bytes, network_variables

REPOSITORIES = 15

POOL = "runner-cache, `share: host`"
APART = "runner-cache, `share: off`"

KEPT = {APART: "apart", RSYNC: "rsync", TAR: "tar", POOL: "pool"}

# Members of the workspace: each repository has what these depend on, but for one, and one of the further ones.
MEMBERS = ("server", "model", "tool")
FURTHER = ("image", "wasmparser")
# As large as all others together.
LEFT_OUT = ("gix",)

BUILD = "cargo build --offline --quiet --message-format=json"


class Fleets:
    """Repositories at one place."""

    def __init__(self, place: Place, binary: Path, made: Path):
        self.place = place
        self.work = place.directory / "work"
        self.copies = place.directory / "copies"
        self.temporary = place.directory / "temporary"
        self.binary = binary
        # A host's own: downloads are not what is compared.
        self.home = made / "cargo-home"
        self.units: set[str] = set()

    def measure(self, repositories: int, say: Callable[[str], None]) -> list[Fleet]:
        fresh(self.copies)
        courses = {way: Fleet(self.place.name, way, [], [], 0, 0) for way in (APART, RSYNC, TAR, POOL)}
        for number in range(repositories):
            self.visit(number, courses)
            line = ", ".join(
                f"{course.seconds[-1]:.1f} s and {course.compiled[-1]} units {course.way}" for course in courses.values()
            )
            say(f"{self.place.name}: repository {number + 1} of {repositories}: {line}")
        distinct = len(self.units)
        remove(self.work)
        return [
            Fleet(course.place, way, course.seconds, course.compiled, distinct, disk_bytes(self.kept(way)))
            for way, course in courses.items()
        ]

    def visit(self, number: int, courses: dict[str, Fleet]) -> None:
        """The first job of a repository. Without a pool it is the same for all: a build from nothing, and then a save of each."""
        job = self.check_out(number)
        env = job.env | {"RUNNER_TEMP": str(self.temporary)}
        run(["cargo", "fetch", "--quiet"], cwd=job.directory, env=env | network_variables())
        seconds, compiled = self.build([], job, env)
        saves = {
            APART: self.ours("save", APART, "off"),
            RSYNC: ["rsync", "-a", "--delete", f"{job.tree}/", f"{self.kept(RSYNC)}/{number}/"],
            TAR: [*SAVE_TAR, str(job.tree), f"{self.kept(TAR)}/{number}"],
        }
        for way, save in saves.items():
            self.note(courses[way], seconds + run(save, cwd=job.directory, env=env), compiled)
        remove(job.tree)
        seconds, compiled = self.build(self.ours("restore", POOL, "host"), job, env)
        save = [str(self.binary), "save", "--cache-root", str(self.kept(POOL))]
        self.note(courses[POOL], seconds + run(save, cwd=job.directory, env=env), compiled)

    def ours(self, verb: str, way: str, share: str) -> list[str]:
        return [str(self.binary), verb, "--layers", "target", "--share", share, "--cache-root", str(self.kept(way))]

    def kept(self, way: str) -> Path:
        """The directory of all that a way keeps."""
        directory = self.copies / KEPT[way]
        directory.mkdir(mode=0o700, exist_ok=True)
        return directory

    def note(self, course: Fleet, seconds: float, compiled: int) -> None:
        course.seconds.append(seconds)
        course.compiled.append(compiled)

    def build(self, restore: list[str], job: Job, env: dict[str, str]) -> tuple[float, int]:
        """Seconds of restore and build, and how many units of dependencies were compiled."""
        messages = self.copies / "messages"
        script = f'messages=$1; shift; "$@" >&2; {BUILD} >"$messages"'
        words = ["bash", str(messages), *(restore or ["true"])]
        seconds = run(["bash", "-euc", script, *words], cwd=job.directory, env=env)
        compiled = 0
        for line in messages.read_text().splitlines():
            message = json.loads(line)
            if message["reason"] != "compiler-artifact" or "registry+" not in message["package_id"]:
                continue
            # The name alone is not enough: each build script's is the same.
            self.units.add(str(Path(message["filenames"][0]).relative_to(job.tree)))
            compiled += not message["fresh"]
        return seconds, compiled

    def check_out(self, number: int) -> Job:
        """Each repository has a directory of its own, as below a runner's work directory."""
        fresh(self.temporary)
        fresh(self.work)
        directory = self.work / f"repository-{number}"
        (directory / "src").mkdir(parents=True)
        (directory / "Cargo.toml").write_text(manifest(number))
        (directory / "Cargo.lock").write_text((WORKSPACE / "Cargo.lock").read_text())
        (directory / "src/main.rs").write_text(f'fn main() {{\n    println!("{number}");\n}}\n')
        # In a workflow only the host's own policy could let repositories share a pool.
        return Job(directory, TARGET, f"bench/repository-{number}", trigger=None, cargo_home=self.home)


def manifest(number: int) -> str:
    known = requirements()
    shared = sorted(known.keys() - set(FURTHER))
    shared.remove(shared[number % len(shared)])
    needs = sorted([*shared, FURTHER[number % len(FURTHER)]])
    lines = "\n".join(f"{name} = {known[name]}" for name in needs)
    return f'[package]\nname = "repository-{number}"\nversion = "0.1.0"\nedition = "2024"\n\n[dependencies]\n{lines}\n'


def requirements() -> dict[str, str]:
    """The registry's packages that the members depend on, each as a manifest's line has it."""
    found = {}
    for member in MEMBERS:
        needs = tomllib.loads((WORKSPACE / member / "Cargo.toml").read_text())["dependencies"]
        for name, spec in needs.items():
            if "path" not in spec and name not in LEFT_OUT:
                found[name] = inline(spec)
    return found


def inline(spec: str | dict[str, Any]) -> str:
    if isinstance(spec, str):
        return json.dumps(spec)
    pairs = (f"{key} = {json.dumps(value)}" for key, value in spec.items())
    return f"{{ {', '.join(pairs)} }}"

"""A simulated week of an organisation's jobs: what is compiled of what had to be, and how long the builds take."""

import json
import os
import random
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pages.command import tell

from .ideal import Checkout, Ideal
from .place import Place, fresh, remove
from .process import environment, run
from .results import Week
from .trees import WORKSPACE, network_variables

JOBS = 100
RUNNERS = 2

OURS = "runner-cache"
MBX = "mbx"

# What each push and pull request runs, each in a job of its own.
LANES = {
    "check": ["check", "--workspace", "--all-targets"],
    "clippy": ["clippy", "--workspace", "--all-targets"],
    "test": ["test", "--workspace"],
}
COMMON = ["--locked", "--offline", "--quiet", "--message-format=json"]

# Repositories with what the members need of the registry, and releases of one of these that come in turn.
REPOSITORIES = {
    "node": (("serde", "serde_json", "regex", "rand", "thiserror"), ("memchr", ("2.7.4", "2.7.5"))),
    "wallet": (("serde", "serde_json", "clap", "indexmap", "sha1"), ("itoa", ("1.0.14", "1.0.15"))),
    "tools": (("serde", "regex", "clap", "rayon", "walkdir"), ("either", ("1.13.0", "1.15.0"))),
}

# Members, each with those that it needs; the last one is the program.
MEMBERS = {"core": (), "codec": ("core",), "store": ("core",), "net": ("codec", "store"), "app": ("net",)}

PROGRAM = list(MEMBERS)[-1]

DERIVED = ("serde", "clap")

TEST = """
#[cfg(test)]
mod tests {
    #[test]
    fn it_weighs() {
        assert!(super::weight() < 1 << 32);
    }
}
"""

# How often what happens to a repository, of all times.
EVENTS = {"push": 3, "request": 4, "merge": 3, "bump": 1, "rerun": 2}

# The seed of the week's course: the same jobs in each run.
SEED = 20


@dataclass(frozen=True)
class Task:
    """One job."""

    repository: str
    ref: str
    commit: str
    lane: str
    runner: int

    @property
    def is_of_request(self) -> bool:
        return self.ref.startswith("refs/pull/")


@dataclass
class Repository:
    """One on the server."""

    name: str
    directory: Path
    # The numbers that the members' sources have, by branch.
    branches: dict[str, dict[str, int]] = field(default_factory=dict)
    releases: int = 0

    @property
    def needs(self) -> tuple[str, ...]:
        return REPOSITORIES[self.name][0]


class Weeks:
    """The week at one place, once with each cache, in turn: each job is done by all of them before the next."""

    def __init__(self, place: Place, binary: Path, mbx: Path, made: Path):
        self.place = place
        self.binary = binary
        self.mbx = mbx
        # A host's own: downloads are not what is compared.
        self.home = made / "cargo-home"
        self.copies = place.directory / "copies"
        self.temporary = place.directory / "temporary"
        self.random = random.Random(SEED)
        self.repositories = {name: Repository(name, self.copies / "server" / name) for name in REPOSITORIES}
        self.requests = 0
        self.last: list[tuple[str, str, str]] = []
        self.ideal = Ideal()

    def measure(self, jobs: int, say: Callable[[str], None]) -> list[Week]:
        fresh(self.copies)
        for repository in self.repositories.values():
            self.found(repository)
        weeks = {way: Week(self.place.name, way, [], [], 0) for way in (OURS, MBX)}
        needed = []
        for number, task in enumerate(self.tasks(jobs)):
            for way, week in weeks.items():
                seconds, messages = self.do(task, way)
                week.seconds.append(seconds)
                # Cargo calls the compiler for each unit where a wrapper of the compiler brings back what it made.
                if way == OURS:
                    checkout = Checkout(self.directory(task), self.env())
                    compiled, needs = self.ideal.count(checkout, messages, task.repository, task.ref)
                    week.compiled.append(compiled)
                    needed.append(needs)
            say(self.line(number, task, weeks, needed))
        remove(self.copies, self.temporary, *self.workspaces())
        return [Week(week.place, week.way, week.seconds, week.compiled, sum(needed)) for week in weeks.values()]

    def line(self, number: int, task: Task, weeks: dict[str, Week], needed: list[int]) -> str:
        what = f"{self.place.name}: job {number + 1}: {task.repository}, {task.lane}, {task.ref}"
        times = ", ".join(f"{week.seconds[-1]:.1f} s {way}" for way, week in weeks.items())
        return f"{what}: {times}; {weeks[OURS].compiled[-1]} units compiled of {needed[-1]} that had to be"

    def tasks(self, jobs: int) -> Iterator[Task]:
        """The jobs, as their events come."""
        done = 0
        pending: list[tuple[str, str, str, str]] = []
        for repository in self.repositories.values():
            pending += [(*self.push(repository), lane) for lane in LANES]
        while done < jobs:
            for repository_name, ref, commit, lane in pending[: jobs - done]:
                yield Task(repository_name, ref, commit, lane, self.random.randrange(RUNNERS))
                done += 1
            pending = self.event()

    def event(self) -> list[tuple[str, str, str, str]]:
        """Something that happens, and the jobs that come of it."""
        repository = self.repositories[self.random.choice(list(REPOSITORIES))]
        what = self.random.choices(list(EVENTS), weights=list(EVENTS.values()))[0]
        requests = [name for name in repository.branches if name != "main"]
        if what == "rerun":
            return [(*self.last[-1], self.random.choice(list(LANES)))]
        if what == "merge" and requests:
            repository.branches["main"] = repository.branches.pop(self.random.choice(requests))
            commit = self.commit(repository, "main", "merge")
            made = (repository.name, "refs/heads/main", commit)
        elif what == "request":
            made = self.request(repository, requests)
        elif what == "bump":
            repository.releases += 1
            made = self.push(repository)
        else:
            self.edit(repository.branches["main"])
            made = self.push(repository)
        self.last.append(made)
        return [(*made, lane) for lane in LANES]

    def push(self, repository: Repository) -> tuple[str, str, str]:
        commit = self.commit(repository, "main", "work")
        self.last.append((repository.name, "refs/heads/main", commit))
        return self.last[-1]

    def request(self, repository: Repository, open_ones: list[str]) -> tuple[str, str, str]:
        """A new pull request, or more work on one."""
        if open_ones and self.random.random() < 0.5:
            name = self.random.choice(open_ones)
        else:
            self.requests += 1
            name = str(self.requests)
            repository.branches[name] = dict(repository.branches["main"])
        self.edit(repository.branches[name])
        return (repository.name, f"refs/pull/{name}/merge", self.commit(repository, f"request-{name}", "work"))

    def edit(self, numbers: dict[str, int]) -> None:
        """Mostly what is on top changes."""
        member = self.random.choices(list(MEMBERS), weights=range(1, len(MEMBERS) + 1))[0]
        numbers[member] += 1

    def found(self, repository: Repository) -> None:
        repository.branches["main"] = dict.fromkeys(MEMBERS, 0)
        repository.directory.mkdir(parents=True)
        self.git(repository, "init", "--quiet", "--initial-branch=main")
        self.git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")

    def commit(self, repository: Repository, branch: str, text: str) -> str:
        name = branch.removeprefix("request-")
        lay_out(repository, repository.branches[name])
        self.git(repository, "checkout", "--quiet", "-B", branch)
        env = self.env() | network_variables()
        bumped, releases = REPOSITORIES[repository.name][1]
        release = releases[repository.releases % len(releases)]
        run(["cargo", "update", "--quiet", "--package", bumped, "--precise", release], cwd=repository.directory, env=env)
        run(["cargo", "fetch", "--quiet", "--locked"], cwd=repository.directory, env=env)
        self.git(repository, "add", "--all")
        self.git(repository, "commit", "--quiet", "--allow-empty", f"--message={text}")
        return tell(["git", "rev-parse", "HEAD"], cwd=repository.directory, env=self.env())

    def git(self, repository: Repository, *words: str) -> None:
        who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
        run(["git", *who, *words], cwd=repository.directory, env=self.env())

    def do(self, task: Task, way: str) -> tuple[float, list[dict[str, Any]]]:
        """Seconds of restore and build, and what cargo told."""
        fresh(self.temporary)
        directory = self.directory(task)
        remove(directory)
        directory.parent.mkdir(parents=True, exist_ok=True)
        server = self.repositories[task.repository].directory
        run(["git", "clone", "--quiet", "--no-checkout", str(server), str(directory)], cwd=directory.parent, env=self.env())
        run(["git", "checkout", "--quiet", "--detach", task.commit], cwd=directory, env=self.env())
        env = self.env() | self.job(task)
        messages = self.copies / "messages"
        command, *words = [*LANES[task.lane], *COMMON]
        if way == OURS:
            restore = [str(self.binary), "restore", "--layers", "target", "--share", "host", "--cache-root", str(self.root())]
            build = ["cargo", command, *words]
        else:
            restore, build = ["true"], [str(self.mbx), command, *words]
        script = f'"$@" >&2; {" ".join(build)} >{messages}'
        seconds = run(["bash", "-euc", script, "bash", *restore], cwd=directory, env=env)
        if way == OURS:
            run([str(self.binary), "save", "--cache-root", str(self.root())], cwd=directory, env=env)
        lines = (line for line in messages.read_text().splitlines() if line.startswith("{"))
        return seconds, [json.loads(line) for line in lines]

    def job(self, task: Task) -> dict[str, str]:
        """What a runner tells a job."""
        event: dict[str, Any] = {"repository": {"default_branch": "main"}}
        if task.is_of_request:
            event["pull_request"] = {"number": int(task.ref.split("/")[2]), "base": {"ref": "main"}}
        told = self.copies / "event.json"
        told.write_text(json.dumps(event))
        return {
            "GITHUB_REPOSITORY": f"organisation/{task.repository}",
            "GITHUB_REPOSITORY_OWNER": "organisation",
            "GITHUB_REF": task.ref,
            "GITHUB_SHA": task.commit,
            "GITHUB_WORKFLOW": "ci",
            "GITHUB_JOB": task.lane,
            "GITHUB_EVENT_NAME": "pull_request" if task.is_of_request else "push",
            "GITHUB_EVENT_PATH": str(told),
            "GITHUB_WORKSPACE": str(self.directory(task)),
            "RUNNER_NAME": f"runner-{task.runner}",
            "RUNNER_TEMP": str(self.temporary),
        }

    def env(self) -> dict[str, str]:
        """A home of the host: the peer's store is there."""
        home = self.copies / "home"
        home.mkdir(exist_ok=True)
        return environment(home, CARGO_HOME=str(self.home), CARGO_INCREMENTAL="0", GIT_CONFIG_GLOBAL=os.devnull)

    def root(self) -> Path:
        root = self.copies / "cache"
        root.mkdir(mode=0o700, exist_ok=True)
        return root

    def workspaces(self) -> list[Path]:
        return [self.place.directory / f"runner-{number}" for number in range(RUNNERS)]

    def directory(self, task: Task) -> Path:
        return self.workspaces()[task.runner] / task.repository / task.repository


def lay_out(repository: Repository, numbers: dict[str, int]) -> None:
    """The sources of a branch."""
    directory = repository.directory
    versions = locked()
    needs = "".join(f"{name} = {requirement(name, versions[name])}\n" for name in repository.needs)
    write(
        directory / "Cargo.toml",
        f'[workspace]\nresolver = "2"\nmembers = {json.dumps(list(MEMBERS))}\n\n[workspace.dependencies]\n{needs}',
    )
    if not (directory / "Cargo.lock").exists():
        shutil.copyfile(WORKSPACE / "Cargo.lock", directory / "Cargo.lock")
    for index, (member, paths) in enumerate(MEMBERS.items()):
        # Each of the registry's packages is needed by one of the lower members, and so by all above.
        own = [name for number, name in enumerate(repository.needs) if number % 3 == index % 3] if index < 3 else []
        lines = [f'{repository.name}-{path} = {{ path = "../{path}" }}' for path in paths] + [
            f"{name}.workspace = true" for name in own
        ]
        dependencies = "\n".join(lines)
        name = f"{repository.name}-{member}"
        write(
            directory / member / "Cargo.toml",
            f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2024"\n\n[dependencies]\n{dependencies}\n',
        )
        calls = "".join(f" + {repository.name}_{path}::weight()" for path in paths)
        uses = "".join(f"pub use {name.replace('-', '_')};\n" for name in own)
        write(
            directory / member / "src/lib.rs",
            f"{uses}/// How much it weighs.\npub fn weight() -> u64 {{\n    {numbers[member]}{calls}\n}}\n{TEST}",
        )
    write(
        directory / PROGRAM / "src/main.rs", f'fn main() {{\n    println!("{{}}", {repository.name}_{PROGRAM}::weight());\n}}\n'
    )
    write(
        directory / PROGRAM / "tests/whole.rs",
        f"#[test]\nfn it_weighs() {{\n    assert!({repository.name}_{PROGRAM}::weight() < 1 << 32);\n}}\n",
    )


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def locked() -> dict[str, str]:
    """The releases of the benchmark's lock file; of several the last."""
    packages = tomllib.loads((WORKSPACE / "Cargo.lock").read_text())["package"]
    return {package["name"]: package["version"] for package in packages}


def requirement(name: str, version: str) -> str:
    features = ', features = ["derive"]' if name in DERIVED else ""
    return f'{{ version = "{version}"{features} }}'

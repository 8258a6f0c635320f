"""What a cache is for: how long it takes from an empty workspace to the built programs, and what is kept for that."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pages.command import Failed, tell

from .layer import TARGET, Cache, Job
from .place import Place, fresh, remove
from .process import environment, run
from .results import Build, TreeSize
from .scenario import RESTORE_TAR, RSYNC, SAVE_TAR, TAR
from .trees import SMALL, check_out, measure, network_variables
from .way import Way, take_turns

COLD = "without a cache"
OURS = "runner-cache"
CLEANED_TAR = f"{TAR}, cleaned"
UNCHANGED = "nothing changed"
EDITED = "one package edited"

# Four packages and the server use it, directly or not.
EDITED_FILE = Path("parts/market/src/lib.rs")

# A dependency of many dependencies, and a release before that of the lock file.
UPDATED, OLDER = "bytes", "1.10.1"

# Swatinem/rust-cache sets this for the whole job, since it keeps nothing of incremental compilation.
PEERS_VARIABLES = {"CARGO_INCREMENTAL": "0"}

OPTIONS = "--locked --offline --quiet"


class Builds:
    """The workspace of `trees.WORKSPACE`, at one place."""

    def __init__(self, place: Place, binary: Path, made: Path, *, small: bool):
        self.place = place
        packages = f"--package {SMALL}" if small else "--workspace"
        self.product = f"lib{SMALL}.rlib" if small else "server"
        self.build = f"cargo build {packages} {OPTIONS} --message-format=json"
        self.build_tests = f"cargo test --no-run {packages} {OPTIONS}"
        # Downloads are not what is compared.
        self.job = Job(place.directory / "job", TARGET, cargo_home=made / "cargo-home")
        self.temporary = place.directory / "temporary"
        self.copies = place.directory / "copies"
        self.cache = Cache(binary, self.copies / "cache")
        self.messages = self.copies / "messages"

    def measure(self, rounds: int, say: Callable[[str], None]) -> list[Build]:
        fresh(self.copies)
        saved = self.prepare()
        builds = []
        for what, is_edited in ((UNCHANGED, False), (EDITED, True)):
            ways = self.ways(is_edited)
            say(f"{self.place.name}: workspace: {what}: {len(ways)} ways, {rounds} rounds")
            compiled: dict[str, int] = {}
            checked = [self.counting(way, compiled) for way in ways]
            for name, course in take_turns(checked, rounds, rounds, self.place, 0).items():
                builds.append(Build(self.place.name, what, name, course.seconds, compiled[name], saved.get(name)))
                say(f"  {builds[-1].median:9.3f} s  {name}, {compiled[name]} compiled")
        remove(self.job.directory, self.temporary, self.copies)
        return builds

    def prepare(self) -> dict[str, TreeSize]:
        """Jobs whose target directory all ways keep, each as it does. Returns what they keep."""
        self.work(f"{self.build_tests}; {self.build}", ["cargo", "update", "--quiet", "--package", UPDATED, "--precise", OLDER])
        self.work(self.build)
        whole, cleaned = self.copies / "target", self.copies / "cleaned"
        for to in (whole, cleaned):
            self.plain("cp", "-a", str(self.job.tree), str(to))
        clean_as_peer(cleaned, self.dependencies())
        for tree in (whole, cleaned):
            self.plain(*SAVE_TAR, str(tree), f"{tree}.tar.zst")
        remove(self.job.tree)
        run(self.cache.restore(self.job, "auto"), cwd=self.job.directory, env=self.env())
        trees = {OURS: self.job.tree, RSYNC: whole, TAR: whole, CLEANED_TAR: cleaned}
        saved = {name: measured(tree) for name, tree in trees.items()}
        if saved[OURS].bytes >= saved[RSYNC].bytes:
            raise Failed("the cache kept all of a target directory in which there is what nobody uses")
        return saved

    def work(self, builds: str, update: list[str] | None = None) -> None:
        """One job, from the checkout to the save. An update of the lock file comes before it."""
        self.check_out(is_edited=False)
        online = self.env() | network_variables()
        for command in (update, ["cargo", "fetch", "--locked", "--quiet"]):
            if command:
                run(command, cwd=self.job.directory, env=online)
        run(self.shell(self.cache.begin(self.job), builds), cwd=self.job.directory, env=self.env())
        run(self.cache.end(), cwd=self.job.directory, env=self.env())

    def dependencies(self) -> list[dict[str, Any]]:
        command = ["cargo", "metadata", "--format-version=1", "--locked", "--offline"]
        packages = json.loads(tell(command, cwd=self.job.directory, env=self.env()))["packages"]
        return [package for package in packages if package["source"]]

    def plain(self, *command: str) -> None:
        run([*command], cwd=self.copies, env=environment(self.copies))

    def ways(self, is_edited: bool) -> list[Way]:
        tree, copies = str(self.job.tree), self.copies
        restores = {
            OURS: self.cache.restore(self.job, "auto"),
            RSYNC: ["rsync", "-a", "--delete", f"{copies}/target/", f"{tree}/"],
            TAR: [*RESTORE_TAR, f"{copies}/target.tar.zst", tree],
            CLEANED_TAR: [*RESTORE_TAR, f"{copies}/cleaned.tar.zst", tree],
        }
        if not is_edited:
            restores[COLD] = []
        before = partial(self.check_out, is_edited)
        ways = []
        for name, restore in restores.items():
            env = self.env() | (PEERS_VARIABLES if name == CLEANED_TAR else {})
            ways.append(Way(name, self.shell(restore), self.job.directory, env, before=before))
        return ways

    def counting(self, way: Way, compiled: dict[str, int]) -> Way:
        def check() -> None:
            compiled[way.name] = self.count()

        return replace(way, check=check)

    def check_out(self, is_edited: bool) -> None:
        """What there is when a job begins."""
        fresh(self.temporary)
        remove(self.job.directory)
        check_out(self.job.directory)
        if is_edited:
            file = self.job.directory / EDITED_FILE
            file.write_text(file.read_text().replace("weight = 14", "weight = 15"))

    def count(self) -> int:
        """Packages of which something was compiled."""
        packages = set()
        for line in self.messages.read_text().splitlines():
            message = json.loads(line)
            if message["reason"] == "compiler-artifact" and not message["fresh"]:
                packages.add(message["package_id"])
        if not (self.job.tree / "debug" / self.product).is_file():
            raise Failed(f"{self.build}: there is no {self.product}")
        return len(packages)

    def shell(self, restore: list[str], builds: str = "") -> list[str]:
        """Restores and builds. The words of the restore are arguments, never part of the shell's text."""
        return ["bash", "-euc", f'"$@" >&2; {builds or self.build} >{self.messages}', "bash", *(restore or ["true"])]

    def env(self) -> dict[str, str]:
        return self.job.env | {"RUNNER_TEMP": str(self.temporary)}


def measured(tree: Path) -> TreeSize:
    size = measure(tree)
    return TreeSize(size.files, size.bytes)


def clean_as_peer(target: Path, dependencies: list[dict[str, Any]]) -> None:
    """Cleans by the rules of Swatinem/rust-cache: dependencies stay, and these are told by their names, whatever their
    version or hash.

    The rules are those of "Cache Details" in its README, and of `src/cleanup.ts` for which directories of a profile can hold
    dependencies at all (v2). `dependencies` are packages outside of the workspace, as `cargo metadata` describes them.
    """
    packages = {package["name"] for package in dependencies}
    libraries = {name.replace("-", "_") for name in packages | set(map(library, dependencies))}
    kept = {".fingerprint": packages, "build": packages, "deps": libraries | {f"lib{name}" for name in libraries}}
    for top in list(target.iterdir()):
        if top.is_file() and top.name != "CACHEDIR.TAG":
            remove(top)
        for part in list(top.iterdir()) if top.is_dir() else []:
            if part.name not in kept:
                remove(part)
                continue
            # What comes before the hash.
            remove(*(entry for entry in part.iterdir() if entry.name.rpartition("-")[0] not in kept[part.name]))


def library(package: dict[str, Any]) -> str:
    """The name of a package's library, which need not be its own."""
    targets = (target for target in package["targets"] if {"lib", "proc-macro"} & set(target["kind"]))
    return str(next((target["name"] for target in targets), package["name"]))

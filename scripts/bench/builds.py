"""What a cache is for: how long it takes from an empty workspace to the built programs."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from layer import TARGET, Cache, Job
from place import Place, remove
from process import Failed, environment, run
from results import Build
from scenario import RSYNC, SAVE_TAR, TAR
from trees import check_out, network_variables
from way import Way, take_turns

COLD = "without a cache"
OURS = "runner-cache"
UNCHANGED = "nothing changed"
EDITED = "one package edited"

# Four packages and the server use it, directly or not.
EDITED_FILE = Path("parts/market/src/lib.rs")

BUILD = "cargo build --workspace --locked --offline --quiet --message-format=json"


class Builds:
    """The workspace of `trees.WORKSPACE`, at one place."""

    def __init__(self, place: Place, binary: Path, made: Path):
        self.place = place
        self.job = Job(place.folder / "job", TARGET)
        self.copies = place.folder / "copies"
        self.cache = Cache(binary, self.copies / "cache")
        self.messages = self.copies / "messages"
        # A host's own, which its jobs share: downloads are not what is compared.
        self.home = made / "cargo-home"

    def measure(self, rounds: int, say: Callable[[str], None]) -> list[Build]:
        self.copies.mkdir()
        self.prepare()
        builds = []
        for what, is_edited in ((UNCHANGED, False), (EDITED, True)):
            ways = self.ways(is_edited)
            say(f"{self.place.name}: workspace: {what}: {len(ways)} ways, {rounds} rounds")
            compiled: dict[str, int] = {}
            checked = [self.counting(way, compiled) for way in ways]
            for name, course in take_turns(checked, rounds, self.place, 0).items():
                builds.append(Build(self.place.name, what, name, course.seconds, compiled[name]))
                say(f"  {builds[-1].median:9.3f} s  {name}, {compiled[name]} compiled")
        remove(self.job.folder, self.copies)
        return builds

    def prepare(self) -> None:
        """The job whose work all of them keep."""
        check_out(self.job.folder)
        env = self.env() | network_variables()
        run(["cargo", "fetch", "--locked", "--quiet"], cwd=self.job.folder, env=env)
        run(self.shell(), cwd=self.job.folder, env=env)
        run(self.cache.save(self.job), cwd=self.job.folder, env=self.env())
        target = str(self.job.tree)
        run([*SAVE_TAR, target, str(self.copies / "tar")], cwd=self.copies, env=environment(self.copies))
        run(["cp", "-a", target, str(self.copies / "target")], cwd=self.copies, env=environment(self.copies))

    def ways(self, is_edited: bool) -> list[Way]:
        restores = {
            OURS: [*self.cache.restore(self.job, "auto")],
            RSYNC: ["rsync", "-a", "--delete", f"{self.copies}/target/", f"{self.job.tree}/"],
            TAR: [
                *("bash", "-o", "pipefail", "-c", 'mkdir "$2" && zstd -dc -T0 "$1" | tar -xf - -C "$2"', "bash"),
                *(str(self.copies / "tar"), str(self.job.tree)),
            ],
        }
        if not is_edited:
            restores[COLD] = []
        before = partial(self.check_out, is_edited)
        return [Way(name, self.shell(restore), self.job.folder, self.env(), before) for name, restore in restores.items()]

    def counting(self, way: Way, compiled: dict[str, int]) -> Way:
        def check() -> None:
            compiled[way.name] = self.count()

        return Way(way.name, way.command, way.cwd, way.env, way.before, check)

    def check_out(self, is_edited: bool) -> None:
        remove(self.job.folder)
        check_out(self.job.folder)
        if is_edited:
            file = self.job.folder / EDITED_FILE
            file.write_text(file.read_text().replace("weight = 14", "weight = 15"))

    def count(self) -> int:
        """Packages of which something was compiled."""
        packages = set()
        for line in self.messages.read_text().splitlines():
            message = json.loads(line)
            if message["reason"] == "compiler-artifact" and not message["fresh"]:
                packages.add(message["package_id"])
        if not (self.job.tree / "debug" / "server").is_file():
            raise Failed(f"{BUILD}: there is no program")
        return len(packages)

    def shell(self, restore: list[str] | None = None) -> list[str]:
        """Restores and builds. The words of the restore are arguments, never part of the shell's text."""
        return ["bash", "-euc", f'"$@" >&2; {BUILD} >{self.messages}', "bash", *(restore or ["true"])]

    def env(self) -> dict[str, str]:
        return self.job.env | {"CARGO_HOME": str(self.home)}

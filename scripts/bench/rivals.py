"""Rivals in turn: what each takes from the checkout to the built programs, in what happens to a repository day by day."""

import json
import os
import random
import shlex
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from pages.command import Failed, tell

from .gate import NOTHING, Counted, Gate, check, prove, refuses
from .memory import Peak
from .place import Place, fresh, remove
from .process import environment, run
from .project import OWN, PUBLIC, Commit, Project, Projects
from .results import Trial
from .rival import MBX, NONE, SCCACHE, Rival, Task, all_of
from .way import seconds_of_all

COLD, WARM, LEAF, CORE, BACK, ELSEWHERE = "cold", "warm", "leaf", "core", "back", "path"
BRANCH, BUMP, FEATURE, TOOLCHAIN, FOUR = "branch", "bump", "feature", "toolchain", "four"

# In the order in which they come, and what they are.
SCENARIOS = {
    COLD: "nothing is kept yet",
    WARM: "the same commit again, at the same path",
    LEAF: "a commit to a package that no other needs",
    CORE: "a commit to a package that most others need",
    BACK: "back to the commit before that",
    ELSEWHERE: "the same commit at another path",
    BRANCH: "the first build of another branch, with a commit to the leaf",
    BUMP: "another release of a dependency",
    FEATURE: "another feature of a dependency",
    TOOLCHAIN: "another toolchain",
    FOUR: "check, clippy, test and build at once, cold",
}

# What a scenario needs to have been before it, besides a cold build.
NEEDS = {BACK: (CORE,)}

# At another path a way may rightly compile all.
GATES = {COLD: Gate.COLD, WARM: Gate.WARM, BACK: Gate.WARM, TOOLCHAIN: Gate.OTHER_TOOLCHAIN}

MAIN, TOPIC = "refs/heads/main", "refs/heads/topic"

# The jobs that run at once. Benchmarks of a public project may want a nightly toolchain, and its lints are not ours to mend.
CHECKED = ["--lib", "--bins", "--tests", "--examples"]
LANES = {
    "check": ["check", *CHECKED],
    "clippy": ["clippy", *CHECKED],
    "test": ["test", "--no-run"],
    "build": ["build"],
}
WORDS_OF_TOOL = {"clippy": ["--", "--cap-lints=warn"]}

OPTIONS = ["--locked", "--offline", "--quiet", "--message-format=json"]


@dataclass(frozen=True)
class Setting:
    """How cargo builds."""

    name: str
    words: tuple[str, ...]
    is_incremental: bool


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("debug", (), is_incremental=False),
        Setting("debug-incremental", (), is_incremental=True),
        Setting("release", ("--release",), is_incremental=False),
        Setting("release-incremental", ("--release",), is_incremental=True),
    )
}

# For each project and setting its scenarios.
Usual = dict[tuple[str, str], tuple[str, ...]]

# What is run unless somebody chooses: all of it takes a working day. And what with --quick.
DAILY = (COLD, WARM, LEAF, CORE, BACK)
USUAL: Usual = {
    (OWN, "debug"): tuple(name for name in SCENARIOS if name not in (FEATURE, FOUR)),
    (PUBLIC, "debug"): tuple(SCENARIOS),
    (PUBLIC, "debug-incremental"): DAILY,
    (PUBLIC, "release"): DAILY,
    (PUBLIC, "release-incremental"): DAILY,
}
QUICK: Usual = {(PUBLIC, "debug"): tuple(SCENARIOS)}

# Seconds of a warm round after which a way does each scenario once: further rounds would take long and show the same.
SLOW = 20.0


@dataclass(frozen=True)
class Chosen:
    """What to run; what is empty is as usual."""

    projects: tuple[str, ...]
    settings: tuple[str, ...]
    scenarios: tuple[str, ...]

    def courses(self, usual: Usual) -> Iterator[tuple[str, Setting, tuple[str, ...]]]:
        for project in self.projects or dict.fromkeys(project for project, _ in usual):
            of_project = {setting: scenarios for (name, setting), scenarios in usual.items() if name == project}
            for setting in self.settings or of_project or ("debug",):
                wanted = {COLD, *(self.scenarios or of_project.get(setting, tuple(SCENARIOS)))}
                wanted |= {need for name in wanted for need in NEEDS.get(name, ())}
                yield project, SETTINGS[setting], tuple(name for name in SCENARIOS if name in wanted)


@dataclass
class Course:
    """How one way did in one scenario."""

    seconds: list[float] = field(default_factory=list)
    save_seconds: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)
    peak_bytes: int = 0
    kept_bytes: int = 0
    counted: Counted = NOTHING


class Rivals:
    """All courses at one place, with each way in turn: each does a round before the next one."""

    def __init__(self, place: Place, binary: Path, made: Path, *, small: bool):
        self.place = place
        self.temporary = place.directory / "temporary"
        self.messages = place.directory / "messages"
        self.copies = place.directory / "copies"
        fresh(self.copies)
        self.cargo_home = made / "rivals-cargo-home"
        self.made = made
        self.small = small
        self.rivals = all_of(self.copies / "rivals", binary)
        self.other_toolchain = other_toolchain()
        self.random = random.Random(26)

    def measure(
        self, chosen: Chosen, rounds: int, done: set[tuple[str, str]], say: Callable[[str], None]
    ) -> Iterator[tuple[Project, Trial]]:
        """The trials as they come. The projects and settings that are `done` are left out."""
        prove()
        projects = Projects(self.made, environment(self.copies, CARGO_HOME=str(self.cargo_home)), small=self.small)
        try:
            for name, setting, scenarios in chosen.courses(QUICK if self.small else USUAL):
                if (name, setting.name) in done:
                    continue
                yield from self.course(projects.make(name), setting, scenarios, rounds, say)
        finally:
            for rival in self.rivals:
                rival.stop()
            remove(self.copies, self.temporary, self.messages)

    def course(
        self, project: Project, setting: Setting, scenarios: tuple[str, ...], rounds: int, say: Callable[[str], None]
    ) -> Iterator[tuple[Project, Trial]]:
        """All scenarios of a project, built in one way."""
        for rival in self.rivals:
            rival.clear(self.cargo_home)
        found: dict[tuple[str, str], Course] = {}
        for scenario, commit, is_repeated in commits(scenarios, rounds):
            if scenario == FOUR:
                # They begin with nothing.
                for rival in self.rivals:
                    rival.clear(self.cargo_home)
            for rival in self.random.sample(self.rivals, len(self.rivals)):
                warm = found.get((WARM, rival.name), Course()).seconds
                # Where nothing is kept each build is the cold one.
                if (is_repeated and warm and warm[0] > SLOW) or not (rival.is_kept or scenario in (COLD, FOUR)):
                    continue
                course = found.setdefault((scenario, rival.name), Course())
                about = f"{project.name}, {setting.name}: {scenario}: {rival.name}"
                self.round(project, setting, scenario, commit, rival, course, about)
                say(f"{about}: {course.seconds[-1]:.2f} s; {course.counted.spared} of {course.counted.units} units spared")
        if self.small:
            self.break_gates(project, setting, say)
        for (scenario, way), course in found.items():
            counted = course.counted
            yield (
                project,
                Trial(
                    self.place.name,
                    project.name,
                    setting.name,
                    scenario,
                    way,
                    course.seconds,
                    course.save_seconds,
                    course.processor_seconds,
                    course.peak_bytes,
                    course.kept_bytes,
                    counted.units,
                    counted.spared,
                ),
            )

    def round(
        self, project: Project, setting: Setting, scenario: str, commit: Commit, rival: Rival, course: Course, about: str
    ) -> None:
        fresh(self.temporary)
        fresh(self.messages)
        tasks = self.tasks(rival, scenario)
        for task in tasks:
            task.temporary.mkdir()
            fresh(task.directory.parent)
            project.check_out(task.directory, commit)
        env = {"CARGO_INCREMENTAL": str(int(setting.is_incremental))}
        if scenario == TOOLCHAIN:
            env["RUSTUP_TOOLCHAIN"] = self.other_toolchain
        before = rival.brought(tasks[0])
        self.place.settle()
        used = seconds_of_all()
        with Peak() as peak, ThreadPoolExecutor(len(tasks)) as at_once:
            jobs = [at_once.submit(self.build, project, setting, rival, task, env) for task in tasks]
            course.seconds.append(max(job.result() for job in jobs))
        course.processor_seconds.append(seconds_of_all() - used)
        course.peak_bytes = max(course.peak_bytes, peak.bytes)
        course.counted = self.count(rival.brought(tasks[0]) - before)
        check(GATES.get(scenario, Gate.ANY), course.counted, is_kept=rival.is_kept, about=about)
        saves = [run(command, cwd=task.directory, env=env | rival.env(task)) for task in tasks for command in rival.save(task)]
        course.save_seconds.append(sum(saves))
        # What a save left running writes still.
        self.place.settle()
        course.kept_bytes = rival.kept_bytes()
        remove(*(task.directory.parent for task in tasks))

    def tasks(self, rival: Rival, scenario: str) -> list[Task]:
        """Runners are installed in the home of their user; where a workspace lies elsewhere, mbx finds less at another path."""
        workspaces = [rival.home / f"runner-{number}" / "bench" for number in range(len(LANES))]
        if scenario == FOUR:
            places = zip(workspaces, LANES, strict=True)
            return [Task(directory, MAIN, lane, self.temporary / lane) for directory, lane in places]
        directory = workspaces[1 if scenario == ELSEWHERE else 0]
        return [Task(directory, TOPIC if scenario == BRANCH else MAIN, "build", self.temporary / "build")]

    def build(self, project: Project, setting: Setting, rival: Rival, task: Task, env: dict[str, str]) -> float:
        """Seconds of restore and build. The words of the restore are arguments, never part of the shell's text."""
        # Of another toolchain it is only told whether anything served.
        packages = project.few_packages if "RUSTUP_TOOLCHAIN" in env else project.packages
        words = [*rival.cargo, *LANES[task.lane], *packages, *setting.words, *OPTIONS, *WORDS_OF_TOOL.get(task.lane, [])]
        script = f'"$@" >&2; {shlex.join(words)} >{shlex.quote(str(self.messages / task.lane))}'
        command = ["bash", "-euc", script, "bash", *rival.restore(task)]
        return run(command, cwd=task.directory, env=env | rival.env(task))

    def count(self, brought: int) -> Counted:
        """What cargo told of all builds of a round; a wrapper has brought units of which it does not know that, and for
        each build script perhaps what that compiled to find out about the compiler, which is no unit."""
        units = spared = scripts = 0
        for path in self.messages.iterdir():
            for line in path.read_text().splitlines():
                message = json.loads(line) if line.startswith("{") else {}
                if message.get("reason") == "compiler-artifact":
                    units += 1
                    spared += message["fresh"]
                scripts += message.get("reason") == "build-script-executed"
        spared += brought
        return Counted(units, units if units < spared <= units + scripts else spared)

    def break_gates(self, project: Project, setting: Setting, say: Callable[[str], None]) -> None:
        """Rounds that are not what they are called: each way's gates have to refuse them."""
        for rival in self.rivals:
            if rival.is_kept:
                # What came before may have been elsewhere.
                self.again(project, setting, rival)
                counted = self.again(project, setting, rival)
                for gate in (Gate.COLD, Gate.OTHER_TOOLCHAIN):
                    if not refuses(gate, counted, is_kept=True):
                        raise Failed(f"{rival.name}: a warm round passes for {gate.value}: {counted}")
                rival.clear(self.cargo_home)
                counted = self.again(project, setting, rival)
                if not refuses(Gate.WARM, counted, is_kept=True):
                    raise Failed(f"{rival.name}: a round with nothing kept passes for a warm one: {counted}")
                say(f"{rival.name}: the gates refuse a warm round as a cold one, and a cold one as a warm one")

    def again(self, project: Project, setting: Setting, rival: Rival) -> Counted:
        course = Course()
        self.round(project, setting, LEAF, Commit(), rival, course, f"{rival.name}: gates")
        return course.counted


def commits(scenarios: tuple[str, ...], rounds: int) -> Iterator[tuple[str, Commit, bool]]:
    """What is built, round by round, and whether the scenario was there before."""
    now = Commit()
    yield COLD, now, False
    for number in range(rounds if WARM in scenarios else 0):
        yield WARM, now, number > 0
    edited = [name for name in (LEAF, CORE, BACK) if name in scenarios]
    for number in range(1, (rounds if edited else 0) + 1):
        if LEAF in edited:
            now = replace(now, leaf=number)
            yield LEAF, now, number > 1
        if CORE in edited:
            yield CORE, replace(now, core=number), number > 1
        if BACK in edited:
            yield BACK, now, number > 1
    for number in range(rounds if ELSEWHERE in scenarios else 0):
        yield ELSEWHERE, now, number > 0
    others = {BRANCH: replace(now, leaf=rounds + 1), BUMP: replace(now, is_bumped=True), FEATURE: replace(now, has_feature=True)}
    for name in (BRANCH, BUMP, FEATURE, TOOLCHAIN, FOUR):
        if name in scenarios:
            yield name, others.get(name, now), False


def programs() -> dict[str, str]:
    """What is compared, in its own words."""
    found = {MBX: os.environ["MBX"], SCCACHE: os.environ["SCCACHE"], NONE: "cargo"}
    return {name: tell([program, "--version"]) for name, program in found.items()}


def other_toolchain() -> str:
    """One that is installed besides the one in use."""
    version = partial(tell, ["rustc", "--version"])
    mine = version()
    for line in tell(["rustup", "toolchain", "list"]).splitlines():
        name = line.split()[0]
        with_it = os.environ | {"RUSTUP_TOOLCHAIN": name}
        if version(env=with_it) != mine:
            return name
    raise Failed("there is only one toolchain; hint: rustup toolchain install nightly --profile minimal")

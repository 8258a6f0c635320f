"""What the runs found, as it lies in their files and goes into the page."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class Unusable(Exception):
    """Something without which there is no page. The text is for the user."""


@dataclass(frozen=True)
class Made:
    """When a part was run, and of what."""

    date: str
    commit: str
    machine: dict[str, str]


@dataclass(frozen=True)
class Thrash:
    made: Made
    file_system: str
    figures: dict[str, Any]

    def count(self, name: str) -> int:
        """A figure by its dotted name; of a group the sum."""
        value: Any = self.figures
        for part in name.split("."):
            value = value.get(part, {}) if isinstance(value, dict) else {}
        return total(value)


@dataclass(frozen=True)
class Judge:
    """Random histories of builds on one file system, each job compared with a clean build."""

    file_system: str
    # The first; those of further histories follow it.
    seed: int
    seconds: int
    histories: int
    shapes: int
    jobs: int
    compared: int
    hits: int
    units: int
    fresh: int
    # Jobs that cargo alone gets wrong as well, on the directories that stay.
    also_without: int
    # In %, of the units that need not have been compiled: those that an earlier job had built at the same path, or anywhere.
    needless_one_path: float
    needless_any_path: float
    # Units compiled needlessly at one path, by the feature of cargo that they belong to.
    needless_by_shape: dict[str, int]


@dataclass(frozen=True)
class Judged:
    made: Made
    runs: list[Judge]


@dataclass(frozen=True)
class Target:
    name: str
    seconds: int
    runs: int


@dataclass(frozen=True)
class Fuzz:
    # Of a file that scripts/fuzz.sh itself wrote nothing is known.
    made: Made | None
    targets: list[Target]


@dataclass(frozen=True)
class Results:
    thrashes: list[Thrash]
    fuzz: Fuzz
    # By the column's name.
    year: dict[str, list[int]]


@dataclass(frozen=True)
class Variant:
    """A second runner's run of a test suite, by what became of the first one's workspace."""

    units: int
    compiled: int


@dataclass(frozen=True)
class Project:
    program: str
    version: str
    shows: str
    tests: int
    failed_in_clean_build: int
    flaky: int
    variants: dict[str, Variant]


@dataclass(frozen=True)
class Projects:
    made: Made
    projects: list[Project]


@dataclass(frozen=True)
class Suite:
    """One of the project's suites with one cargo."""

    cargo: str
    layout: str
    suite: str
    passed: int


@dataclass(frozen=True)
class Cargos:
    made: Made
    suites: list[Suite]


# What the judge's figures are called there and here.
COUNTED = ("file_system", "seed", "seconds", "histories", "shapes", "jobs", "compared", "hits", "units", "fresh", "also_without")


def total(value: dict[str, Any] | int) -> int:
    return sum(total(each) for each in value.values()) if isinstance(value, dict) else value


def read_thrash(path: Path) -> Thrash:
    value = json.loads(path.read_text())
    try:
        found = Thrash(read_made(value), value["file_system"], value["figures"])
        wrong = {name: found.figures[name] for name in ("corrupt", "lost", "failed")}
    except KeyError as error:
        raise Unusable(f"{path}: has no {error}; hint: give what lies in target/reliability") from error
    if any(wrong.values()):
        raise Unusable(f"{path}: this run found something wrong: {wrong}")
    return found


def read_judge(path: Path) -> Judged:
    value = json.loads(path.read_text())
    runs = []
    for figures in value["figures"]:
        if figures["stale"]:
            raise Unusable(f"{path}: {figures['stale']} jobs of the run on {figures['file_system']} were stale")
        needless = figures["needless"]
        counts = {name: figures[name] for name in COUNTED}
        runs.append(
            Judge(
                **counts,
                needless_one_path=needless["one_path"],
                needless_any_path=needless["any_path"],
                needless_by_shape=figures["needless_at_one_path"]["by_shape"],
            )
        )
    return Judged(read_made(value), runs)


def read_fuzz(path: Path) -> Fuzz:
    value = json.loads(path.read_text())
    made, figures = (None, value) if isinstance(value, list) else (read_made(value), value["figures"])
    if crashed := [target["target"] for target in figures if target["crashes"]]:
        raise Unusable(f"{path}: broken: {', '.join(crashed)}")
    return Fuzz(made, [Target(target["target"], target["seconds"], target["runs"]) for target in figures])


def read_projects(path: Path) -> Projects:
    value = json.loads(path.read_text())
    found = []
    for figures in value["figures"]:
        variants = figures["variants"]
        if wrong := [name for name, variant in variants.items() if variant["differing"]]:
            raise Unusable(f"{path}: {figures['program']} differs from a clean build: {', '.join(wrong)}")
        found.append(
            Project(
                program=figures["program"],
                version=figures["version"],
                shows=figures["shows"],
                tests=figures["tests"],
                failed_in_clean_build=figures["failed_in_clean_build"],
                flaky=len(figures["flaky"]),
                variants={name: Variant(variant["units"], variant["compiled"]) for name, variant in variants.items()},
            )
        )
    return Projects(read_made(value), found)


def read_cargos(path: Path) -> Cargos:
    value = json.loads(path.read_text())
    for figures in value["figures"]:
        if figures["failed"]:
            told = f"{figures['suite']} with cargo {figures['cargo']}, {figures['layout']} layout"
            raise Unusable(f"{path}: {told}: {', '.join(figures['failed'])}")
    names = ("cargo", "layout", "suite", "passed")
    return Cargos(read_made(value), [Suite(*(figures[name] for name in names)) for figures in value["figures"]])


def read_made(value: dict[str, Any]) -> Made:
    return Made(value["date"], value["commit"], value["machine"])


def read_year(path: Path) -> dict[str, list[int]]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or "day" not in rows[0]:
        raise Unusable(f"{path}: is no curve of days")
    return {name: [int(row[name]) for row in rows] for name in rows[0]}

"""What a run found, as it lies in results.json and goes into the page."""

import json
import re
import statistics
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import pandas as pd


class Part(StrEnum):
    """What is run by itself, and has results and a page of its own."""

    TREES = "trees"
    GROWTH = "growth"
    FLEET = "fleet"
    WEEK = "week"
    RIVALS = "rivals"


# What tells one figure from another, and what it has of each round.
FIGURE = ["place", "tree", "operation", "way"]
ROUNDS = ["seconds", "own_seconds", "all_seconds"]


@dataclass(frozen=True)
class Figure:
    """One way of one operation on one tree at one place."""

    place: str
    tree: str
    operation: str
    way: str
    seconds: list[float]
    disk_bytes: int | None
    # The most memory that a further run held; not asked of every way.
    peak_bytes: int | None
    # Of each round the time on the processors: its own, and of all that ran meanwhile, the kernel's threads among it.
    own_seconds: list[float]
    all_seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Count:
    """System calls for each file of a tree, those that a miss takes as well left out."""

    place: str
    tree: str
    operation: str
    way: str
    per_file: dict[str, float]


@dataclass(frozen=True)
class Profile:
    """Where the time of a way went that takes longer than it should."""

    place: str
    tree: str
    operation: str
    way: str
    # See `kernel.py`.
    stacks: dict[str, int]


@dataclass(frozen=True)
class TreeSize:
    files: int
    bytes: int


@dataclass(frozen=True)
class Build:
    """From an empty workspace to the built programs."""

    place: str
    what: str
    way: str
    seconds: list[float]
    # Of the workspace's packages and their dependencies.
    compiled: int
    # What was kept for it.
    saved: TreeSize | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Fleet:
    """The first jobs of many repositories, one after another."""

    place: str
    way: str
    # Of each job: from the checkout to the end of the save.
    seconds: list[float]
    # Of each job: units of dependencies.
    compiled: list[int]
    # How many different ones there are in all.
    distinct: int
    # Of all that was kept.
    disk_bytes: int


@dataclass(frozen=True)
class Week:
    """A simulated week of jobs."""

    place: str
    way: str
    # Of each job: restore and build.
    seconds: list[float]
    # Of each job, where cargo tells it: units.
    compiled: list[int]
    # How many units no cache could have had.
    ideal: int


@dataclass(frozen=True)
class Trial:
    """What one way took for one scenario of one project."""

    place: str
    project: str
    setting: str
    scenario: str
    way: str
    # Of each round: of restore and build, of the save after it, and on the processors of all that ran meanwhile.
    seconds: list[float]
    save_seconds: list[float]
    processor_seconds: list[float]
    # The most memory that all processes together had more than before.
    peak_bytes: int
    # Of all that is kept after the last round.
    kept_bytes: int
    # Of the last round: what cargo built or took, and how much of that no compiler made.
    units: int
    spared: int

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class PlaceKind:
    file_system: str
    can_reflink: bool


@dataclass(frozen=True)
class Program:
    """What the program weighs, in bytes as it is and as it is downloaded, and how many packages are in it besides its own."""

    size: int
    packed: int
    packages: int


@dataclass
class Results:
    """What one run of a part found, on one machine."""

    part: Part
    date: str
    commit: str
    rounds: int
    quick: bool
    machine: dict[str, str]
    # What else a reader has to know of the run.
    note: str = ""
    program: Program | None = None
    trees: dict[str, TreeSize] = field(default_factory=dict)
    places: dict[str, PlaceKind] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    profiles: list[Profile] = field(default_factory=list)
    builds: list[Build] = field(default_factory=list)
    fleets: list[Fleet] = field(default_factory=list)
    weeks: list[Week] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    # What the projects of the trials are, and which programs were compared.
    projects: dict[str, str] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)

    def medians(self) -> pd.DataFrame:
        """A row for each figure, in their order: medians of `seconds`, of the way's `own` and of others' `beside` on the
        processors; `disk` and `peak` bytes; the `rounds`, and the `files` of the tree."""
        names = [each.name for each in fields(Figure)]
        rounds = pd.DataFrame([asdict(figure) for figure in self.figures], columns=names).explode(ROUNDS)
        rounds[ROUNDS] = rounds[ROUNDS].astype(float)
        # The kernel counts the two in different steps. On a quiet machine the others are its threads.
        rounds["beside"] = (rounds["all_seconds"] - rounds["own_seconds"]).clip(lower=0)
        files = {name: size.files for name, size in self.trees.items()}
        return (
            rounds.groupby(FIGURE, sort=False)
            .agg(
                seconds=("seconds", "median"),
                own=("own_seconds", "median"),
                beside=("beside", "median"),
                disk=("disk_bytes", "first"),
                peak=("peak_bytes", "first"),
                rounds=("seconds", "size"),
            )
            .reset_index()
            .assign(files=lambda table: table["tree"].map(files).astype("Int64"))
        )

    def find(self, place: str, tree: str, operation: str, way: str) -> Figure | None:
        for figure in self.figures:
            if (figure.place, figure.tree, figure.operation, figure.way) == (place, tree, operation, way):
                return figure
        return None

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


LISTS: dict[str, Any] = {
    "figures": Figure,
    "counts": Count,
    "profiles": Profile,
    "builds": Build,
    "fleets": Fleet,
    "weeks": Week,
    "trials": Trial,
}


def profile_title(profile: Profile) -> str:
    return f"{profile.place}, {profile.tree}: {profile.operation}: {profile.way}"


def profile_name(part: Part, profile: Profile) -> str:
    """Of the picture."""
    words = re.findall(r"\w+", f"{part} {profile.place} {profile.tree} {profile.operation} {profile.way}")
    return f"profile-{'-'.join(words)}.svg"


def read(path: Path) -> Results:
    values = json.loads(path.read_text())
    values["part"] = Part(values["part"])
    for name, of in (("trees", TreeSize), ("places", PlaceKind)):
        values[name] = {key: of(**value) for key, value in values[name].items()}
    values["program"] = Program(**told) if (told := values.get("program")) else None
    for build in values["builds"]:
        build["saved"] = build["saved"] and TreeSize(**build["saved"])
    for name, of in LISTS.items():
        # A part that came later is not in what was written before.
        values[name] = [of(**value) for value in values.get(name, [])]
    return Results(**values)

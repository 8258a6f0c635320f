"""What a run found, as it lies in results.json and goes into the page."""

import json
import re
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

# Lists of results that stand by themselves.
PARTS = ("builds", "fleets", "weeks")


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
    peak_bytes: int | None = None
    # Of each round the time on the processors: its own, and of all that ran meanwhile, the kernel's threads among it.
    own_seconds: list[float] = field(default_factory=list)
    all_seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def own_median(self) -> float | None:
        return statistics.median(self.own_seconds) if self.own_seconds else None

    @property
    def beside_median(self) -> float | None:
        """What others took of the processors, which on a quiet machine are the kernel's threads."""
        both = zip(self.all_seconds, self.own_seconds, strict=True)
        # The kernel counts the two in different steps.
        return statistics.median(max(0.0, of_all - own) for of_all, own in both) if self.own_seconds else None


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
    # See `stacks.py`.
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
class PlaceKind:
    file_system: str
    can_reflink: bool


@dataclass(frozen=True)
class Origin:
    """A run."""

    commit: str
    date: str
    machine: dict[str, str]


@dataclass
class Results:
    date: str
    commit: str
    rounds: int
    quick: bool
    machine: dict[str, str]
    trees: dict[str, TreeSize] = field(default_factory=dict)
    places: dict[str, PlaceKind] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    profiles: list[Profile] = field(default_factory=list)
    builds: list[Build] = field(default_factory=list)
    fleets: list[Fleet] = field(default_factory=list)
    weeks: list[Week] = field(default_factory=list)
    # Of trees that differ in their number of files alone.
    growth: list[Figure] = field(default_factory=list)
    # Of file systems, and of the lists above, that come from runs of their own: of which.
    origins: dict[str, Origin] = field(default_factory=dict)

    @property
    def origin(self) -> Origin:
        return Origin(self.commit, self.date, self.machine)

    def find(self, place: str, tree: str, operation: str, way: str) -> Figure | None:
        for figure in self.figures:
            if (figure.place, figure.tree, figure.operation, figure.way) == (place, tree, operation, way):
                return figure
        return None

    def complete(self, other: "Results") -> None:
        """Takes from an earlier run what this one did not measure. What is compared with each other is of one machine; a part
        that stands by itself tells if its own was another one."""
        lacking = [place for place in other.places if place not in self.places and other.figures]
        for name in ("machine", "rounds", "quick") if lacking else ():
            if getattr(self, name) != getattr(other, name):
                raise ValueError(f"these runs differ in their {name}")
        for place in lacking:
            self.places[place] = other.places[place]
            self.figures += [figure for figure in other.figures if figure.place == place]
            self.counts += [count for count in other.counts if count.place == place]
            self.profiles += [profile for profile in other.profiles if profile.place == place]
            self.note_origin(place, other)
        self.take_parts([part for part in PARTS if not getattr(self, part)], other)
        grown = {figure.place for figure in self.growth}
        self.take_growth([figure for figure in other.growth if figure.place not in grown], other)
        self.trees = other.trees | self.trees

    def renew(self, other: "Results") -> None:
        """Takes the parts that stand by themselves from a later run."""
        self.take_parts(PARTS, other)
        self.take_growth(other.growth, other)
        self.trees |= other.trees

    def take_parts(self, parts: Iterable[str], other: "Results") -> None:
        """Those that the other one has."""
        for part in parts:
            if getattr(other, part):
                setattr(self, part, getattr(other, part))
                self.note_origin(part, other)

    def take_growth(self, growth: list[Figure], other: "Results") -> None:
        """Instead of what this one has of these places, profiles of such trees among it."""
        places = dict.fromkeys(figure.place for figure in growth)
        self.growth = [figure for figure in self.growth if figure.place not in places] + growth
        for place in places:
            self.note_origin(growth_of(place), other)
        theirs = {(figure.place, figure.tree) for figure in growth}
        self.profiles = [each for each in self.profiles if (each.place, each.tree) not in theirs]
        self.profiles += [each for each in other.profiles if (each.place, each.tree) in theirs]

    def note_origin(self, part: str, other: "Results") -> None:
        origin = other.origins.get(part, other.origin)
        self.origins.pop(part, None)
        if origin != self.origin:
            self.origins[part] = origin

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def growth_of(place: str) -> str:
    """The part of the results that it is."""
    return f"growth on {place}"


def profile_title(profile: Profile) -> str:
    return f"{profile.place}, {profile.tree}: {profile.operation}: {profile.way}"


def profile_name(profile: Profile) -> str:
    """Of the picture."""
    words = re.findall(r"\w+", f"{profile.place} {profile.tree} {profile.operation} {profile.way}")
    return f"profile-{'-'.join(words)}.svg"


def read(path: Path) -> Results:
    values = json.loads(path.read_text())
    values["trees"] = {name: TreeSize(**size) for name, size in values["trees"].items()}
    values["places"] = {name: PlaceKind(**kind) for name, kind in values["places"].items()}
    values["figures"] = [Figure(**figure) for figure in values["figures"]]
    values["counts"] = [Count(**count) for count in values["counts"]]
    values["profiles"] = [Profile(**profile) for profile in values.get("profiles", [])]
    for build in values["builds"]:
        build["saved"] = TreeSize(**build["saved"]) if build.get("saved") else None
    values["builds"] = [Build(**build) for build in values["builds"]]
    values["fleets"] = [Fleet(**fleet) for fleet in values.get("fleets", [])]
    values["weeks"] = [Week(**week) for week in values.get("weeks", [])]
    values["origins"] = {part: Origin(**origin) for part, origin in values.get("origins", {}).items()}
    values["growth"] = [Figure(**figure) for figure in values.get("growth", [])]
    return Results(**values)


def merged(parts: list[Results]) -> Results:
    """Runs on one machine as one, what is later before what is earlier: the last one that measured file systems, what came
    after it, and from those before it what is in none of these."""
    index = max((index for index, part in enumerate(parts) if part.figures), default=len(parts) - 1)
    whole = parts[index]
    order = dict.fromkeys(place for part in parts for place in part.places)
    for part in parts[index + 1 :]:
        whole.renew(part)
    for part in reversed(parts[:index]):
        whole.complete(part)
    whole.places = {place: whole.places[place] for place in order if place in whole.places}
    return whole

"""What a run found, as it lies in results.json and goes into the page."""

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path


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
class PlaceKind:
    file_system: str
    can_reflink: bool


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
    builds: list[Build] = field(default_factory=list)
    fleets: list[Fleet] = field(default_factory=list)
    # Where these two come from runs of their own: of which commit and day.
    origins: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"commit {self.commit}, {self.date}"

    def find(self, place: str, tree: str, operation: str, way: str) -> Figure | None:
        for figure in self.figures:
            if (figure.place, figure.tree, figure.operation, figure.way) == (place, tree, operation, way):
                return figure
        return None

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def read(path: Path) -> Results:
    values = json.loads(path.read_text())
    values["trees"] = {name: TreeSize(**size) for name, size in values["trees"].items()}
    values["places"] = {name: PlaceKind(**kind) for name, kind in values["places"].items()}
    values["figures"] = [Figure(**figure) for figure in values["figures"]]
    values["counts"] = [Count(**count) for count in values["counts"]]
    for build in values["builds"]:
        build["saved"] = TreeSize(**build["saved"]) if build.get("saved") else None
    values["builds"] = [Build(**build) for build in values["builds"]]
    values["fleets"] = [Fleet(**fleet) for fleet in values.get("fleets", [])]
    return Results(**values)


def merged(parts: list[Results]) -> Results:
    """Runs of one binary on several file systems as one. What comes from a run of its own may be of another commit."""
    first = parts[0]
    for part in parts[1:]:
        for name in ("commit", "machine", "rounds", "quick") if part.figures else ("machine",):
            if getattr(part, name) != getattr(first, name):
                raise ValueError(f"these runs differ in their {name}")
        for name in ("builds", "fleets"):
            if getattr(part, name) and part.commit != first.commit:
                first.origins[name] = part.origin
        first.trees |= part.trees
        first.places |= part.places
        first.figures += part.figures
        first.counts += part.counts
        first.builds += part.builds
        first.fleets += part.fleets
    return first

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
class Build:
    """From an empty workspace to the built programs."""

    place: str
    what: str
    way: str
    seconds: list[float]
    # Of the workspace's packages and their dependencies.
    compiled: int

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class TreeSize:
    files: int
    bytes: int


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
    values["builds"] = [Build(**build) for build in values["builds"]]
    return Results(**values)


def merged(parts: list[Results]) -> Results:
    """Runs of one binary on several file systems as one."""
    first = parts[0]
    for part in parts[1:]:
        for name in ("commit", "machine", "rounds", "quick"):
            if getattr(part, name) != getattr(first, name):
                raise ValueError(f"these runs differ in their {name}")
        first.trees |= part.trees
        first.places |= part.places
        first.figures += part.figures
        first.counts += part.counts
        first.builds += part.builds
    return first

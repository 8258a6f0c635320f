"""The ratios that are to be reached, as data, and whether they are. Nothing here measures."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from . import scenario as m
from .kernel import of_tables
from .released import EMPTY, FOUND
from .results import PlaceKind, Program, Results
from .scenario import ACROSS, COPIES, IDLE, LINKS, MANY, REFLINK, RSYNC, RSYNC_EMPTY, TAR, cleaning, miss_among
from .week import MBX, OURS

AUTO, COPY, SAVE = "runner-cache auto", "runner-cache copy", "runner-cache save"
PLAIN = "cp -a"
BOTH_TREES = (m.TARGET_TREE, m.REGISTRY_TREE)


@dataclass(frozen=True)
class Requirement:
    """The median of a way is at most `most` times that of another way of the same operation."""

    tree: str
    operation: str
    way: str
    other: str
    most: float
    applies: Callable[[PlaceKind], bool]


def on_ext4(place: PlaceKind) -> bool:
    return place.file_system == "ext4"


def where_extents_are_shared(place: PlaceKind) -> bool:
    return place.can_reflink


def where_extents_are_not_shared(place: PlaceKind) -> bool:
    return not place.can_reflink


def everywhere(_: PlaceKind) -> bool:
    return True


# Of restores into an absent directory where files can share extents.
SHARED_EXTENTS = [
    Requirement(m.TARGET_TREE, m.RESTORE_NEW, AUTO, RSYNC, 1 / 50, where_extents_are_shared),
    Requirement(m.TARGET_TREE, m.RESTORE_NEW, AUTO, REFLINK, 0.9, where_extents_are_shared),
    Requirement(m.TARGET_TREE, m.RESTORE_NEW, AUTO, TAR, 1 / 25, where_extents_are_shared),
    Requirement(m.REGISTRY_TREE, m.RESTORE_NEW, AUTO, RSYNC, 1 / 4, where_extents_are_shared),
    Requirement(m.REGISTRY_TREE, m.RESTORE_NEW, AUTO, REFLINK, 0.8, where_extents_are_shared),
]

RATIOS = [
    Requirement(m.TARGET_TREE, m.RESTORE_NEW, AUTO, RSYNC, 1 / 30, on_ext4),
    Requirement(m.TARGET_TREE, m.RESTORE_NEW, COPY, RSYNC, 1 / 3, on_ext4),
    Requirement(m.TARGET_TREE, m.RESTORE_NEW, COPY, PLAIN, 0.8, on_ext4),
    Requirement(m.TARGET_TREE, m.RESTORE_NEW, AUTO, TAR, 1 / 25, where_extents_are_not_shared),
    Requirement(m.REGISTRY_TREE, m.RESTORE_NEW, AUTO, RSYNC, 1 / 7, on_ext4),
    *SHARED_EXTENTS,
    # The same holds where no file may be hard-linked. What ext4 pays has no bound: there it is a copy.
    *(replace(rule, way=ACROSS) for rule in SHARED_EXTENTS),
    *(Requirement(tree, m.RESTORE_AGAIN, AUTO, RSYNC, 1 / 4, everywhere) for tree in BOTH_TREES),
    *(Requirement(tree, m.RESTORE_CHANGED, AUTO, RSYNC, 1 / 4, everywhere) for tree in BOTH_TREES),
    Requirement(m.TARGET_TREE, m.SAVE_NEW, SAVE, RSYNC, 1 / 40, where_extents_are_shared),
    *(Requirement(tree, m.SAVE_CHANGED, SAVE, RSYNC_EMPTY, 1 / 4, everywhere) for tree in BOTH_TREES),
    *(Requirement(tree, m.SAVE_AGAIN, SAVE, RSYNC, 1 / 4, everywhere) for tree in BOTH_TREES),
]

# Of these the time for each file is not to grow with their number.
FLAT = ((m.RESTORE_NEW, AUTO), (m.SAVE_NEW, SAVE))

MOST_NEW_DISK = 0.02
MOST_GROWTH = 1.5
MOST_SECONDS = {
    "runner-cache --version": 0.010,
    "runner-cache restore, a miss, one path": 0.030,
    miss_among(MANY): 0.030,
    cleaning(IDLE): 3.0,
}
MOST_PEAK_BYTES = 300_000_000
MOST_PROGRAM_BYTES = 6_000_000
# More than an empty step takes.
MOST_TO_FIND = 0.050

# Units that are compiled to those that have to be, and the builds' time to that with mbx.
MOST_COMPILED = 1.15
MOST_WEEK = 1.0


@dataclass(frozen=True)
class Judgement:
    place: str
    what: str
    required: str
    found: str
    is_met: bool


def judge(results: Results) -> list[Judgement]:
    judgements = [judge_program(results.program)] if results.program else []
    for place, kind in results.places.items():
        for rule in RATIOS:
            if rule.applies(kind):
                judgements += judge_ratio(results, place, rule)
        judgements += judge_disk(results, place) + judge_growth(results, place) + judge_start(results, place)
    return judgements


def judge_program(program: Program) -> Judgement:
    found = f"{program.size / 1e6:.1f} MB ({program.packed / 1e6:.1f} MB packed, as it is downloaded)"
    is_met = program.size <= MOST_PROGRAM_BYTES
    return Judgement("any", "size of the program", f"{MOST_PROGRAM_BYTES / 1e6:.0f} MB", found, is_met)


def misses(results: Results, place: str, tree: str, operation: str) -> set[str]:
    """The ways that take longer than they may, as far as it is known by now."""
    found = set()
    for rule in RATIOS:
        if rule.applies(results.places[place]) and (rule.tree, rule.operation) == (tree, operation):
            found |= {rule.way for judgement in judge_ratio(results, place, rule) if not judgement.is_met}
    for flat, way in FLAT:
        per_file = per_file_of(results, place, operation, way)
        if flat == operation and results.trees[tree].files in per_file.index and spread(per_file["seconds"]) > MOST_GROWTH:
            found.add(way)
    return found


def judge_ratio(results: Results, place: str, rule: Requirement) -> list[Judgement]:
    ours = results.find(place, rule.tree, rule.operation, rule.way)
    other = results.find(place, rule.tree, rule.operation, rule.other)
    if ours is None or other is None:
        return []
    found = ours.median / other.median
    shown = fraction(found)
    # What the kernel takes to make as many names or files that share extents, one after another, and to copy what must not
    # be linked.
    for floor in (LINKS, REFLINK, COPIES):
        figure = results.find(place, rule.tree, rule.operation, floor)
        if figure is not None and floor != rule.other and found > rule.most:
            shown += f" (`{floor}`: {fraction(figure.median / other.median)})"
    what = f"{rule.tree}: {rule.operation}: `{rule.way}` to `{rule.other}`"
    return [Judgement(place, what, fraction(rule.most), shown, found <= rule.most)]


def judge_disk(results: Results, place: str) -> list[Judgement]:
    judgements = []
    for tree in BOTH_TREES:
        figure = results.find(place, tree, m.SAVE_CHANGED, SAVE)
        if figure is not None and figure.disk_bytes is not None:
            share = figure.disk_bytes / results.trees[tree].bytes
            what = f"{tree}: {m.SAVE_CHANGED}: new disk to the tree's bytes"
            found = f"{share:.1%}"
            links = results.find(place, tree, m.SAVE_CHANGED, LINKS)
            if links is not None and links.disk_bytes is not None:
                found += f" ({links.disk_bytes / results.trees[tree].bytes:.1%} by `{LINKS}`, unchanged)"
            judgements.append(Judgement(place, what, f"{MOST_NEW_DISK:.0%}", found, share <= MOST_NEW_DISK))
    return judgements


def judge_growth(results: Results, place: str) -> list[Judgement]:
    judgements = []
    for operation, way in FLAT:
        per_file = per_file_of(results, place, operation, way)
        if len(per_file) > 1:
            grew = spread(per_file["seconds"])
            shown = f"{grew:.2f}"
            if grew > MOST_GROWTH:
                shown += why_grown(results, place, operation, way)
            sizes = f"{per_file.index.min():,} to {per_file.index.max():,} tiny files"
            what = f"{sizes}: {operation}: time per file, most to least"
            judgements.append(Judgement(place, what, f"{MOST_GROWTH}", shown, grew <= MOST_GROWTH))
        if m.LARGEST in per_file.index:
            peak = int(per_file["peak"][m.LARGEST])
            what = f"{m.LARGEST:,} tiny files: {operation}: memory"
            found, limit = f"{peak / 1e6:.0f} MB", f"{MOST_PEAK_BYTES / 1e6:.0f} MB"
            judgements.append(Judgement(place, what, limit, found, peak <= MOST_PEAK_BYTES))
    return judgements


def why_grown(results: Results, place: str, operation: str, way: str) -> str:
    """What is known of the part that the kernel has in it: what else makes as many files grows as well."""
    known = []
    for other in (RSYNC, PLAIN):
        per_file = per_file_of(results, place, operation, other)
        if len(per_file) > 1:
            known.append(f"`{other}`: {spread(per_file['seconds']):.2f}")
    own = per_file_of(results, place, operation, way)["own"]
    known.append(f"its own time on the processors: {spread(own):.2f}")
    tree = m.tiny_tree(m.LARGEST)
    for profile in results.profiles:
        if (profile.place, profile.tree, profile.operation, profile.way) == (place, tree, operation, way):
            known.append(f"of that in tables of names and inodes, at the end: {of_tables(profile.stacks):.0%}")
    return f" ({'; '.join(known)})"


def spread(per_file: "pd.Series[float]") -> float:
    return float(per_file.max() / per_file.min())


def per_file_of(results: Results, place: str, operation: str, way: str) -> pd.DataFrame:
    """Of trees of tiny files `seconds` for each file, its `own` on the processors, and `peak` bytes, by the number of files."""
    table = results.medians()
    is_tiny = table["tree"] == table["files"].map(m.tiny_tree, na_action="ignore")
    mine = table[is_tiny & (table["place"] == place) & (table["operation"] == operation) & (table["way"] == way)]
    mine = mine.astype({"files": int}).set_index("files").sort_index()
    return mine.assign(seconds=mine["seconds"] / mine.index, own=mine["own"] / mine.index)


def judge_start(results: Results, place: str) -> list[Judgement]:
    judgements = []
    for way, most in MOST_SECONDS.items():
        figure = results.find(place, m.NO_TREE, m.START, way) or results.find(place, m.NO_TREE, m.CROWD, way)
        if figure is not None:
            found = f"{figure.median * 1000:.1f} ms"
            judgements.append(Judgement(place, f"`{way}`", f"{most * 1000:.0f} ms", found, figure.median <= most))
    empty, step = (results.find(place, m.NO_TREE, m.START, way) for way in (EMPTY, FOUND))
    if empty is not None and step is not None:
        more = step.median - empty.median
        what = f"{FOUND}: more than {EMPTY}"
        judgements.append(Judgement(place, what, f"{MOST_TO_FIND * 1000:.0f} ms", f"{more * 1000:.1f} ms", more <= MOST_TO_FIND))
    return judgements


def judge_weeks(results: Results) -> list[Judgement]:
    by_way = {week.way: week for week in results.weeks}
    ours, mbx = by_way[OURS], by_way[MBX]
    compiled = sum(ours.compiled) / ours.ideal
    seconds = sum(ours.seconds) / sum(mbx.seconds)
    return [
        Judgement(
            ours.place, "units compiled to those that had to be", f"{MOST_COMPILED}", f"{compiled:.2f}", compiled <= MOST_COMPILED
        ),
        Judgement(
            ours.place, f"time of the builds to that with `{MBX}`", f"{MOST_WEEK}", fraction(seconds), seconds <= MOST_WEEK
        ),
    ]


def fraction(ratio: float) -> str:
    """As people compare: 1/30 rather than 0.033."""
    if ratio > 0.55:
        return f"{ratio:.2f}"
    parts = 1 / ratio
    return f"1/{parts:.0f}" if parts >= 10 or abs(parts - round(parts)) < 0.05 else f"1/{parts:.1f}"

"""The pictures of the page, as SVG."""

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from pages.chart import GREYS, OURS, OURS_TOO, dress, panels, save

from . import rival
from .fleet import APART, POOL
from .requirement import AUTO, COPY, SAVE, per_file_of
from .results import Part, Profile, Results, profile_name, profile_title
from .rivals import FOUR, TOOLCHAIN
from .scenario import REFLINK, REGISTRY_TREE, RESTORE_NEW, RSYNC, SAVE_NEW, TAR, TARGET_TREE
from .versus import by_name, courses, scenarios

COLOURS = {AUTO: OURS, COPY: OURS_TOO, SAVE: OURS} | dict(zip((REFLINK, "cp -a", TAR, RSYNC), GREYS, strict=True))

# The calls, then the kernel's functions.
FLAME = ("#6aaede", "#d9d9d9", "#ececec")

DEEPEST = 9

# A name of which less than this fits says nothing.
MOST_CUT = 0.5


def draw(results: Results, directory: Path) -> None:
    """The pictures of a part. Of another run other ways are too slow."""
    if results.part is Part.FLEET:
        steps(results, directory / "fleet.svg")
    if results.part is Part.RIVALS:
        beside_rivals(results, directory / "rivals.svg")
    if results.part is Part.GROWTH:
        lines(results, directory / "growth.svg")
    if results.part is Part.TREES:
        bars(results, RESTORE_NEW, (AUTO, COPY, REFLINK, "cp -a", TAR, RSYNC), directory / "restore.svg")
        bars(results, SAVE_NEW, (SAVE, REFLINK, "cp -a", TAR, RSYNC), directory / "save.svg")
    for old in directory.glob(f"profile-{results.part}-*.svg"):
        old.unlink()
    for profile in results.profiles:
        flames(profile, directory / profile_name(results.part, profile))


def bars(results: Results, operation: str, ways: tuple[str, ...], path: Path) -> None:
    """Seconds of each way, a group of bars for each file system."""
    trees = (TARGET_TREE, REGISTRY_TREE)
    figure, axes = panels(len(trees), 3.6, sharey=True)
    for axis, tree in zip(axes, trees, strict=True):
        width = 0.85 / len(ways)
        for index, way in enumerate(ways):
            found = [(at, results.find(place, tree, operation, way)) for at, place in enumerate(results.places)]
            shown = [(at + index * width, each.median) for at, each in found if each is not None]
            if shown:
                axis.bar(*zip(*shown, strict=True), width * 0.92, label=way, color=COLOURS[way])
        middle = (len(ways) - 1) * width / 2
        axis.set_xticks([at + middle for at in range(len(results.places))], list(results.places))
        axis.set_yscale("log")
        axis.set_title(title(results, tree))
        dress(axis)
    axes[0].set_ylabel(f"{operation}: seconds (log)")
    figure.legend(*legend(axes), loc="outside lower center", ncols=len(ways), frameon=False)
    save(figure, path)


def beside_rivals(results: Results, path: Path) -> None:
    """Seconds of each way in each scenario of the first course, a group of bars for each."""
    project, setting = courses(results)[0]
    trials = by_name(results)
    names = [name for name in scenarios(results, project, setting) if name not in (TOOLCHAIN, FOUR)]
    ways = (rival.OURS, *rival.RIVALS, rival.NONE)
    figure, axes = panels(1, 3.6)
    width = 0.85 / len(ways)
    for index, way in enumerate(ways):
        found = [(at, trials.get((project, setting, name, way))) for at, name in enumerate(names)]
        shown = [(at + index * width, each.median) for at, each in found if each]
        colour = OURS if way == rival.OURS else GREYS[index - 1]
        axes.bar(*zip(*shown, strict=True), width * 0.92, label=way, color=colour)
    axes.set_xticks([at + (len(ways) - 1) * width / 2 for at in range(len(names))], names)
    axes.set_yscale("log")
    axes.set_ylabel("restore and build: seconds (log)")
    axes.set_title(f"{project}, {setting}")
    dress(axes)
    figure.legend(*legend([axes]), loc="outside lower center", ncols=len(ways), frameon=False)
    save(figure, path)


def lines(results: Results, path: Path) -> None:
    """Microseconds for each file against the number of files."""
    shown = ((RESTORE_NEW, (AUTO, RSYNC)), (SAVE_NEW, (SAVE, RSYNC)))
    figure, axes = panels(len(shown), 4.4, sharey=True)
    markers = dict(zip(results.places, "osD^v", strict=False))
    for axis, (operation, ways) in zip(axes, shown, strict=True):
        for way in ways:
            for place, marker in markers.items():
                micros = per_file_of(results, place, operation, way)["seconds"] * 1e6
                axis.plot(micros.index, micros, marker=marker, label=f"{way}, {place}", color=COLOURS[way])
        axis.set_xscale("log")
        axis.set_ylim(bottom=0)
        axis.set_xlabel("files")
        axis.set_title(operation)
        # Below: lines are all over.
        axis.legend(frameon=False, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
        dress(axis)
    axes[0].set_ylabel("microseconds for each file")
    save(figure, path)


def steps(results: Results, path: Path) -> None:
    """Time of all jobs so far, and what they compiled, against the number of repositories."""
    figure, axes = panels(2, 3.6)
    colours = {POOL: OURS, APART: OURS_TOO, TAR: COLOURS[TAR], RSYNC: COLOURS[RSYNC]}
    for fleet in results.fleets:
        number = range(1, len(fleet.seconds) + 1)
        sums = (list(accumulate(fleet.seconds)), list(accumulate(fleet.compiled)))
        for axis, values in zip(axes, sums, strict=True):
            axis.plot(number, values, label=fleet.way.replace("`", ""), color=colours[fleet.way])
    for axis, text in zip(axes, ("seconds of all jobs so far", "units compiled so far"), strict=True):
        axis.set_ylim(bottom=0)
        axis.set_xlabel("repositories")
        axis.set_title(text)
        dress(axis)
    figure.legend(*legend(axes), loc="outside lower center", ncols=len(results.fleets), frameon=False)
    save(figure, path)


def flames(profile: Profile, path: Path) -> None:
    """Stacks from the system call downwards, as wide as their share of the time."""
    figure, axis = panels(1, 3.6)
    total = sum(profile.stacks.values())
    deepest = 0
    frames: dict[tuple[str, ...], list[float]] = {}
    at = 0.0
    for stack, count in sorted(profile.stacks.items()):
        names = tuple(stack.split(";"))
        for depth in range(1, min(len(names), DEEPEST) + 1):
            frames.setdefault(names[:depth], [at, 0.0])[1] += count / total
        at += count / total
        deepest = max(deepest, min(len(names), DEEPEST))
    for names, (left, width) in frames.items():
        shade = FLAME[(len(names) - 1) % len(FLAME)]
        axis.barh(len(names) - 1, width, 0.94, left, align="edge", color=shade, edgecolor="white", linewidth=0.4)
        # As many characters as fit.
        text = names[-1][: int(width * 130)]
        if len(text) > MOST_CUT * len(names[-1]):
            axis.text(left + width / 2, len(names) - 0.53, text, ha="center", va="center", fontsize=6)
    axis.set_xlim(0, 1)
    axis.set_ylim(deepest, 0)
    axis.set_title(profile_title(profile))
    axis.axis("off")
    save(figure, path)


def title(results: Results, tree: str) -> str:
    size = results.trees[tree]
    return f"{tree}: {size.files:,} files, {size.bytes / 1e6:,.0f} MB"


def legend(axes: Sequence[Axes]) -> tuple[list[Any], list[str]]:
    """Each way once, also one that only some of the file systems have."""
    entries: dict[str, Any] = {}
    for axis in axes:
        handles, labels = axis.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    return list(entries.values()), list(entries)

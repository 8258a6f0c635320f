"""The Markdown: tables, and the page around them."""

import statistics
from collections.abc import Iterable
from itertools import groupby

from builds import UPDATED
from measure import LARGEST, SIZES
from requirement import AUTO, Judgement, fraction, judge, judge_weeks
from results import Figure, Results, growth_of, profile_name, profile_title
from scenario import ACROSS, RSYNC, RSYNC_EMPTY
from stacks import by_call, by_function
from week import REPOSITORIES, RUNNERS

# A system call, or a function, with less of the time is not named.
LEAST_SHARE = 0.03

GROWN = (*SIZES, LARGEST)


def tables(results: Results, pictures: str) -> str:
    parts = [requirements(results)] if results.figures or results.growth else []
    if results.profiles:
        parts.append(f"### Where the time of what is not met goes\n\n{profiles(results, pictures)}")
    if border := borders(results):
        parts.append(f"## Across a trust border\n\n{border}")
    if results.builds:
        parts.append(f"## From an empty workspace to the built programs\n\n{builds(results)}")
    if results.fleets:
        parts.append(f"## Many repositories on one host\n\n{fleets(results, pictures)}")
    if results.weeks:
        parts.append(f"## A week of jobs\n\n{weeks(results)}")
    if results.growth:
        parts.append(f"## Up to a million files\n\n{grown(results)}")
    for place in results.places if results.figures else ():
        parts.append(f"## {place}")
        if place in results.origins:
            parts.append(origin(results, place).rstrip())
        parts += [figures(results, place), calls(results, place)]
    return "\n\n".join(parts)


def origin(results: Results, part: str) -> str:
    """Of a part that comes from a run of its own."""
    run = results.origins.get(part)
    if run is None:
        return ""
    machine = [value for name, value in run.machine.items() if results.machine.get(name) != value]
    elsewhere = f", on another machine ({'; '.join(machine)})" if machine else ""
    return f"Of a run of its own: commit {run.commit}, {run.date}{elsewhere}. "


def requirements(results: Results) -> str:
    rows = []
    for found in judge(results):
        rows.append((found.place, *judgement_row(found)))
    return table(("file system", "what", "required", "found", ""), rows)


def judgement_row(found: Judgement) -> tuple[str, str, str, str]:
    return (found.what, f"at most {found.required}", found.found, "met" if found.is_met else "**not met**")


def profiles(results: Results, pictures: str) -> str:
    rows = []
    for profile in results.profiles:
        what = f"{profile.tree}: {profile.operation}: `{profile.way}`"
        rows.append((profile.place, what, shares(by_call(profile.stacks)), shares(by_function(profile.stacks))))
    shown = "\n\n".join(f"![{profile_title(each)}]({pictures}/{profile_name(each)})" for each in results.profiles)
    return f"""Shares of the time on the processors, from samples of one further run each: by system call, by function
of the kernel without what it calls, and below by both, the wider the more time.

{table(("file system", "what", "system calls", "functions"), rows)}

{shown}"""


def shares(of: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in of.items() if share >= LEAST_SHARE)


def grown(results: Results) -> str:
    rows, busy = [], []
    for of_way, group in groupby(sorted(results.growth, key=way_of), key=way_of):
        by_files = {results.trees[figure.tree].files: figure for figure in group}
        micros = [per_file(by_files[files].median, files) if files in by_files else "" for files in GROWN]
        rows.append((*of_way, *micros, size_text(by_files[GROWN[-1]].peak_bytes)))
        if all(figure.own_seconds for figure in by_files.values()):
            busy.append((*of_way, *(on_processors(by_files.get(files), files) for files in GROWN)))
    places = list(dict.fromkeys(figure.place for figure in results.growth))
    rounds = {place: next(len(each.seconds) for each in results.growth if each.place == place) for place in places}
    told = "\n".join(
        f"- {place}: medians of {rounds[place]} rounds. {origin(results, growth_of(place))}".rstrip() for place in places
    )
    head = ("file system", "operation", "way", *(f"{files:,}" for files in GROWN))
    return f"""Files of at most 256 bytes, 100 to a folder. Microseconds for each file.

{told}

{table((*head, "memory, the largest"), rows, right=(3, 4, 5, 6))}

Microseconds of time on the processors for each file: what the way took itself, and after the plus what others took
meanwhile. These are the kernel's own threads. A million small files are 4 GB of pages, more than it lets wait to be written
(`vm.dirty_background_ratio`): it writes them while they are made. What works on all processors has that time taken away,
what works on one has it done on another. On tmpfs nothing is written, and nothing of it ever leaves the kernel's table of
names: the more there are, the longer the search for one. Where the kernel was booted with a small table (`dhash_entries`,
`ihash_entries`; by itself it makes a bucket for each 8 KB of memory, and for inodes for each 16) that is most of what grows.

{table(head, busy, right=(3, 4, 5))}"""


def per_file(seconds: float, files: int) -> str:
    return f"{seconds / files * 1e6:.1f}"


def on_processors(figure: Figure | None, files: int) -> str:
    if figure is None or figure.own_median is None or figure.beside_median is None:
        return ""
    return f"{per_file(figure.own_median, files)} + {per_file(figure.beside_median, files)}"


def way_of(figure: Figure) -> tuple[str, str, str]:
    return (figure.place, figure.operation, figure.way)


def figures(results: Results, place: str) -> str:
    mine = [figure for figure in results.figures if figure.place == place]
    rows = []
    for (tree, operation), group in groupby(mine, key=lambda figure: (figure.tree, figure.operation)):
        ways = list(group)
        base = next((figure for figure in ways if figure.way in (RSYNC_EMPTY, RSYNC)), None)
        for index, figure in enumerate(ways):
            named = (tree, operation) if index == 0 else ("", "")
            ratio = fraction(figure.median / base.median) if base else ""
            sizes = (size_text(figure.disk_bytes), size_text(figure.peak_bytes))
            rows.append((*named, figure.way, duration(figure.median), ratio, *sizes))
    head = ("tree", "operation", "way", "median", "to rsync", "new disk", "memory")
    return table(head, rows, right=(3, 4, 5, 6))


def borders(results: Results) -> str:
    """What it costs that a job of a pull request may have no inode of its base branch's entries."""
    rows = []
    for figure in results.figures:
        if figure.way == ACROSS:
            within, rsync = (results.find(figure.place, figure.tree, figure.operation, way) for way in (AUTO, RSYNC))
            if within and rsync:
                ratios = (f"{figure.median / within.median:.1f}", fraction(figure.median / rsync.median))
                rows.append((figure.place, figure.tree, duration(within.median), duration(figure.median), *ratios))
    if not rows:
        return ""
    head = ("file system", "tree", "within one scope", "across", "times as long", "to rsync")
    return f"""A pull request's job restores into an absent folder what its base branch saved, and as a job of one scope it is
restored from the same entry. Within one scope files that nothing rewrites come by hard link. Across the border each comes by
reflink, or where the file system has none by copy: a job could write into a linked file, and so into the entry.

{table(head, rows, right=(2, 3, 4, 5))}"""


def builds(results: Results) -> str:
    rows = []
    for what, group in groupby(results.builds, key=lambda build: build.what):
        ways = list(group)
        base = next(build for build in ways if build.way == RSYNC)
        for index, build in enumerate(ways):
            head = what if index == 0 else ""
            ratio = fraction(build.median / base.median)
            saved = (size_text(build.saved.bytes), f"{build.saved.files:,}") if build.saved else ("", "")
            rows.append((head, build.way, duration(build.median), ratio, str(build.compiled), *saved))
    head = ("what", "restored by", "median", "to rsync", "packages compiled", "kept", "files")
    place, rounds = results.builds[0].place, len(results.builds[0].seconds)
    return f"""{origin(results, "builds")}The workspace has 22 packages and 376 dependencies; on {place}, medians
of {rounds} rounds. What is restored is what two jobs left: one built programs and tests, then `{UPDATED}` was updated, and
one built the programs. `runner-cache` kept what the second one used, rsync and tar the whole folder, and where it says
*cleaned* what Swatinem/rust-cache keeps. *Kept* is that before it is compressed. Before each round the workspace is checked
out anew, without its target folder; then that is restored (by rsync and tar alone: no times of sources), and `cargo build`
runs. Downloads are there already. The edited package is used by five others.

{table(head, rows, right=(2, 3, 4, 5, 6))}"""


def fleets(results: Results, pictures: str) -> str:
    rows = []
    for fleet in results.fleets:
        compiled, distinct = f"{sum(fleet.compiled):,}", f"{fleet.distinct:,}"
        first, others = fleet.seconds[0], statistics.median(fleet.seconds[1:])
        seconds = (duration(sum(fleet.seconds)), duration(first), duration(others))
        rows.append((fleet.way, *seconds, compiled, distinct, size_text(fleet.disk_bytes)))
    head = ("kept by", "all", "the first", "of the others", "units compiled", "distinct", "on the disk")
    number = len(results.fleets[0].seconds)
    place = results.fleets[0].place
    return f"""{origin(results, "fleets")}{number} repositories that share most of their dependencies, on {place}, each in a
folder of its own and built for the first time, one after another, on a host that has nothing but the downloads. Each job goes
from the checkout to the end of the save; for all but the pool the builds are the same, from nothing, and were made once.
*Units* are the compiled libraries, macros and build scripts of dependencies; *of the others* is a median.

{table(head, rows, right=(1, 2, 3, 4, 5, 6))}

![Time and compiled units against the number of repositories]({pictures}/fleet.svg)"""


def weeks(results: Results) -> str:
    rows = []
    for week in results.weeks:
        compiled = f"{sum(week.compiled):,}" if week.compiled else ""
        rows.append((f"`{week.way}`", duration(sum(week.seconds)), duration(statistics.median(week.seconds)), compiled))
    week = results.weeks[0]
    judged = table(("what", "required", "found", ""), [judgement_row(found) for found in judge_weeks(results)])
    jobs = f"{len(week.seconds)} jobs of {len(REPOSITORIES)} repositories on {RUNNERS} runners of one host, on {week.place}"
    return f"""{origin(results, "weeks")}{jobs}: check, clippy and test, each
a job of its own, for pushes, pull requests, merges and new releases of a dependency, and jobs that run again. Both caches do
each job in turn, from a fresh clone; downloads are there already. *Time* is that of restore and build. {week.ideal:,} units had
to be compiled: no earlier job had built them from the same contents where this one may take from it, which is its own ref, the
default branch, and for packages of the registry any repository's default branch.

{table(("cache", "time of all", "median", "units compiled"), rows, right=(1, 2, 3))}

{judged}"""


def calls(results: Results, place: str) -> str:
    rows = []
    for count in results.counts:
        if count.place == place:
            each = ", ".join(f"{name} {number:.2f}" for name, number in count.per_file.items())
            rows.append((count.tree, count.operation, count.way, f"{sum(count.per_file.values()):.2f}", each))
    return "System calls for each file, beyond those of a miss:\n\n" + table(
        ("tree", "operation", "way", "calls", "of these"), rows, right=(3,)
    )


def whole(results: Results, pictures: str) -> str:
    """The text of the file; `pictures` is the folder of its pictures."""
    return page(results, pictures) if results.figures else part_page(results, pictures)


def page(results: Results, pictures: str) -> str:
    machine = "\n".join(f"- {name}: {value}" for name, value in results.machine.items())
    sizes = "\n".join(f"- {name}: {size.files:,} files, {size.bytes / 1e6:,.0f} MB" for name, size in results.trees.items())
    note = "\n\nThis was a quick run on small trees: its figures say nothing.\n" if results.quick else ""
    return f"""# Performance

Made by `scripts/bench.sh --out` on {results.date} with the binary of commit {results.commit}.{note}

Medians of {results.rounds} rounds, or more of what takes milliseconds, in which all ways of an operation took turns, in
another order each time. Before each, pending writes were flushed, and before each that copies the tree, what it reads was read
and the kernel given as much free memory as it takes. After the first round of each way its destination was compared with its
source: names, modes, times to the nanosecond, contents. Only ratios of one run mean something: a time alone says more about the
machine.

{machine}

Trees:

{sizes}

The target folder is that of the workspace in [`scripts/bench/workspace`](../scripts/bench/workspace), built for
debugging with all its tests. The registry is one of 400 extracted crates, with the one time that crates have. It is restored
and saved by the cargo layer, and besides restored by `path`, which never hard-links. What is restored over it, and saved
after a change, goes by `path` and has times as builds leave them: a cargo home keeps what it has, so the cargo layer only
looks which crates are there, while rsync compares each file.

![Time of a restore into an absent folder, by way and file system]({pictures}/restore.svg)

![Time of a save, by way and file system]({pictures}/save.svg)

![Time for each file against the number of files]({pictures}/growth.svg)

## What is required

Where a requirement is not met, the kernel's own floor stands beside it where it was measured: `cp -al` makes names and
nothing else, `cp -a --reflink=always` files that share their extents, and of files that must not be linked no way can make
less than a copy. Where time grows with the number of files, what grows besides the way's own is the kernel's, which writes to
the disk meanwhile, and of the way's own the search in the kernel's tables. The tables of system calls below show what is done
for each file.

{tables(results, pictures)}
"""


def part_page(results: Results, pictures: str) -> str:
    """Of a run that measured nothing else than a part."""
    machine = "\n".join(f"- {name}: {value}" for name, value in results.machine.items())
    return f"""# Performance, in part

Made by `scripts/bench.sh --out` on {results.date} with the binary of commit {results.commit}. All ways took turns; only ratios
of one run mean something.

{machine}

{tables(results, pictures)}
"""


def size_text(number: int | None) -> str:
    return "" if number is None else f"{number / 1e6:.1f} MB"


def duration(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.02 else f"{seconds * 1000:.1f} ms"


def table(head: Iterable[str], rows: Iterable[Iterable[str]], right: tuple[int, ...] = ()) -> str:
    head = list(head)
    rule = ["--:" if index in right else "---" for index in range(len(head))]
    lines = [head, rule, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

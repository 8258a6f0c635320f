"""The Markdown: the page of each part, and its tables."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from . import versus
from .builds import UPDATED
from .kernel import by_call, by_function
from .requirement import AUTO, Judgement, fraction, judge, judge_weeks
from .results import Part, Program, Results, profile_name, profile_title
from .scenario import ACROSS, RESTORE_NEW, RSYNC, RSYNC_EMPTY
from .week import REPOSITORIES, RUNNERS

# A system call, or a function, with less of the time is not named.
LEAST_SHARE = 0.03


@dataclass(frozen=True)
class Files:
    """Where all of a part lies."""

    page: Path
    results: Path
    # The directory of the pictures, and what leads to it from the page.
    beside: Path
    pictures: str


def files(out: Path, part: Part) -> Files:
    """`out` is the page of `trees`."""
    beside = out.with_suffix("")
    if part is Part.TREES:
        return Files(out, beside / "results.json", beside, f"{beside.name}/")
    return Files(beside / f"{part}.md", beside / f"{part}.json", beside, "")


def known(out: Path) -> set[Part]:
    """The parts of which there are results."""
    return {part for part in Part if files(out, part).results.exists()}


def whole(results: Results, pictures: str, others: set[Part]) -> str:
    """The text of the file; `pictures` leads to the directory of its pictures, and of pages of these other parts."""
    pages: dict[Part, tuple[str, Callable[[Results, str], list[str]]]] = {
        Part.TREES: ("Performance", partial(trees, known=others)),
        Part.GROWTH: ("Performance: up to a million files", growth),
        Part.FLEET: ("Performance: many repositories on one host", fleet),
        Part.WEEK: ("Performance: a week of jobs", week),
        Part.RIVALS: ("Performance: beside what people would pick instead", rivals),
    }
    title, sections = pages[results.part]
    about, *rest = sections(results, pictures)
    command = "scripts/bench.sh" if results.part is Part.TREES else f"scripts/bench.sh {results.part}"
    head = [
        f"# {title}",
        f"Made by `{command}` on {results.date} with the binary of commit {results.commit}.",
        results.note,
        "This was a quick run on small trees: its figures say nothing." if results.quick else "",
        about,
        "\n".join(f"- {name}: {value}" for name, value in results.machine.items()),
    ]
    return "\n\n".join(filter(None, [*head, *rest])) + "\n"


def trees(results: Results, pictures: str, known: set[Part]) -> list[str]:
    sizes = "\n".join(f"- {name}: {size.files:,} files, {size.bytes / 1e6:,.0f} MB" for name, size in results.trees.items())
    return [
        f"Medians of {results.rounds} rounds, or more of what is quick, {METHOD}",
        program(results.program) if results.program else "",
        f"Trees:\n\n{sizes}",
        TREES,
        f"![Time of a restore into an absent directory, by way and file system]({pictures}restore.svg)",
        f"![Time of a save, by way and file system]({pictures}save.svg)",
        other_pages(pictures, known),
        *required(results, pictures),
        borders(results),
        builds(results),
        *(section for place in results.places for section in (f"## {place}", figures(results, place), calls(results, place))),
    ]


def program(found: Program) -> str:
    weighs = f"The program has {found.size / 1e6:.1f} MB, {found.packed / 1e6:.1f} MB packed"
    return f"{weighs}, with {found.packages} packages besides its own ([why](decisions/035-one-http-client.md))."


METHOD = """in which all ways of an operation took turns, in
another order each time. Before each, pending writes were flushed, and before each that copies the tree, what it reads was read
and the kernel given as much free memory as it takes. After the first round of each way its destination was compared with its
source: names, modes, times to the nanosecond, contents. Only ratios of one run mean something: a time alone says more about the
machine."""

TREES = """The target directory is that of the workspace in [`scripts/bench/workspace`](../scripts/bench/workspace), built for
debugging with all its tests. The registry is one of 400 extracted crates, with the one time that crates have. It is restored
and saved by the cargo layer, and besides restored by `path`, which never hard-links. What is restored over it, and saved
after a change, goes by `path` and has times as builds leave them: a cargo home keeps what it has, so the cargo layer only
looks which crates are there, while rsync compares each file. One percent of the files are changed at random; in a target
directory that is saved after that, they are what cargo built anew after an edit."""

# What is told of the parts that have pages of their own.
OTHER_PAGES = {
    Part.GROWTH: "up to a million files",
    Part.FLEET: "many repositories on one host",
    Part.WEEK: "a week of jobs",
    Part.RIVALS: "beside what people would pick instead",
}


def other_pages(pictures: str, known: set[Part]) -> str:
    links = [f"- [{told}]({pictures}{part}.md)" for part, told in OTHER_PAGES.items() if part in known]
    return "\n".join(["Runs of their own have pages of their own:\n", *links]) if links else ""


REQUIRED = """Where a requirement is not met, the kernel's own floor stands beside it where it was measured: `cp -al` makes names
and nothing else, `cp -a --reflink=always` files that share their extents, and of files that must not be linked no way can make
less than a copy. Where time grows with the number of files, what grows besides the way's own is the kernel's, which writes to
the disk meanwhile, and of the way's own the search in the kernel's tables."""


def required(results: Results, pictures: str) -> list[str]:
    """Whether the requirements are met, and where the time goes where they are not."""
    judged = pd.DataFrame([{"file system": found.place} | judgement(found) for found in judge(results)])
    sections = [f"## What is required\n\n{REQUIRED}", table(judged)] if len(judged) else []
    if results.profiles:
        sections.append(profiles(results, pictures))
    return sections


def judgement(found: Judgement) -> dict[str, str]:
    met = "met" if found.is_met else "**not met**"
    return {"what": found.what, "required": f"at most {found.required}", "found": found.found, "": met}


def profiles(results: Results, pictures: str) -> str:
    rows = [
        {
            "file system": each.place,
            "what": f"{each.tree}: {each.operation}: `{each.way}`",
            "system calls": shares(by_call(each.stacks)),
            "functions": shares(by_function(each.stacks)),
        }
        for each in results.profiles
    ]
    shown = "\n\n".join(f"![{profile_title(each)}]({pictures}{profile_name(results.part, each)})" for each in results.profiles)
    return f"""### Where the time of what is not met goes

Shares of the time on the processors, from samples of one further run each: by system call, by function
of the kernel without what it calls, and below by both, the wider the more time.

{table(pd.DataFrame(rows))}

{shown}"""


def shares(of: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in of.items() if share >= LEAST_SHARE)


def borders(results: Results) -> str:
    """What it costs that a job of a pull request may have no inode of its base branch's entries."""
    medians = results.medians()
    restores = medians[medians["operation"] == RESTORE_NEW]
    times = restores.pivot_table(index=["place", "tree"], columns="way", values="seconds", sort=False)
    if ACROSS not in times:
        return ""
    times = times.dropna(subset=[ACROSS]).reset_index()
    shown = pd.DataFrame(
        {
            "file system": times["place"],
            "tree": times["tree"],
            "within one scope": times[AUTO].map(duration),
            "across": times[ACROSS].map(duration),
            "times as long": (times[ACROSS] / times[AUTO]).map("{:.1f}".format),
            "to rsync": (times[ACROSS] / times[RSYNC]).map(fraction),
        }
    )
    return f"""## Across a trust border

A pull request's job restores into an absent directory what its base branch saved, and as a job of one scope it is
restored from the same entry. Within one scope files that nothing rewrites come by hard link. Across the border each comes by
reflink, or where the file system has none by copy: a job could write into a linked file, and so into the entry.

{table(shown, numbers=4)}"""


def builds(results: Results) -> str:
    if not results.builds:
        return ""
    table_of = pd.DataFrame(
        [
            {
                "what": build.what,
                "restored by": build.way,
                "seconds": build.median,
                "packages compiled": str(build.compiled),
                "kept": size_text(build.saved.bytes) if build.saved else "",
                "files": f"{build.saved.files:,}" if build.saved else "",
            }
            for build in results.builds
        ]
    )
    of_rsync = table_of[table_of["restored by"] == RSYNC].set_index("what")["seconds"]
    table_of.insert(3, "to rsync", (table_of["seconds"] / table_of["what"].map(of_rsync)).map(fraction))
    table_of["seconds"] = table_of["seconds"].map(duration)
    first = results.builds[0]
    return f"""## From an empty workspace to the built programs

The workspace has 22 packages and 376 dependencies; on {first.place}, medians
of {len(first.seconds)} rounds. What is restored is what two jobs left: one built programs and tests, then `{UPDATED}` was
updated, and one built the programs. `runner-cache` kept what the second one used, rsync and tar the whole directory, and where it
says *cleaned* what Swatinem/rust-cache keeps. *Kept* is that before it is compressed. Before each round the workspace is checked
out anew, without its target directory; then that is restored (by rsync and tar alone: no times of sources), and `cargo build`
runs. Downloads are there already. The edited package is used by five others.

{table(once(table_of.rename(columns={"seconds": "median"}), "what"), numbers=5)}"""


def figures(results: Results, place: str) -> str:
    medians = results.medians()
    mine = medians[medians["place"] == place]
    operation = ["tree", "operation"]
    of_rsync = mine[mine["way"].isin([RSYNC_EMPTY, RSYNC])].drop_duplicates(operation).set_index(operation)["seconds"]
    base = mine.join(of_rsync.rename("base"), on=operation)["base"]
    shown = mine[[*operation, "way"]].assign(
        **{
            "median": mine["seconds"].map(duration),
            "to rsync": (mine["seconds"] / base).map(fraction, na_action="ignore").fillna(""),
            "new disk": mine["disk"].map(size_text, na_action="ignore").fillna(""),
            "memory": mine["peak"].map(size_text, na_action="ignore").fillna(""),
        }
    )
    return table(once(shown, *operation), numbers=4)


def calls(results: Results, place: str) -> str:
    rows = [
        {
            "tree": count.tree,
            "operation": count.operation,
            "way": count.way,
            "calls": f"{sum(count.per_file.values()):.2f}",
            "of these": ", ".join(f"{name} {number:.2f}" for name, number in count.per_file.items()),
        }
        for count in results.counts
        if count.place == place
    ]
    return f"System calls for each file, beyond those of a miss:\n\n{table(pd.DataFrame(rows))}"


def growth(results: Results, pictures: str) -> list[str]:
    medians = results.medians()
    micros = {name: (medians[name] / medians["files"] * 1e6).map("{:.1f}".format) for name in ("seconds", "own", "beside")}
    medians["busy"] = micros["own"] + " + " + micros["beside"]
    medians["time"] = micros["seconds"]
    medians["memory"] = medians["peak"].map(size_text, na_action="ignore").fillna("")
    named = medians.rename(columns={"place": "file system"})
    wide = named.pivot(index=["file system", "operation", "way"], columns="files", values=["time", "busy", "memory"]).fillna("")
    wide = wide.rename(columns="{:,}".format, level="files")
    times, busy = (wide[name].reset_index() for name in ("time", "busy"))
    times["memory, the largest"] = list(wide["memory"].iloc[:, -1])
    return [
        f"Medians of {medians['rounds'].min()} rounds, or more of what is quick, {METHOD}",
        f"![Time for each file against the number of files]({pictures}growth.svg)",
        *required(results, pictures),
        "## Microseconds for each file",
        "Files of at most 256 bytes, 100 to a directory.",
        table(times, numbers=times.shape[1] - 3),
        PROCESSORS,
        table(busy, numbers=busy.shape[1] - 3),
    ]


PROCESSORS = """Microseconds of time on the processors for each file: what the way took itself, and after the plus what others
took meanwhile. These are the kernel's own threads. A million small files are 4 GB of pages, more than it lets wait to be written
(`vm.dirty_background_ratio`): it writes them while they are made. What works on all processors has that time taken away,
what works on one has it done on another. On tmpfs nothing is written, and nothing of it ever leaves the kernel's table of
names: the more there are, the longer the search for one. Where the kernel was booted with a small table (`dhash_entries`,
`ihash_entries`; by itself it makes a bucket for each 8 KB of memory, and for inodes for each 16) that is most of what grows."""


def fleet(results: Results, pictures: str) -> list[str]:
    first = results.fleets[0]
    shown = pd.DataFrame(
        [
            {
                "kept by": each.way,
                "all": duration(sum(each.seconds)),
                "the first": duration(each.seconds[0]),
                "of the others": duration(pd.Series(each.seconds[1:]).median()),
                "units compiled": f"{sum(each.compiled):,}",
                "distinct": f"{each.distinct:,}",
                "on the disk": size_text(each.disk_bytes),
            }
            for each in results.fleets
        ]
    )
    return [
        f"""{len(first.seconds)} repositories that share most of their dependencies, on {first.place}, each in a
directory of its own and built for the first time, one after another, on a host that has nothing but the downloads. Each job goes
from the checkout to the end of the save; for all but the pool the builds are the same, from nothing, and were made once.
*Units* are the compiled libraries, macros and build scripts of dependencies; *of the others* is a median.""",
        table(shown, numbers=6),
        f"![Time and compiled units against the number of repositories]({pictures}fleet.svg)",
    ]


def week(results: Results, _: str) -> list[str]:
    first = results.weeks[0]
    shown = pd.DataFrame(
        [
            {
                "cache": f"`{each.way}`",
                "time of all": duration(sum(each.seconds)),
                "median": duration(pd.Series(each.seconds).median()),
                "units compiled": f"{sum(each.compiled):,}" if each.compiled else "",
            }
            for each in results.weeks
        ]
    )
    return [
        f"""{len(first.seconds)} jobs of {len(REPOSITORIES)} repositories on {RUNNERS} runners of one host, on {first.place}:
check, clippy and test, each a job of its own, for pushes, pull requests, merges and new releases of a dependency, and jobs that
run again. Both caches do each job in turn, from a fresh clone; downloads are there already. *Time* is that of restore and build.
{first.ideal:,} units had to be compiled: no earlier job had built them from the same contents where this one may take from it,
which is its own ref, the default branch, and for packages of the registry any repository's default branch.""",
        table(shown, numbers=3),
        table(pd.DataFrame([judgement(found) for found in judge_weeks(results)])),
    ]


def rivals(results: Results, pictures: str) -> list[str]:
    about, *rest = versus.sections(results, pictures)
    judged = pd.DataFrame([judgement(found) for found in versus.judge_rivals(results)])
    return [about, table(judged), *rest]


def size_text(number: float) -> str:
    return f"{number / 1e6:.1f} MB"


def duration(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.02 else f"{seconds * 1000:.1f} ms"


def once(shown: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """What rows that follow each other have in common is told in the first of them."""
    names = shown[list(columns)]
    return shown.assign(**names.where((names != names.shift()).any(axis=1), ""))


def table(shown: pd.DataFrame, numbers: int = 0) -> str:
    """The last columns are numbers."""
    align = ["right" if index >= shown.shape[1] - numbers else "left" for index in range(shown.shape[1])]
    return str(shown.to_markdown(index=False, disable_numparse=True, colalign=align))

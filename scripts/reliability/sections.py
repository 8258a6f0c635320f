"""Sections of the page whose results lie beside it: each is run, and written anew, apart from all others."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import page
from .results import Judge, Unusable, read_cargos, read_judge, read_projects

# So many are told by name.
MOST_SHAPES = 8


@dataclass(frozen=True)
class Section:
    title: str
    # The results' name in the page's directory.
    results: str
    text: Callable[[Path], str]


def judge(path: Path) -> str:
    found = read_judge(path)
    figures = {
        "First seed": [f"{run.seed:,}" for run in found.runs],
        "Seconds": [f"{run.seconds:,}" for run in found.runs],
        "Histories": [f"{run.histories:,}" for run in found.runs],
        "Jobs": [f"{run.jobs:,}" for run in found.runs],
        "— compared with a clean build (the others were killed)": [f"{run.compared:,}" for run in found.runs],
        "— with a restored target directory": [f"{run.hits:,}" for run in found.runs],
        "— that cargo alone gets wrong as well": [f"{run.also_without:,}" for run in found.runs],
        "Units that cargo was asked for": [f"{run.units:,}" for run in found.runs],
        "— not compiled": [f"{run.fresh:,}" for run in found.runs],
        "Needlessly compiled, of what had been built at the same path": [f"{run.needless_one_path:.1f}%" for run in found.runs],
        "— at any path": [f"{run.needless_any_path:.1f}%" for run in found.runs],
        # A run with a stale job is none that a page is made of.
        "**Stale jobs**": ["0" for _ in found.runs],
    }
    head = ("", *(run.file_system for run in found.runs))
    about = f"Random projects of {found.runs[0].shapes} small features of cargo {JUDGE}"
    return f"""{page.wrapped(about)}

{page.table(head, [(what, *values) for what, values in figures.items()])}

{page.wrapped(whose_needless(found.runs))}

{page.wrapped(f"Made by `scripts/reliability.sh --judge` {page.when(found.made)}.")}"""


def whose_needless(runs: list[Judge]) -> str:
    """Where not all is kept that could be."""
    of: Counter[str] = Counter()
    for run in runs:
        of.update(run.needless_by_shape)
    told = ", ".join(f"`{shape}` {count:,}" for shape, count in of.most_common(MOST_SHAPES))
    return f"Of the {of.total():,} units that were compiled needlessly at one path most belong to: {told}."


JUDGE = """(build scripts, macros that read files, links, several workspaces, git and vendored dependencies …) have random
histories: one to three runners with workspaces at the same path or at others, kept, cleaned or cloned; branches and force
pushes; builds that fail or are killed; clocks that are wrong. After each job the same job runs in a fresh checkout at the same
path without the cache: a job is stale if an exit code, a test's result or what a program prints differs. A compilation is
needless if an earlier job of the same lane had built and saved the same unit from the same contents; what is made of files that
a fresh checkout lacks each job has to build. See [`tests/judge`](../tests/judge/main.rs)."""


def projects(path: Path) -> str:
    found = read_projects(path)
    variants = list(found.projects[0].variants)
    rows = [
        (
            f"{project.program} {project.version}",
            project.shows,
            f"{project.tests:,}",
            f"{project.failed_in_clean_build:,}",
            f"{project.flaky:,}",
            *(f"same, {variant.compiled} of {variant.units}" for variant in project.variants.values()),
        )
        for project in found.projects
    ]
    head = (
        "program",
        "what it shows",
        "tests",
        "failing anyway",
        "flaky, left out",
        *(f"first one's {name}" for name in variants),
    )
    return f"""{page.wrapped(PROJECTS)}

{page.table(head, rows, words=2)}

{page.wrapped(f"Made by `scripts/reliability.sh --projects` {page.when(found.made)}.")}"""


PROJECTS = """The test suites of ten programs from crates.io, as two runners of one host run them. The first one tests and
saves; the second one, in another path, starts from a fresh checkout and what was saved, while the first one's workspace is there,
is changed (other sources, fixtures and programs), or is gone. Each time each test gives what it gives in a clean build. Some
fail in that on this machine, too; what two clean builds do not agree on is left out. The numbers are units compiled, of all."""


def cargos(path: Path) -> str:
    found = read_cargos(path)
    names = list(dict.fromkeys(suite.suite for suite in found.suites))
    passed = {(suite.cargo, suite.layout, suite.suite): suite.passed for suite in found.suites}
    kinds = dict.fromkeys((suite.cargo, suite.layout) for suite in found.suites)
    rows = [
        (f"{cargo}, {layout} layout", *(f"{passed[cargo, layout, name]:,}" for name in names), "0") for cargo, layout in kinds
    ]
    return f"""{page.wrapped(CARGOS)}

{page.table(("cargo", *(f"`{name}`" for name in names), "failed"), rows)}

{page.wrapped(f"Made by `scripts/cargo-versions.sh` {page.when(found.made)}.")}"""


CARGOS = """The tests that have cargo build something, passed with later cargos and in both layouts of target directories. The
new one is the default from 1.100 on."""

SECTIONS = (
    Section("Builds", "judge.json", judge),
    Section("Programs of others", "projects.json", projects),
    Section("Versions of cargo", "cargos.json", cargos),
)


def written(text: str, beside: Path, sections: tuple[Section, ...] = SECTIONS) -> str:
    """The page with all sections that have results in `beside`."""
    for section in sections:
        path = beside / section.results
        if path.exists():
            text = page.put(text, section.title, section.text(path))
    return text


def check(out: Path) -> None:
    """Whether the page has what its results give."""
    text = out.read_text()
    if written(text, out.with_suffix("")) != text:
        raise Unusable(f"{out}: is not what the results beside it give; hint: scripts/reliability.sh --sections")

"""Sections of the page whose results lie beside it: each is run, and written anew, apart from all others."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import page
from results import Unusable, read_cargos, read_projects


@dataclass(frozen=True)
class Section:
    title: str
    # The results' name in the page's directory.
    results: str
    text: Callable[[Path], str]


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

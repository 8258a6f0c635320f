"""Test suites of other people's programs: on a second runner, with the first one's cache, they give what a clean build gives.

The first runner's workspace is there, holds something else, or is gone: what leads to it then shows.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import programs, suite
from .programs import Program
from .results import Unusable
from .runner import Host, Job
from .suite import Outcome

Say = Callable[[str], None]

OTHER = "\nwhat the other runner has meanwhile\n"


def there(_: Path) -> None:
    """As the first runner's job left it."""


def changed(workspace: Path) -> None:
    """As a later job of the first runner leaves it: all sources and fixtures are others, and so is what was built."""
    for path in files(workspace):
        below = path.relative_to(workspace)
        if below.parts[0] == "target":
            if below.parts[:2] == ("target", "debug") and len(below.parts) == 3 and path.stat().st_mode & 0o111:
                # Its inode may be an entry's.
                path.unlink()
                path.write_text("#!/bin/sh\necho the program of the other runner\nexit 99\n")
                path.chmod(0o755)
        else:
            with path.open("a") as file:
                file.write(OTHER)


def gone(workspace: Path) -> None:
    """As a cleaner of workspaces leaves it."""
    shutil.rmtree(workspace)


# In this order, for each goes on from the one before.
VARIANTS = {"there": there, "changed": changed, "gone": gone}


def files(workspace: Path) -> list[Path]:
    return [path for path in workspace.rglob("*") if path.is_file() and not path.is_symlink() and ".git" not in path.parts]


def run(program: Path, chosen: list[Program], logs: Path, say: Say) -> list[dict[str, Any]]:
    """Figures of each program. What was said is kept in `logs` where something differs."""
    figures, unusable = [], []
    for each in chosen:
        try:
            figures.append(one(program, each, logs, say))
        except Unusable as error:
            say(f"{each.name}: {error}")
            unusable.append(each.name)
    if unusable:
        raise Unusable(f"nothing is known of {', '.join(unusable)}")
    return figures


def one(program: Path, of: Program, logs: Path, say: Say) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="runner-cache-projects.") as place:
        host = Host(Path(place), program)
        repository = host.place / "repositories" / of.name
        programs.lay_out(of, host.place / "download", repository, host.env())

        first, second = (clean(host, repository) for _ in range(2))
        flaky = {name for name in first.tests | second.tests if first.tests.get(name) != second.tests.get(name)}
        if not first.tests or first.code != second.code:
            raise Unusable(f"a clean build ends with {first.code}, then {second.code}: {first.log[-2000:]}")
        left = save(host, repository)
        results = list(first.tests.values())
        found: dict[str, Any] = {
            "program": of.name,
            "version": of.version,
            "shows": of.shows,
            "tests": len(results) - len(flaky),
            "failed_in_clean_build": results.count("FAILED"),
            "flaky": sorted(flaky),
            "variants": {},
        }
        for name, change in VARIANTS.items():
            change(left)
            outcome = cached(host, repository)
            differing = differences(first, outcome, flaky)
            found["variants"][name] = {"units": outcome.units, "compiled": outcome.compiled, "differing": differing}
            say(f"{of.name}, the first workspace {name}: {verdict(differing)}, {outcome.compiled} of {outcome.units} compiled")
            if differing:
                logs.mkdir(parents=True, exist_ok=True)
                (logs / f"{of.name}-{name}.log").write_text(outcome.log)
                (logs / f"{of.name}-clean.log").write_text(first.log)
        return found


def clean(host: Host, repository: Path) -> Outcome:
    """What the second runner's job gives without a cache."""
    job = Job.begin(host, "second", repository)
    return suite.run(job.workspace, job.env())


def save(host: Host, repository: Path) -> Path:
    """The first runner's job. Returns its workspace."""
    job = Job.begin(host, "first", repository)
    restored = job.cache("restore")
    suite.run(job.workspace, job.env() | restored.env)
    job.cache("save")
    return job.workspace


def cached(host: Host, repository: Path) -> Outcome:
    """What the second runner's job gives with what the first one saved."""
    job = Job.begin(host, "second", repository)
    restored = job.cache("restore")
    if (hit := restored.outputs["target-hit"]) != "exact":
        raise Unusable(f"the second runner's restore is no exact hit, but {hit}")
    return suite.run(job.workspace, job.env() | restored.env)


def differences(clean: Outcome, cached: Outcome, flaky: set[str]) -> list[str]:
    """Tests with another result than in a clean build, and the exit code where it is another."""
    told = [f"exit code {cached.code} instead of {clean.code}"] if cached.code != clean.code and not flaky else []
    for name in sorted((clean.tests.keys() | cached.tests.keys()) - flaky):
        then, now = clean.tests.get(name, "absent"), cached.tests.get(name, "absent")
        if then != now:
            told.append(f"{name}: {now} instead of {then}")
    return told


def verdict(differing: list[str]) -> str:
    return f"{len(differing)} differ ({'; '.join(differing[:3])})" if differing else "as a clean build"

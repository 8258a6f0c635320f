"""The user's words: the command line."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from . import cargos
from .programs import PROGRAMS, Program

# The file system of the temporary directory, as it is.
WORK = "work"

KNOWN = (WORK, "btrfs", "xfs", "tmpfs")

DESCRIPTION = """Runs the tests that take their time and writes what came of them: the thrash (children killed, the cache
damaged, all at random), the fuzzers, and a simulated year. Each part's figures are kept in target/reliability, and a part that
is given as such a file is not run again. Three more parts have sections of their own in docs/reliability.md, with their
results beside it: --judge (random histories of builds against clean builds), --projects and --cargos run these alone, write
both, and fail on any difference."""


@dataclass(frozen=True)
class Options:
    seconds: int
    judge_seconds: int
    fuzz_seconds: int
    file_systems: tuple[str, ...]
    thrash: list[Path]
    fuzz: Path | None
    year: Path | None
    out: Path | None
    # Of all parts only this one, if any are named.
    judge: bool
    projects: list[Program]
    cargos: list[Path]
    suites: list[str]
    sections: bool
    check: Path | None


def read() -> Options:
    parser = argparse.ArgumentParser(prog="scripts/reliability.sh", description=DESCRIPTION)
    parser.add_argument(
        "--seconds", type=int, default=3600, metavar="N", help="how long to thrash on each file system (default: an hour)"
    )
    parser.add_argument(
        "--judge-seconds",
        type=int,
        default=3600,
        metavar="N",
        help=f"how long to judge on `{WORK}`; a sixth of it on each other file system (default: an hour)",
    )
    parser.add_argument("--fuzz-seconds", type=int, default=120, metavar="N", help="how long each fuzzer runs (default: 120)")
    parser.add_argument(
        "--fs",
        default=WORK,
        metavar="LIST",
        help=f"where to thrash or judge, comma-separated: `{WORK}`, the temporary directory's file system as it is, and as root "
        f"{', '.join(KNOWN[1:])} (default: {WORK})",
    )
    parser.add_argument(
        "--thrash", type=Path, nargs="+", default=[], metavar="JSON", help="figures of earlier runs, one a file system"
    )
    parser.add_argument("--fuzz", type=Path, metavar="JSON", help="figures of an earlier run of scripts/fuzz.sh")
    parser.add_argument("--year", type=Path, metavar="CSV", help="the curve that the test `year` wrote")
    parser.add_argument(
        "--out", type=Path, metavar="PAGE", help="writes the page, its picture into a directory beside it (default: print it)"
    )
    alone = parser.add_mutually_exclusive_group()
    alone.add_argument("--judge", action="store_true", help="random histories of builds, each job against a clean build")
    names = {program.name: program for program in PROGRAMS}
    alone.add_argument(
        "--projects",
        nargs="*",
        metavar="NAME",
        help=f"the test suites of {', '.join(names)} on two runners; with names only these, and nothing is written",
    )
    alone.add_argument(
        "--cargos",
        nargs="+",
        type=Path,
        default=[],
        metavar="VERSION",
        help="the project's tests with these cargos, each a directory `cargo-VERSION`; see scripts/cargo-versions.sh",
    )
    alone.add_argument("--sections", action="store_true", help="only writes the sections anew from their results")
    alone.add_argument("--check", type=Path, metavar="PAGE", help="fails where a section is not what its results give")
    parser.add_argument(
        "--suites",
        nargs="+",
        choices=cargos.SUITES,
        default=[],
        metavar="SUITE",
        help=f"with --cargos only these of {', '.join(cargos.SUITES)}, and nothing is written",
    )
    arguments = parser.parse_args()
    file_systems = tuple(dict.fromkeys(arguments.fs.split(",")))
    for name in file_systems:
        if name not in KNOWN:
            parser.error(f"--fs: {name} is none of {', '.join(KNOWN)}")
    if min(arguments.seconds, arguments.judge_seconds, arguments.fuzz_seconds) < 1:
        parser.error("--seconds, --judge-seconds and --fuzz-seconds: at least 1")
    if unknown := [name for name in arguments.projects or [] if name not in names]:
        parser.error(f"--projects: {', '.join(unknown)}: none of {', '.join(names)}")
    chosen = [] if arguments.projects is None else [names[name] for name in arguments.projects or names]
    return Options(
        seconds=arguments.seconds,
        judge_seconds=arguments.judge_seconds,
        fuzz_seconds=arguments.fuzz_seconds,
        file_systems=file_systems,
        thrash=arguments.thrash,
        fuzz=arguments.fuzz,
        year=arguments.year,
        out=arguments.out,
        judge=arguments.judge,
        projects=chosen,
        cargos=arguments.cargos,
        suites=arguments.suites,
        sections=arguments.sections,
        check=arguments.check,
    )

"""The user's words: command line and environment."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from place import WORK

KNOWN = ("ext4", "btrfs", "xfs", "tmpfs")

DESCRIPTION = """Measures runner-cache against rsync, cp and tar with zstd, all in one run and in turn, and prints
Markdown tables of medians. Each file system is made in an image file and mounted, which needs root and up to 26 GB, or 50
for --fleet. RUNNER_CACHE_BIN names the binary; without it bench.sh builds one."""


@dataclass(frozen=True)
class Options:
    binary: Path
    work: Path | None
    file_systems: tuple[str, ...]
    rounds: int
    quick: bool
    trees: bool
    growth: bool
    builds: bool
    fleet: bool
    week: bool
    out: Path | None
    check: Path | None
    results: list[Path]


def read() -> Options:
    parser = argparse.ArgumentParser(prog="scripts/bench.sh", description=DESCRIPTION)
    parser.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help="where trees and images are made; the built trees stay there for the next run "
        "(default: a temporary folder that is removed)",
    )
    parser.add_argument(
        "--fs",
        metavar="LIST",
        help=f"file systems, comma-separated, of {', '.join(KNOWN)}, and `{WORK}`, the work folder's own as it is "
        f"(default: {','.join(KNOWN)} as root, else {WORK}; with --quick the first)",
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each pair (default: 5; 2 with --quick)")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small trees, to try the benchmark: its figures say nothing")
    size.add_argument(
        "--trees",
        action="store_true",
        help="all but the builds: with --builds later a whole run in two parts, which --from puts together",
    )
    size.add_argument(
        "--growth",
        action="store_true",
        help="only the time against the number of files, up to 1,000,000: takes half an hour and more for each file system",
    )
    size.add_argument(
        "--builds",
        action="store_true",
        help="only the time from an empty workspace to the built programs, and what is kept for it, on the first",
    )
    size.add_argument(
        "--fleet",
        action="store_true",
        help="only many repositories that share dependencies, on the first: takes half an hour",
    )
    parser.add_argument(
        "--week",
        action="store_true",
        help="only a simulated week of jobs beside mbx, on the first; MBX names its program, without which it is built",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="PAGE",
        help="writes the page, and its pictures and results.json into a folder beside it",
    )
    parser.add_argument("--check", type=Path, metavar="PAGE", help="fails where a page is not what --from gives")
    parser.add_argument(
        "--from",
        dest="results",
        type=Path,
        nargs="+",
        default=[],
        metavar="JSON",
        help="measures nothing: takes the results.json of earlier runs, the last one's and what it lacks from those before",
    )
    arguments = parser.parse_args()
    if arguments.check and not arguments.results:
        parser.error("--check: there is nothing to compare with; hint: --from")
    if arguments.rounds is not None and arguments.rounds < 1:
        parser.error("--rounds: at least 1")
    file_systems = (KNOWN[:1] if arguments.quick else KNOWN) if os.geteuid() == 0 else (WORK,)
    if arguments.fs is not None:
        file_systems = tuple(dict.fromkeys(arguments.fs.split(",")))
    for name in file_systems:
        if name not in (*KNOWN, WORK):
            parser.error(f"--fs: {name} is none of {', '.join(KNOWN)} and {WORK}")
    return Options(
        binary=Path(os.environ.get("RUNNER_CACHE_BIN", "target/release/runner-cache")).resolve(),
        work=arguments.work and arguments.work.resolve(),
        file_systems=file_systems,
        rounds=arguments.rounds or (2 if arguments.quick else 5),
        quick=arguments.quick,
        trees=arguments.trees,
        growth=arguments.growth,
        builds=arguments.builds,
        fleet=arguments.fleet,
        week=arguments.week,
        out=arguments.out,
        check=arguments.check,
        results=arguments.results,
    )

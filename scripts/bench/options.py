"""The user's words: command line and environment."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from .place import WORK
from .project import OWN, PUBLIC
from .results import Part
from .rivals import SCENARIOS, SETTINGS, Chosen

KNOWN = ("ext4", "btrfs", "xfs", "tmpfs")

# All parts, one after another.
ALL = "all"

# What of the part `rivals` can be chosen.
CHOICES = {"projects": (OWN, PUBLIC), "settings": tuple(SETTINGS), "scenarios": tuple(SCENARIOS)}

DESCRIPTION = """Measures runner-cache against rsync, cp and tar with zstd, all in one run and in turn, and prints
Markdown tables of medians. Each file system is made in an image file and mounted, which needs root and up to 26 GB, or 50
for the fleet. RUNNER_CACHE_BIN names the binary; without it bench.sh builds one."""

PARTS = """what to measure, each with results and a page of its own: `trees` (the default), restores and saves on each file
system, and builds on the first; `growth`, the time against the number of files, up to 1,000,000; `fleet`, many repositories
that share dependencies, on the first file system; `week`, a simulated week of jobs beside mbx, on the first, where MBX names
the program, without which it is built; `rivals`, what people would pick instead, on the first, where MBX and SCCACHE name the
programs; `all`, one after another"""


@dataclass(frozen=True)
class Options:
    parts: tuple[Part, ...]
    binary: Path
    work: Path | None
    file_systems: tuple[str, ...]
    rounds: int
    quick: bool
    resume: bool
    chosen: Chosen
    note: str
    out: Path | None
    draw: Path | None
    check: Path | None


def read() -> Options:
    parser = argparse.ArgumentParser(prog="scripts/bench.sh", description=DESCRIPTION)
    parser.add_argument("parts", nargs="*", metavar="PART", help=PARTS)
    parser.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help="where trees and images are made; the built trees and the results stay there "
        "(default: a temporary directory that is removed)",
    )
    parser.add_argument(
        "--fs",
        metavar="LIST",
        help=f"file systems, comma-separated, of {', '.join(KNOWN)}, and `{WORK}`, the work directory's own as it is "
        f"(default: {','.join(KNOWN)} as root, else {WORK}; with --quick the first)",
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each pair (default: 5; 2 with --quick)")
    parser.add_argument("--quick", action="store_true", help="little of all, to try the benchmark: its figures say nothing")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="of `rivals`: goes on where a run in --work ended early, with the same binary, machine and options",
    )
    for name, known in CHOICES.items():
        parser.add_argument(
            f"--{name}", metavar="LIST", help=f"of `rivals`: comma-separated, of {', '.join(known)} (default: see its page)"
        )
    parser.add_argument("--note", default="", metavar="TEXT", help="what else a reader of the page has to know of this run")
    pages = parser.add_mutually_exclusive_group()
    pages.add_argument(
        "--out",
        type=Path,
        metavar="PAGE",
        help="writes the page of `trees`; into a directory beside it the other parts' pages, all pictures, and all results",
    )
    pages.add_argument("--draw", type=Path, metavar="PAGE", help="measures nothing: writes the pages of the results beside PAGE")
    pages.add_argument("--check", type=Path, metavar="PAGE", help="measures nothing: fails where --draw would write another page")
    arguments = parser.parse_args()
    for name in arguments.parts:
        if name not in (*Part, ALL):
            parser.error(f"{name} is none of {', '.join((*Part, ALL))}")
    if arguments.rounds is not None and arguments.rounds < 1:
        parser.error("--rounds: at least 1")
    if arguments.resume and (arguments.parts != [Part.RIVALS] or arguments.work is None):
        parser.error("--resume: only with `rivals` and --work")
    file_systems = (KNOWN[:1] if arguments.quick else KNOWN) if os.geteuid() == 0 else (WORK,)
    if arguments.fs is not None:
        file_systems = tuple(dict.fromkeys(arguments.fs.split(",")))
    for name in file_systems:
        if name not in (*KNOWN, WORK):
            parser.error(f"--fs: {name} is none of {', '.join(KNOWN)} and {WORK}")
    chosen = {name: tuple((getattr(arguments, name) or "").replace(",", " ").split()) for name in CHOICES}
    for name, known in CHOICES.items():
        for word in chosen[name]:
            if word not in known:
                parser.error(f"--{name}: {word} is none of {', '.join(known)}")
    return Options(
        chosen=Chosen(**chosen),
        parts=tuple(part for part in Part if part in (arguments.parts or [Part.TREES]) or ALL in arguments.parts),
        binary=Path(os.environ.get("RUNNER_CACHE_BIN", "target/release/runner-cache")).resolve(),
        work=arguments.work and arguments.work.resolve(),
        file_systems=file_systems,
        rounds=arguments.rounds or (2 if arguments.quick else 5),
        quick=arguments.quick,
        resume=arguments.resume,
        note=arguments.note,
        out=arguments.out,
        draw=arguments.draw,
        check=arguments.check,
    )


if __name__ == "__main__":
    # Whether they can be followed, before minutes go into what they need.
    read()

"""One way to do a thing, and the rounds in which ways take turns."""

import os
import random
import resource
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .memory import provided
from .place import Place
from .process import environment, run

QUICK_SECONDS = 0.15

# The columns of `/proc/stat` that are work: user, nice, system, irq, softirq (`proc_stat(5)`).
WORK = (1, 2, 3, 6, 7)


def nothing() -> None:
    """What there is to do for most ways before and after."""


@dataclass(frozen=True)
class Way:
    name: str
    command: list[str]
    cwd: Path
    env: dict[str, str]
    # A file or directory that is read before, so that it is in memory whatever the way before it needed.
    reads: Path | None = None
    # None is timed. The check follows the first round.
    before: Callable[[], None] = nothing
    check: Callable[[], None] = nothing
    # Takes away what was made: a million files that lie about would push those that are to be read out of memory.
    after: Callable[[], None] = nothing
    # Bytes on the disk, asked before and after the first round.
    disk: Callable[[], int] | None = None


@dataclass
class Course:
    """How a way did."""

    seconds: list[float] = field(default_factory=list)
    # On the processors: its own, and of all that ran meanwhile.
    own_seconds: list[float] = field(default_factory=list)
    all_seconds: list[float] = field(default_factory=list)
    disk_bytes: int | None = None

    @property
    def is_quick(self) -> bool:
        return statistics.median(self.seconds) < QUICK_SECONDS


def take_turns(ways: list[Way], rounds: int, rounds_of_quick: int, place: Place, tree_bytes: int) -> dict[str, Course]:
    """Each way once, then each again: what else the machine does hits all of them alike. What one leaves behind, such as
    memory that the host of a virtual machine has to give anew, hits the next one, so each round has another order.
    What is quick has more rounds."""
    courses = {way.name: Course() for way in ways}
    for turn in range(rounds_of_quick):
        # Of what is over in an instant a median of three says little, and more rounds cost next to nothing.
        taking = ways if turn < rounds else [way for way in ways if courses[way.name].is_quick]
        for way in random.Random(turn).sample(taking, len(taking)):
            course = courses[way.name]
            way.before()
            place.settle()
            used = way.disk() if way.disk and turn == 0 else 0
            if way.reads:
                read(way.reads)
            with provided(tree_bytes + tree_bytes // 4):
                own, of_all = seconds_of_children(), seconds_of_all()
                course.seconds.append(run(way.command, cwd=way.cwd, env=way.env))
                course.own_seconds.append(seconds_of_children() - own)
                course.all_seconds.append(seconds_of_all() - of_all)
            if turn == 0:
                if way.disk:
                    course.disk_bytes = way.disk() - used
                way.check()
            way.after()
    return courses


def read(tree: Path) -> None:
    command = ["bash", "-c", 'find "$1" -type f -print0 | xargs -0 -n 1000 -P "$(nproc)" cat > /dev/null', "bash", str(tree)]
    run(command, cwd=tree.parent, env=environment(tree.parent))


def seconds_of_children() -> float:
    """On the processors: of all children that have ended, and theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def seconds_of_all() -> float:
    """On the processors: of whatever runs on the machine, the kernel's own threads among it, since it was booted."""
    columns = Path("/proc/stat").read_text().splitlines()[0].split()
    return sum(int(columns[index]) for index in WORK) / os.sysconf("SC_CLK_TCK")

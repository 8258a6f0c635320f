"""Entry point: see `options.py` for the words and `measure.py` for the run."""

import datetime
import fcntl
import filecmp
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from pages import host
from pages.command import Failed

from . import options, page, picture
from .measure import Measure
from .place import opened
from .process import adopt
from .released import weigh
from .results import Part, Results, read

# On these the others tell no more than the first file system.
ON_ONE = (Part.FLEET, Part.WEEK, Part.RIVALS)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def stop(*_: object) -> None:
    """As on Ctrl-C: what is mounted is unmounted on the way out."""
    raise KeyboardInterrupt


def main() -> int:
    words = options.read()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        if words.draw:
            draw_or_check(words.draw, write)
        elif words.check:
            draw_or_check(words.check, check)
        else:
            return measure_all(words)
        return 0
    except (Failed, OSError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130


def measure_all(words: options.Options) -> int:
    """One part after another; one that fails does not take the others with it."""
    adopt()
    code = 0
    with ExitStack() as stack:
        work = words.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runner-cache-bench.")))
        work.mkdir(parents=True, exist_ok=True)
        # Two runs in one directory would unmount each other; the kernel lets go when this process ends.
        lock = stack.enter_context((work / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Failed(f"another run uses {work}; hint: another --work") from error
        # A build meanwhile must not change what is measured.
        binary = work / "runner-cache"
        if words.resume and not (binary.exists() and filecmp.cmp(words.binary, binary, shallow=False)):
            raise Failed(f"--resume: {work} has no run with the binary {words.binary}")
        shutil.copy2(words.binary, binary)
        for part in words.parts:
            try:
                found = measure(words, part, work, binary)
            except (Failed, OSError) as error:
                say(f"error: {part}: {error}")
                code = 1
                continue
            print(page.whole(found, "", set()), flush=True)
            if words.out:
                write(found, words.out)
    return code


def measure(words: options.Options, part: Part, work: Path, binary: Path) -> Results:
    made = work / "trees"
    made.mkdir(exist_ok=True)
    begun = datetime.datetime.now(tz=datetime.UTC)
    found = Results(
        part=part,
        date=begun.date().isoformat(),
        commit=host.commit(),
        rounds=words.rounds,
        quick=words.quick,
        machine=host.describe(),
        note=words.note,
        program=weigh(binary) if part is Part.TREES else None,
    )
    kept = work / f"{part}.json"
    if words.resume:
        found = resumed(read(kept), found)
    run = Measure(words, binary, made, found, say, lambda: found.write(kept))
    for name in words.file_systems[:1] if part in ON_ONE else words.file_systems:
        with opened(name, work) as place:
            run.run(place)
        say(f"{part}: {name} done after {(datetime.datetime.now(tz=datetime.UTC) - begun).total_seconds() / 60:.0f} minutes")
    return found


def resumed(before: Results, now: Results) -> Results:
    """What a run that ended early found so far, for this one to go on with."""
    for name in ("commit", "rounds", "quick", "machine"):
        was, is_now = getattr(before, name), getattr(now, name)
        if was != is_now:
            raise Failed(f"--resume: {name} was {was}, and is {is_now}")
    about = "The run ended early and was resumed; what is compared with each other was measured without a break."
    return replace(before, note=" ".join(filter(None, (now.note, about))))


def write(found: Results, out: Path) -> None:
    """Results, pictures and page of a part."""
    files = page.files(out, found.part)
    files.beside.mkdir(parents=True, exist_ok=True)
    picture.draw(found, files.beside)
    found.write(files.results)
    files.page.write_text(page.whole(found, files.pictures, page.known(out)))
    say(f"wrote {files.page} and {files.results}")


def check(found: Results, out: Path) -> None:
    files = page.files(out, found.part)
    if files.page.read_text() != page.whole(found, files.pictures, page.known(out)):
        raise Failed(f"{files.page} is not what {files.results} gives; hint: scripts/bench.sh --draw {out}")


def draw_or_check(out: Path, act: Callable[[Results, Path], None]) -> None:
    """All parts of which there are results."""
    paths = [path for part in Part if (path := page.files(out, part).results).exists()]
    if not paths:
        raise Failed(f"there are no results beside {out}")
    for path in paths:
        act(read(path), out)


sys.exit(main())

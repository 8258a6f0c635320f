"""Entry point: see `options.py` for the words and `measure.py` for the run."""

import datetime
import fcntl
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import host
import options
import page
import results as store
from measure import Measure
from place import opened
from process import Failed, adopt
from requirement import misses


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
        found = store.merged([store.read(path) for path in words.results]) if words.results else measure(words)
        if words.check:
            check(found, words.check)
            return 0
        print(page.tables(found, "pictures"))
        if words.out:
            write(found, words.out)
    except (Failed, OSError, ValueError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    return 0


def measure(words: options.Options) -> store.Results:
    adopt()
    with ExitStack() as stack:
        if words.work is None:
            work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runner-cache-bench.")))
        else:
            work = words.work
            work.mkdir(parents=True, exist_ok=True)
        # Two runs in one folder would unmount each other; the kernel lets go when this process ends.
        lock = stack.enter_context((work / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Failed(f"another run uses {work}; hint: another --work") from error
        made = work / "trees"
        made.mkdir(exist_ok=True)
        # A build meanwhile must not change what is measured.
        binary = work / "runner-cache"
        shutil.copy2(words.binary, binary)
        found = store.Results(
            date=datetime.date.today().isoformat(),
            commit=host.commit(),
            rounds=words.rounds,
            quick=words.quick,
            machine=host.describe(),
        )
        keep = partial(found.write, work / "results.json")
        run = Measure(words, binary, made, found, say, keep, misses=partial(misses, found))
        for name in words.file_systems[:1] if words.builds or words.fleet or words.week else words.file_systems:
            with opened(name, work) as place:
                run.run(place)
        return found


def write(found: store.Results, out: Path) -> None:
    # Only here: measuring needs nothing but Python.
    import picture  # noqa: PLC0415

    folder = out.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    picture.draw(found, folder)
    found.write(folder / "results.json")
    out.write_text(page.whole(found, folder.name))
    say(f"wrote {out} and {folder}")


def check(found: store.Results, out: Path) -> None:
    if out.read_text() != page.whole(found, out.with_suffix("").name):
        raise Failed(f"{out} is not what these results give; hint: scripts/bench.sh --from RESULTS --out {out}")


sys.exit(main())

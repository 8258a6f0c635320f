"""Memory that is there when it is needed."""

import mmap
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Of `madvise(2)`, since Linux 5.14.
MADV_POPULATE_WRITE = 23

# Seconds between looks at what processes have.
LOOKS = 0.1

# Free memory is given back to the host in blocks of 2 MB at least.
BETWEEN_KEPT_PAGES = 1 << 20


@contextmanager
def provided(byte_count: int) -> Iterator[None]:
    """Lets the kernel have so much free memory that it needs not ask the host of a virtual machine for.

    The host gives memory when it is first written to, at a millisecond for each MB (a first copy of 2 GB took 2.3 s, the
    next ones 0.4), and takes back within seconds what is free (`Documentation/mm/free_page_reporting.rst`): whichever way
    happens to come first would pay for others, and a long one again and again. So a page of each block is kept meanwhile.
    """
    if byte_count == 0:
        yield
        return
    with mmap.mmap(-1, byte_count, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        # What is in one piece would be freed in one piece.
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        try:
            memory.madvise(MADV_POPULATE_WRITE)
        except OSError:
            for start in range(0, byte_count, mmap.PAGESIZE):
                memory[start] = 1
        for start in range(mmap.PAGESIZE, byte_count - mmap.PAGESIZE, BETWEEN_KEPT_PAGES):
            memory.madvise(mmap.MADV_DONTNEED, start, min(BETWEEN_KEPT_PAGES, byte_count - start) - mmap.PAGESIZE)
        yield


def forget() -> None:
    """Has the kernel drop what it keeps of files, which only root can ask for. It would make way for the trees only slowly."""
    # What is not yet written out stays.
    os.sync()
    # In a container it may be read-only: then it takes its time.
    with suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("3\n")


class Peak:
    """The most memory that all processes together have more than when it was entered: what belongs to no file. On a quiet
    machine that is what a command has with all that works for it, wherever that was started."""

    def __init__(self) -> None:
        self.bytes = 0
        self.is_over = threading.Event()

    def __enter__(self) -> "Peak":
        self.before = anonymous_bytes()
        self.watch = threading.Thread(target=self.look)
        self.watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self.watch.join()

    def look(self) -> None:
        while not self.is_over.wait(LOOKS):
            self.bytes = max(self.bytes, anonymous_bytes() - self.before)


def anonymous_bytes() -> int:
    """Memory of processes that no file has, of all (`proc_meminfo(5)`)."""
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    return next(int(words[1]) * 1024 for words in lines if words[0] == "AnonPages:")

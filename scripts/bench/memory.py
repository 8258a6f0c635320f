"""Memory that is there when it is needed."""

import mmap

# Of `madvise(2)`, since Linux 5.14.
MADV_POPULATE_WRITE = 23


def touch(byte_count: int) -> None:
    """Takes so much memory and gives it back to the kernel.

    The host of a virtual machine gives memory when it is first written to, at a millisecond for each MB (a first copy of
    2 GB took 2.3 s, the next ones 0.4): whichever way happens to come first would pay for all others.
    """
    if byte_count == 0:
        return
    with mmap.mmap(-1, byte_count) as memory:
        try:
            memory.madvise(MADV_POPULATE_WRITE)
        except OSError:
            for start in range(0, byte_count, mmap.PAGESIZE):
                memory[start] = 1

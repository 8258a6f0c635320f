"""Time on the processors, in seconds: what a command takes of it, and what the kernel's own threads take beside it."""

import os
import resource
from pathlib import Path

# The columns of `/proc/stat` that are work: user, nice, system, irq, softirq (`proc_stat(5)`).
WORK = (1, 2, 3, 6, 7)


def of_children() -> float:
    """Of all children that have ended, and theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def of_all() -> float:
    """Of whatever runs on the machine, since it was booted."""
    columns = Path("/proc/stat").read_text().splitlines()[0].split()
    return sum(int(columns[index]) for index in WORK) / os.sysconf("SC_CLK_TCK")

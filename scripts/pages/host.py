"""The machine and the programs, as far as figures depend on them: nothing that names the machine."""

import os
import platform
import re
from pathlib import Path

from .command import Failed, tell

ROOT = Path(__file__).parent.parent.parent

VERSIONS = {
    "rsync": (["rsync", "--version"], r"version (\S+)"),
    "cp": (["cp", "--version"], r"\) (\S+)"),
    "tar": (["tar", "--version"], r"\) (\S+)"),
    "zstd": (["zstd", "--version"], r"v([\d.]+)"),
    "rustc": (["rustc", "--version"], r"rustc (\S+)"),
    "mkfs.ext4": (["mke2fs", "-V"], r"mke2fs ([\d.]+)"),
    "mkfs.btrfs": (["mkfs.btrfs", "--version"], r"v([\d.]+)"),
    "mkfs.xfs": (["mkfs.xfs", "-V"], r"version ([\d.]+)"),
}


def describe() -> dict[str, str]:
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    machine = {
        "Processor": f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores",
        "Memory": f"{int(memory[1]) / (1 << 20):.0f} GiB" if memory else "unknown",
        "Kernel": f"{platform.system()} {platform.release()}{small_tables()}",
    }
    versions = ", ".join(f"{name} {version(*how)}" for name, how in VERSIONS.items())
    return machine | {"Programs": versions}


def small_tables() -> str:
    """The sizes of the kernel's tables of names and inodes, if it was told them: it makes many more by itself."""
    told = re.findall(r"\b[di]hash_entries=\d+", Path("/proc/cmdline").read_text())
    return f", booted with {' '.join(told)}" if told else ""


def version(command: list[str], pattern: str) -> str:
    try:
        found = re.search(pattern, tell(command))
    except Failed:
        return "not installed"
    return found[1] if found else "unknown"


def commit() -> str:
    head = tell(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT)
    changes = tell(["git", "status", "--porcelain", "--", "src", "Cargo.toml", "Cargo.lock"], cwd=ROOT)
    return f"{head} with changes" if changes else head

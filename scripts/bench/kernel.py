"""What the kernel does for a command: how many system calls a file takes, and where the time goes, by samples of its stacks."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pages.command import Failed, tell

from .process import run

# Samples in a second of each processor.
FREQUENCY = 5_000

# What a system call begins with, on any architecture. Of some (`write(2)`) only what it jumps to is on the stack.
SYSTEM_CALL = re.compile(r"^(?:__(?:x64|arm64|riscv|se|do)_|k)sys_(?:new)?(\w+?)$")
ENTRY = re.compile(r"^(?:do_syscall_64|entry_SYSCALL_64|el0_svc|do_trap_ecall_u)")
FAULTS = ("asm_exc_page_fault", "do_page_fault", "exc_page_fault")

# Functions that search the kernel's hash tables of names and inodes (Linux, fs/dcache.c and fs/inode.c).
OF_TABLES = re.compile(r"^(__d_lookup|find_inode|insert_inode_locked)")

ITSELF = "the program itself"
OTHER_CALLS = "other system calls"
FAULT = "page faults"

# A frame with less than this share of the samples is not worth a name.
LEAST = 0.01


@dataclass(frozen=True)
class Calls:
    """Calls of one command, those of its children and threads included."""

    by_name: dict[str, int]

    def beyond(self, other: "Calls") -> "Calls":
        """What this command needs more than another one."""
        names = self.by_name.keys() | other.by_name.keys()
        more = {name: self.by_name.get(name, 0) - other.by_name.get(name, 0) for name in names}
        return Calls({name: count for name, count in more.items() if count > 0})


def count(command: list[str], *, cwd: Path, env: dict[str, str], scratch: Path) -> Calls:
    table = scratch / "calls"
    run(["strace", "--follow-forks", "--summary-only", "--output", str(table), *command], cwd=cwd, env=env)
    calls = {}
    for line in table.read_text().splitlines():
        words = line.split()
        # % time, seconds, usecs/call, calls, errors (where there were any), name
        if len(words) in (5, 6) and words[0][0].isdigit() and words[-1] != "total":
            calls[words[-1]] = int(words[3])
    if not calls:
        raise Failed(f"strace counted nothing:\n{table.read_text()}")
    table.unlink()
    return Calls(calls)


def profile(command: list[str], *, cwd: Path, env: dict[str, str], scratch: Path) -> dict[str, int]:
    """Samples of each stack: the system call, and functions of the kernel below it, with `;` between them."""
    data = scratch / "perf.data"
    record = ["perf", "record", "--quiet", "--event=cpu-clock", f"--freq={FREQUENCY}", "-g", f"--output={data}", "--"]
    run([*record, *command], cwd=cwd, env=env)
    text = tell(["perf", "script", f"--input={data}", "--fields=ip,sym"])
    data.unlink()
    stacks = Counter(stack_of(sample) for sample in text.split("\n\n") if sample.strip())
    if not stacks:
        raise Failed(f"perf saw nothing of {' '.join(command)}")
    return pruned(stacks)


def stack_of(sample: str) -> tuple[str, ...]:
    """The frames of a sample, the outermost first, from the system call inwards."""
    lines = [line.split(maxsplit=1) for line in sample.splitlines() if line.strip()]
    frames = [line[-1].split("+")[0].strip() for line in lines]
    for index, frame in reversed(list(enumerate(frames))):
        call = SYSTEM_CALL.match(frame)
        if call or frame in FAULTS:
            below = [inner for inner in reversed(frames[:index]) if not SYSTEM_CALL.match(inner)]
            return (call[1] if call else FAULT, *below)
    return (OTHER_CALLS if any(ENTRY.match(frame) for frame in frames) else ITSELF,)


def pruned(stacks: Counter[tuple[str, ...]]) -> dict[str, int]:
    """Cuts each stack where fewer than the least share of all samples have it in common."""
    reached: Counter[tuple[str, ...]] = Counter()
    for stack, count in stacks.items():
        for depth in range(1, len(stack) + 1):
            reached[stack[:depth]] += count
    least = LEAST * stacks.total()
    found: Counter[str] = Counter()
    for stack, count in stacks.items():
        depth = 1
        while depth < len(stack) and reached[stack[: depth + 1]] >= least:
            depth += 1
        found[";".join(stack[:depth])] += count
    return dict(sorted(found.items()))


def by_call(stacks: dict[str, int]) -> dict[str, float]:
    """The share of each system call, the largest first."""
    calls: Counter[str] = Counter()
    for stack, count in stacks.items():
        calls[stack.split(";")[0]] += count
    return {call: count / calls.total() for call, count in calls.most_common()}


def by_function(stacks: dict[str, int]) -> dict[str, float]:
    """The share of each function itself, without what it calls, the largest first. The program is left out."""
    functions: Counter[str] = Counter()
    for stack, count in stacks.items():
        call, *inner = stack.split(";")
        # The compiler's variants of a function (`.isra.0`) are that function.
        functions[(inner[-1] if inner else call).split(".")[0]] += count
    return {name: count / functions.total() for name, count in functions.most_common() if name != ITSELF}


def of_tables(stacks: dict[str, int]) -> float:
    """The share of the search in the kernel's tables of names and inodes."""
    return sum(share for name, share in by_function(stacks).items() if OF_TABLES.match(name))

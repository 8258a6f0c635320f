"""How many system calls a file takes."""

from dataclasses import dataclass
from pathlib import Path

from process import Failed, run


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

"""Children of the benchmark: what they see of the world, how long they take, and that none outlives it."""

import ctypes
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from pages.command import Failed

# Of `prctl(2)`: a process whose parent has ended becomes a child of this one.
PR_SET_CHILD_SUBREAPER = 36

# Seconds that a server has to end.
PATIENCE = 10.0

# What goes on between commands.
SERVERS: list["subprocess.Popen[bytes]"] = []


def environment(home: Path, **more: str) -> dict[str, str]:
    """Made from nothing: no GITHUB_*, no RUNNER_*, no cargo home of the user. Only the toolchains are shared."""
    variables = {"HOME": str(home), "CARGO_HOME": str(home / ".cargo"), "LC_ALL": "C", "PATH": os.environ["PATH"]}
    toolchains = os.environ.get("RUSTUP_HOME") or os.path.expanduser("~/.rustup")
    if os.path.isdir(toolchains):
        # A toolchain that changes meanwhile would change what is measured.
        variables |= {"RUSTUP_HOME": toolchains, "RUSTUP_AUTO_INSTALL": "0"}
    return variables | more


def run(command: list[str], *, cwd: Path, env: dict[str, str]) -> float:
    """Runs to the end, output kept for the error. The seconds it took."""
    start = time.perf_counter()
    # A session of its own: the parts of a pipeline end with it when this process is interrupted.
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as child:
        try:
            output, _ = child.communicate()
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    seconds = time.perf_counter() - start
    text = output.decode(errors="replace")
    if child.returncode != 0:
        raise Failed(f"{' '.join(command)}\nended with {child.returncode}:\n{text}")
    # A cache reports its trouble as a warning and goes on; a benchmark must not.
    if any(line.startswith(("warning:", "::warning::", "error:", "::error::")) for line in text.splitlines()):
        raise Failed(f"{' '.join(command)}\nwarned:\n{text}")
    return seconds


def adopt() -> None:
    """Makes this process the parent of whatever its children leave running."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def wait_for_left_running() -> None:
    """Waits for what commands left running. A save leaves a process that writes its entry out to the disk and notes that in
    the cache root, which so cannot be removed meanwhile."""
    while pending := children() - {server.pid for server in SERVERS}:
        with suppress(ChildProcessError):
            os.waitpid(pending.pop(), 0)


def children() -> set[int]:
    """Those of all threads. Where a thread ends meanwhile, its children become another one's: then they are asked for again."""
    while True:
        with suppress(FileNotFoundError, ProcessLookupError):
            found = [Path(f"/proc/self/task/{task}/children").read_text() for task in os.listdir("/proc/self/task")]
            return {int(child) for each in found for child in each.split()}


def serve(command: list[str], *, cwd: Path, env: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Starts what runs until it is told to end, for which nobody waits."""
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=cwd, env=env, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    SERVERS.append(server)
    return server


def end(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        # It waits for clients that were killed.
        server.kill()
        server.wait()
    SERVERS.remove(server)


def peak_bytes(command: list[str], *, cwd: Path, env: dict[str, str], scratch: Path) -> int:
    """The most memory that the command held. A child's peak begins with that of the process that started it, and this one
    is large: `time` is small."""
    told = scratch / "peak"
    run(["time", "--format=%M", f"--output={told}", *command], cwd=cwd, env=env)
    return int(told.read_text()) * 1024

"""The project's tests with other cargos: those that it is built with stay out of it."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .results import Unusable

ROOT = Path(__file__).resolve().parent.parent.parent

Say = Callable[[str], None]

# What has nothing to do with cargo is left out of the suite that has a bit of everything.
ELSEWHERE = ("destination", "inputs", "presets", "scopes", "trouble", "upkeep")

SUITES: dict[str, tuple[str, ...]] = {
    "cli": tuple(word for module in ELSEWHERE for word in ("--skip", f"{module}::")),
    "judge": (),
    "warm": (),
}

SUMMARY = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;", re.MULTILINE)
FAILED = re.compile(r"^test (.+) \.\.\. FAILED$", re.MULTILINE)


@dataclass(frozen=True)
class Cargo:
    """A cargo with one of its layouts of target directories."""

    version: str
    layout: str
    # What `cargo install --root` made.
    root: Path

    def directory(self, made: Path) -> Path:
        """Where a `cargo` lies that is this one."""
        if self.layout == "old":
            return self.root / "bin"
        # The tests clear the environment, and a cargo of crates.io takes unstable options. The layout is what the release
        # after 1.99 has without one.
        wrapper = made / f"cargo-{self.version}-{self.layout}" / "cargo"
        wrapper.parent.mkdir(parents=True, exist_ok=True)
        option = "CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT=true"
        wrapper.write_text(f'#!/bin/sh\n{option} exec "{self.root}/bin/cargo" "$@"\n')
        wrapper.chmod(0o755)
        return wrapper.parent


def run(cargos: list[Cargo], suites: list[str], made: Path, say: Say) -> list[dict[str, Any]]:
    """Figures of each suite with each cargo. What was said is kept in `made` where tests failed."""
    made.mkdir(parents=True, exist_ok=True)
    executables = build(suites)
    return [one(cargo, suite, executables[suite], made, say) for cargo in cargos for suite in suites]


def build(suites: list[str]) -> dict[str, Path]:
    """The suites' executables, by the cargo that the project is always built with."""
    wanted = [word for suite in suites for word in ("--test", suite)]
    command = ["cargo", "test", "--locked", "--no-run", "--message-format=json-render-diagnostics", *wanted]
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Unusable(f"{' '.join(command)} ended with {done.returncode}")
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {
        message["target"]["name"]: Path(message["executable"])
        for message in messages
        if message["reason"] == "compiler-artifact" and message["executable"] and "test" in message["target"]["kind"]
    }


def toolchain() -> str:
    """What rustup's cargo would tell rustc: without it each crate with a toolchain file has rustup install another one."""
    told = subprocess.run(["rustup", "show", "active-toolchain"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return told.split()[0]


def one(cargo: Cargo, suite: str, executable: Path, made: Path, say: Say) -> dict[str, Any]:
    directory = cargo.directory(made)
    env = os.environ | {"PATH": f"{directory}{os.pathsep}{os.environ['PATH']}", "RUSTUP_TOOLCHAIN": toolchain()}
    told = subprocess.run(["cargo", "--version"], env=env, check=True, capture_output=True, text=True).stdout
    if not told.startswith(f"cargo {cargo.version}."):
        raise Unusable(f"{directory}/cargo is no cargo {cargo.version}: {told.strip()}")
    start = time.monotonic()
    command = [str(executable), *SUITES[suite]]
    done = subprocess.run(
        command, cwd=ROOT, env=env, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    log = done.stdout.decode(errors="replace")
    summary = SUMMARY.search(log)
    if not summary:
        raise Unusable(f"{suite} with cargo {cargo.version} ended with {done.returncode}: {log[-2000:]}")
    passed, failed, ignored = (int(number) for number in summary.groups())
    seconds = round(time.monotonic() - start)
    say(f"cargo {cargo.version}, {cargo.layout} layout, {suite}: {passed} passed, {failed} failed, {seconds} s")
    if failed:
        (made / f"cargo-{cargo.version}-{cargo.layout}-{suite}.log").write_text(log)
    return {
        "cargo": cargo.version,
        "layout": cargo.layout,
        "suite": suite,
        "passed": passed,
        "ignored": ignored,
        "failed": sorted(FAILED.findall(log)),
        "seconds": seconds,
    }

"""A run of `cargo test`: what was compiled for it, and the result of each test."""

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .results import Unusable

# Nothing of what is run here takes a fifth of this.
LIMIT = 1800

COMMAND = ["cargo", "test", "--locked", "--no-fail-fast", "--message-format=json-render-diagnostics"]

# `Running unittests src/main.rs (target/debug/deps/x-0123456789abcdef)`, `Doc-tests x`
TARGET = re.compile(r"^\s+(?:Running (?P<path>.+) \(.+\)|(?P<doc>Doc-tests .+))$")
RESULT = re.compile(r"^test (?P<name>.+) \.\.\. (?P<result>ok|FAILED|ignored)\b")
SUMMARY = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;")


@dataclass
class Outcome:
    code: int = 0
    # By test target and name.
    tests: dict[str, str] = field(default_factory=dict)
    units: int = 0
    compiled: int = 0
    log: str = ""


def run(place: Path, env: dict[str, str]) -> Outcome:
    """All tests of the package at `place`."""
    # With one thread a test's name is written before what the test itself writes, and its result after that.
    env = env | {"RUST_TEST_THREADS": "2", "CARGO_TERM_COLOR": "never"}
    try:
        done = subprocess.run(
            COMMAND,
            cwd=place,
            env=env,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired as error:
        raise Unusable(f"cargo test in {place} took more than {LIMIT} s") from error
    return read(done.stdout.decode(errors="replace"), done.returncode)


def read(log: str, code: int) -> Outcome:
    outcome = Outcome(code, log=log)
    target, told = "", 0
    for line in log.splitlines():
        if line.startswith('{"reason":'):
            count(outcome, line)
        elif match := TARGET.match(line):
            target = match["path"] or match["doc"]
        elif match := RESULT.match(line):
            outcome.tests[f"{target}: {match['name']}"] = match["result"]
        elif match := SUMMARY.match(line):
            told += sum(int(number) for number in match.groups())
    # What cannot be read would be the same in both runs, and hide what differs.
    if told != len(outcome.tests):
        raise Unusable(f"the harness tells of {told} tests, and {len(outcome.tests)} were read: {log[-2000:]}")
    return outcome


def count(outcome: Outcome, line: str) -> None:
    message = json.loads(line)
    if message["reason"] == "compiler-artifact":
        outcome.units += 1
        outcome.compiled += not message["fresh"]

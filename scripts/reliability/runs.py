"""Runs the tests. Each leaves a file in target/reliability that a later call can take instead."""

import datetime
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from pages import host

from . import cargos, projects
from .options import WORK, Options
from .results import Unusable

ROOT = Path(__file__).resolve().parent.parent.parent
DIRECTORY = ROOT / "target" / "reliability"

Say = Callable[[str], None]


def thrash(words: Options, say: Say) -> list[Path]:
    written = []
    for name in words.file_systems:
        say(f"thrashing on {name} for {words.seconds} s")
        figures = DIRECTORY / "figures.json"
        # Released, it does several times as much in the same time.
        command = ["cargo", "test", "--release", "--locked", "--test", "thrash", "--", "--nocapture"]
        if name != WORK:
            command = ["scripts/on-filesystem.sh", name, *command]
        run(command, RUNNER_CACHE_THRASH_SECONDS=str(words.seconds), RUNNER_CACHE_THRASH_OUT=str(figures))
        file_system = file_system_of(Path(tempfile.gettempdir())) if name == WORK else name
        written.append(keep(f"thrash-{file_system}.json", json.loads(figures.read_text()), file_system=file_system))
        figures.unlink()
    return written


def judge(words: Options, say: Say) -> Path:
    found = []
    for name in words.file_systems:
        seconds = words.judge_seconds if name == WORK else max(1, words.judge_seconds // 6)
        say(f"judging on {name} for {seconds} s")
        figures = DIRECTORY / "figures.json"
        command = ["cargo", "test", "--release", "--locked", "--test", "judge", "--", "--nocapture"]
        if name != WORK:
            command = ["scripts/on-filesystem.sh", name, *command]
        run(command, JUDGE_SECONDS=str(seconds), JUDGE_OUT=str(figures))
        file_system = file_system_of(Path(tempfile.gettempdir())) if name == WORK else name
        found.append({"file_system": file_system} | json.loads(figures.read_text()))
        figures.unlink()
    return keep("judge.json", found)


def fuzz(words: Options, say: Say) -> Path:
    say(f"fuzzing, {words.fuzz_seconds} s for each target")
    run(["scripts/fuzz.sh", str(words.fuzz_seconds)])
    return keep("fuzz.json", json.loads((ROOT / "target" / "fuzz.json").read_text()))


def year(say: Say) -> Path:
    say("simulating a year")
    out = DIRECTORY / "year.csv"
    run(["cargo", "test", "--release", "--locked", "--test", "year"], RUNNER_CACHE_YEAR_OUT=str(out))
    return out


def test_projects(words: Options, say: Say) -> Path:
    """Where a difference is found, the file tells it and no page can be made of it."""
    command = ["cargo", "build", "--locked", "--message-format=json-render-diagnostics"]
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Unusable(f"{' '.join(command)} ended with {done.returncode}")
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    program = next(Path(message["executable"]) for message in messages if message.get("executable"))
    return keep("projects.json", projects.run(program, words.projects, DIRECTORY / "projects", say))


def test_cargos(words: Options, say: Say) -> Path:
    kinds = [
        cargos.Cargo(root.name.removeprefix("cargo-"), layout, root.resolve())
        for root in words.cargos
        for layout in ("old", "new")
    ]
    suites = words.suites or list(cargos.SUITES)
    return keep("cargos.json", cargos.run(kinds, suites, DIRECTORY / "cargos", say))


def run(command: list[str], **variables: str) -> None:
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, cwd=ROOT, env=os.environ | variables, check=False)
    if done.returncode != 0:
        raise Unusable(f"{' '.join(command)} ended with {done.returncode}")


def keep(name: str, figures: object, **more: str) -> Path:
    """The figures with what they are of."""
    machine = {name: value for name, value in host.describe().items() if name != "Programs"}
    made = {"date": datetime.date.today().isoformat(), "commit": host.commit(), "machine": machine}
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    path = DIRECTORY / name
    path.write_text(json.dumps(made | more | {"figures": figures}, indent=1) + "\n")
    return path


def file_system_of(path: Path) -> str:
    """As the kernel calls it."""
    command = ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

"""Ours beside its rivals: what is to be reached, and the page of it. Nothing here measures."""

from collections.abc import Callable

import pandas as pd

from .requirement import Judgement, fraction
from .results import Results, Trial
from .rival import NONE, OURS, RIVALS
from .rivals import BACK, COLD, CORE, ELSEWHERE, LEAF, SCENARIOS, SLOW, TOOLCHAIN, WARM

# The time of restore and build to that of the fastest rival.
MOST_OF_BEST = {WARM: 1 / 2, ELSEWHERE: 1 / 2, BACK: 1 / 1.5, LEAF: 0.8, CORE: 0.8}

# The time of a cold build to that without a cache, the time of the save to the build's, and the disk to that of the rival that
# takes least.
MOST_COLD, MOST_SAVE, MOST_DISK = 1.02, 0.01, 1.0

Trials = dict[tuple[str, str, str, str], Trial]


def by_name(results: Results) -> Trials:
    return {(trial.project, trial.setting, trial.scenario, trial.way): trial for trial in results.trials}


def courses(results: Results) -> list[tuple[str, str]]:
    return list(dict.fromkeys((trial.project, trial.setting) for trial in results.trials))


def best(trials: Trials, project: str, setting: str, scenario: str) -> Trial | None:
    """The fastest rival."""
    found = [trials[project, setting, scenario, way] for way in RIVALS if (project, setting, scenario, way) in trials]
    return min(found, key=lambda trial: trial.median, default=None)


def judge_rivals(results: Results) -> list[Judgement]:
    trials = by_name(results)
    judgements = []
    for project, setting in courses(results):
        about = f"{project}, {setting}"
        for scenario, most in MOST_OF_BEST.items():
            ours, other = trials.get((project, setting, scenario, OURS)), best(trials, project, setting, scenario)
            if ours and other:
                found = ours.median / other.median
                what = f"{about}: {scenario}: time to that of the fastest rival, {other.way}"
                judgements.append(Judgement(ours.place, what, fraction(most), fraction(found), found <= most))
        judgements += judge_cold(trials, project, setting)
    return judgements


def judge_cold(trials: Trials, project: str, setting: str) -> list[Judgement]:
    ours, none = (trials[project, setting, COLD, way] for way in (OURS, NONE))
    least = min((trials[project, setting, COLD, way] for way in RIVALS), key=lambda trial: trial.kept_bytes)
    ratios = (
        ("time to that without a cache", ours.median / none.median, MOST_COLD, "{:.2f}"),
        ("time of the save to that of the build", ours.save_seconds[0] / ours.median, MOST_SAVE, "{:.1%}"),
        (f"disk to that of the rival that takes least, {least.way}", ours.kept_bytes / least.kept_bytes, MOST_DISK, "{:.2f}"),
    )
    return [
        Judgement(ours.place, f"{project}, {setting}: {COLD}: {what}", shown.format(most), shown.format(found), found <= most)
        for what, found, most, shown in ratios
    ]


INTRODUCTION = """From a fresh checkout to the built programs, beside what people would pick instead. Each way has a home, a
cargo home and a store of its own; downloads are there already. The ways take turns, in another order each time: each does a
scenario once before any does it again. *Time* is that of restore and build; the save comes after it, and is told apart.
`{none}` keeps nothing: each of its builds is the cold one. `{tar}` is what `Swatinem/rust-cache` keeps, on the local disk.
It and sccache always build without incremental compilation, as both of them have it; mbx compiles a package incrementally
once it was edited, whatever the setting.
Figures are medians of the rounds; cold builds and what comes once are one round, and so is all of a way whose warm round takes
{slow} seconds."""

GATES = """A run fails if a round was not what it is called: a cold round in which anything served, a warm one in which nothing
did, or a hit after a change of the toolchain. What cargo finds fresh and what a wrapper says it has brought is counted as
*spared*. Each run first proves that these gates refuse rounds that are made up, and `--quick` that they refuse real ones."""

AHEAD = """Where a rival stays ahead: without incremental compilation an edited package is compiled as a whole, and most of the
time is the compiler's. mbx keeps state of its own for packages that were edited before and compiles less, although
`CARGO_INCREMENTAL=0` asks for none. With `CARGO_INCREMENTAL=1`, which `incremental: true` sets, both have it. About half of a
warm round is cargo's own look at each unit: 80 ms with ripgrep, by hand. A save after a cold build copies what linkers may
write over ([why](../decisions/024-hard-links.md)), where files cannot share extents."""

NOT_RUN = """What this run has: {}. All else is left out, since it would take a working day; `--projects`, `--settings`
and `--scenarios` choose."""


def sections(results: Results, pictures: str) -> list[str]:
    chosen = "; ".join(
        f"{project}, {setting}: {', '.join(scenarios(results, project, setting))}" for project, setting in courses(results)
    )
    found = [
        INTRODUCTION.format(none=NONE, tar=RIVALS[-1], slow=int(SLOW)),
        "\n".join(f"- {name}: {about}" for name, about in (results.projects | results.programs).items()),
        GATES,
        NOT_RUN.format(chosen),
        f"![Time of each way, by scenario]({pictures}rivals.svg)",
        "\n".join(f"- *{name}*: {about}" for name, about in SCENARIOS.items()),
        AHEAD,
    ]
    for project, setting in courses(results):
        found += [f"## {project}, {setting}", *tables(results, project, setting)]
    return found


def scenarios(results: Results, project: str, setting: str) -> list[str]:
    of = {trial.scenario for trial in results.trials if (trial.project, trial.setting) == (project, setting)}
    return [name for name in SCENARIOS if name in of]


def tables(results: Results, project: str, setting: str) -> list[str]:
    trials = by_name(results)
    ways = (OURS, *RIVALS, NONE)
    names = [name for name in scenarios(results, project, setting) if name != TOOLCHAIN]
    columns: dict[str, Callable[[Trial], str]] = {
        "Seconds of restore and build:": lambda trial: f"{trial.median:.2f}",
        "Seconds of the save:": lambda trial: f"{median(trial.save_seconds):.2f}",
        "Seconds on the processors, of all that ran meanwhile:": lambda trial: f"{median(trial.processor_seconds):.1f}",
        "Units spared, of all:": lambda trial: f"{trial.spared} of {trial.units}",
        "Most memory, in MB:": lambda trial: f"{trial.peak_bytes / 1e6:,.0f}",
        "Disk kept afterwards, in MB:": lambda trial: f"{trial.kept_bytes / 1e6:,.0f}",
    }
    found = []
    for about, show in columns.items():
        rows = [
            {"scenario": name}
            | {way: show(trial) if (trial := trials.get((project, setting, name, way))) else "" for way in ways}
            for name in names
        ]
        align = ["left", *("right" for _ in ways)]
        shown = pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True, colalign=align)
        found.append(f"{about}\n\n{shown}")
    return found


def median(values: list[float]) -> float:
    return float(pd.Series(values).median())

"""The Markdown: what was done to the cache, and what came of it."""

import textwrap
from collections.abc import Iterable

from .results import Made, Results, Thrash

# What the thrash counts, in words.
LOAD = {
    "Seconds": "seconds",
    "Workers": "workers",
    "Commands": "commands",
    "Restores": "commands.restore",
    "— by an entry of the key": "hits.exact",
    "— by another key's": "hits.partial",
    "— with nothing to restore": "misses",
    "Entries saved": "saves",
    "Entries evicted": "evictions",
    "Trees compared with what was saved": "trees_compared",
    "Files in them": "files_compared",
}

FAULTS: dict[str, str | tuple[str, ...]] = {
    "`save` killed": "kills.save.SIGKILL",
    "`restore` killed": "kills.restore.SIGKILL",
    "`gc` or `remove` killed": ("kills.gc.SIGKILL", "kills.remove.SIGKILL"),
    "Another command killed": tuple(f"kills.{name}.SIGKILL" for name in ("verify", "list", "du", "flush")),
    "A command asked to end (SIGTERM)": tuple(
        f"kills.{name}.SIGTERM" for name in ("save", "restore", "gc", "remove", "verify", "list", "du", "flush")
    ),
    "A file of an entry deleted": "damages.file",
    "A directory of an entry deleted": "damages.directory",
    "A manifest deleted, cut or changed": "damages.manifest",
    "An unfinished entry deleted from under its maker": "damages.staging",
    "A lock or another file of the cache's own deleted": "damages.own",
}


def page(found: Results, pictures: str) -> str:
    return f"""# Reliability

{wrapped(f"Made by `scripts/reliability.sh --out`, {made(found)}.")}

## Killed and damaged

{thrashed(found.thrashes)}

What was done:

{load(found.thrashes)}

What went wrong meanwhile, on purpose:

{faults(found.thrashes)}

{survived(found.thrashes)}

## What others wrote

{wrapped(FUZZED)}

{fuzz(found)}

## A year

{year(found)}

![Size of the cache over a year]({pictures}/year.svg)
"""


FUZZED = """Manifests, names, keys and inputs that make no sense are refused, and nothing worse happens: no crash, no hang, no
waste of memory."""


def thrashed(thrashes: list[Thrash]) -> str:
    keys = thrashes[0].count("keys")
    return wrapped(
        f"""Workers restore, save and evict under {keys} keys in one cache, all at random: listed paths and target directories,
        into what is there and where nothing is. {killed(thrashes):.0%} of their commands are killed, at any moment. Meanwhile
        files of the cache vanish, as by a cleaner of `/tmp`. Each file tells whether it is whole and each tree what belongs in
        it, so after each restore all of it is compared: names, modes, times, contents. See
        [`tests/thrash`](../tests/thrash/main.rs)."""
    )


def survived(thrashes: list[Thrash]) -> str:
    half, repaired = (sum(thrash.count(name) for thrash in thrashes) for name in ("half_made", "repaired"))
    return wrapped(
        f"""A fault is survived when no job sees more of it than a miss: no wrong tree is restored, nothing else in a
        destination is lost, nothing sound is taken for damaged, and no later command fails for it. {half:,} killed restores
        left some files of the destination new and others old; each of the {repaired:,} restores that followed there made it
        right. In the end nothing of the killed is left behind, each remaining entry holds what was saved, and each key can be
        saved and restored."""
    )


def put(text: str, title: str, section: str) -> str:
    """The page with this section in place of the one of that title, or at its end."""
    lines = text.splitlines()
    titles = [at for at, line in enumerate(lines) if line.startswith("## ")]
    begin = next((at for at in titles if lines[at] == f"## {title}"), len(lines))
    end = next((at for at in titles if at > begin), len(lines))
    parts = ("\n".join(lines[:begin]), f"## {title}\n\n{section}", "\n".join(lines[end:]))
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)


def killed(thrashes: list[Thrash]) -> float:
    """The share of commands that were killed or asked to end."""
    return sum(thrash.count("kills") for thrash in thrashes) / sum(thrash.count("commands") for thrash in thrashes)


def made(found: Results) -> str:
    """The day, the commit and the machine of each part: most often the same."""
    parts = [*(thrash.made for thrash in found.thrashes), *([found.fuzz.made] if found.fuzz.made else [])]
    return "; ".join(dict.fromkeys(when(part) for part in parts))


def when(part: Made) -> str:
    return f"on {part.date} with commit {part.commit} ({', '.join(part.machine.values())})"


def load(thrashes: list[Thrash]) -> str:
    rows = [(what, *(f"{thrash.count(name):,}" for thrash in thrashes)) for what, name in LOAD.items()]
    megabytes = (f"{thrash.count('bytes_compared') / 1e6:,.0f}" for thrash in thrashes)
    rows.append(("MB in them", *megabytes))
    return table(("", *(thrash.file_system for thrash in thrashes)), rows)


def faults(thrashes: list[Thrash]) -> str:
    rows = []
    for what, names in FAULTS.items():
        rows.append(row(what, injected(thrashes, names)))
    all_names = tuple(name for names in FAULTS.values() for name in each(names))
    rows.append(row("**All**", injected(thrashes, all_names)))
    return table(("fault", "injected", "survived", "lost"), rows)


def row(what: str, number: int) -> tuple[str, ...]:
    # A run in which one was not survived is none that a page is made of.
    return (what, f"{number:,}", f"{number:,}", "0")


def injected(thrashes: list[Thrash], names: str | tuple[str, ...]) -> int:
    return sum(thrash.count(name) for thrash in thrashes for name in each(names))


def each(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def fuzz(found: Results) -> str:
    rows = [(target.name, f"{target.seconds:,}", f"{target.runs:,}", "0") for target in found.fuzz.targets]
    return table(("target", "seconds", "inputs", "crashes"), rows)


def year(found: Results) -> str:
    """Spring against the last months, as the test itself compares them."""
    told = "The store stops growing"
    sizes = found.year.get("disk_bytes", [])
    if len(sizes) == 365:
        early, late = max(sizes[60:150]) / 1e9, max(sizes[275:]) / 1e9
        told += f": at most {early:.0f} GB from March to May, at most {late:.0f} GB in the last three months"
    return wrapped(
        f"""Twenty repositories with fifty runs a day, on paper; retention decides as it does in life
        ([`tests/year.rs`](../tests/year.rs)). {told}."""
    )


def table(head: Iterable[str], rows: Iterable[Iterable[str]], words: int = 1) -> str:
    """The first columns are words, the others are numbers."""
    head = list(head)
    rule = [*["---"] * words, *["--:"] * (len(head) - words)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *rows))

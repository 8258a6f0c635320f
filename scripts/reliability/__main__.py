"""Entry point: see `options.py` for the words and `runs.py` for what is run."""

import shutil
import sys
from pathlib import Path

from pages.command import Failed

from . import options, page, runs, sections
from .programs import PROGRAMS
from .results import Results, Unusable, read_cargos, read_fuzz, read_judge, read_projects, read_thrash, read_year

PAGE = runs.ROOT / "docs" / "reliability.md"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    words = options.read()
    try:
        if words.check:
            sections.check(words.check)
        elif words.judge:
            path = runs.judge(words, say)
            read_judge(path)
            publish(path)
        elif words.projects:
            path = runs.test_projects(words, say)
            read_projects(path)
            if len(words.projects) == len(PROGRAMS):
                publish(path)
        elif words.cargos:
            path = runs.test_cargos(words, say)
            read_cargos(path)
            if not words.suites:
                publish(path)
        elif words.sections:
            publish()
        else:
            run_all(words)
    except (Unusable, Failed, OSError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    return 0


def run_all(words: options.Options) -> None:
    found = Results(
        thrashes=[read_thrash(path) for path in words.thrash or runs.thrash(words, say)],
        fuzz=read_fuzz(words.fuzz or runs.fuzz(words, say)),
        year=read_year(words.year or runs.year(say)),
    )
    text = page.page(found, words.out.with_suffix("").name if words.out else "")
    if words.out:
        write(found, sections.written(text, words.out.with_suffix("")), words.out)
    else:
        print(text)


def publish(*results: Path) -> None:
    """The page with these results, which from now on lie beside it."""
    beside = PAGE.with_suffix("")
    for path in results:
        shutil.copyfile(path, beside / path.name)
    PAGE.write_text(sections.written(PAGE.read_text(), beside))
    say(f"wrote {PAGE}")


def write(found: Results, text: str, out: Path) -> None:
    # Only here: without a page there is no picture.
    from . import picture  # noqa: PLC0415

    pictures = out.with_suffix("")
    pictures.mkdir(parents=True, exist_ok=True)
    picture.draw(found.year, pictures / "year.svg")
    out.write_text(text)
    say(f"wrote {out} and {pictures}/year.svg")


sys.exit(main())

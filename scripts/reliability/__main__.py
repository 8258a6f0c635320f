"""Entry point: see `options.py` for the words and `runs.py` for what is run."""

import sys
from pathlib import Path

# The benchmark describes the machine already.
sys.path.append(str(Path(__file__).resolve().parent.parent / "bench"))

import options
import page
import runs
from results import Results, Unusable, read_fuzz, read_judge, read_thrash, read_year


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    words = options.read()
    try:
        found = Results(
            thrashes=[read_thrash(path) for path in words.thrash or runs.thrash(words, say)],
            judge=read_judge(words.judge or runs.judge(words, say)),
            fuzz=read_fuzz(words.fuzz or runs.fuzz(words, say)),
            year=read_year(words.year or runs.year(say)),
        )
        text = page.page(found, words.out.with_suffix("").name if words.out else "")
        if words.out:
            write(found, text, words.out)
        else:
            print(text)
    except (Unusable, OSError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    return 0


def write(found: Results, text: str, out: Path) -> None:
    # Only here: without a page there is no picture.
    import picture  # noqa: PLC0415

    pictures = out.with_suffix("")
    pictures.mkdir(parents=True, exist_ok=True)
    picture.draw(found.year, pictures / "year.svg")
    out.write_text(text)
    say(f"wrote {out} and {pictures}/year.svg")


sys.exit(main())

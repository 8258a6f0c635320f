"""Looks at a page of `runner-cache report` in a headless Chromium, as its readers do: run by tests/page.

Usage: browse.py LOOK PAGE FACTS, where LOOK is one of the functions in LOOKS and FACTS is JSON of what it should find.
"""

from __future__ import annotations

import html
import json
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, sync_playwright

CHARTS = {
    "rates": "rect.mark",
    "saved": "rect.mark",
    "growth": "polygon",
    "disk": "rect.mark",
    "restores": "circle",
    "entries": "rect",
}
FILTERS = ["repository", "layer", "from", "to", "theme"]
DESK = (1280, 900)
PHONE = (360, 740)

Scheme = Literal["light", "dark"]


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser of its own."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium is not None, "chromium is missing; scripts/page.sh installs it"
    with sync_playwright() as driver:
        # No sandbox: tests run as root, and the pages are our own.
        launched = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield launched
        launched.close()


@contextmanager
def opened(path: Path, size: tuple[int, int] = DESK, scheme: Scheme = "light", *, is_attacked: bool = False) -> Iterator[Page]:
    """The page in a browser, which is to ask for nothing but that file, and to complain of nothing but an attack."""
    complaints: list[str] = []
    asked: list[str] = []
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce")
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        yield page
    assert is_attacked or complaints == [], complaints
    assert is_attacked or asked == [path.as_uri()], asked


def pick(page: Page, picked: dict[str, str]) -> None:
    """Lets the filters be `picked`, and all others as they were at first."""
    page.click("button[type=reset]")
    page.wait_for_function("document.getElementById('repository').value === ''")
    for name, value in picked.items():
        page.select_option(f"#{name}", value)


def figure(page: Page, name: str) -> float:
    """A figure of the head as the ledger has it."""
    return float(page.locator(f"#{name}").get_attribute("value") or 0)


def open_table(page: Page, chart: str) -> None:
    """Opens the table below a chart. It is made then, somewhat later: the browser tells the page that it was opened."""
    page.click(f"#{chart} summary")
    page.locator(f"#{chart} details tbody tr").first.wait_for(state="attached")


def figures(path: Path, cases: Any) -> None:
    """Each of `cases` is what is picked and what `stats` tells of it."""
    with opened(path) as page:
        for case in cases:
            pick(page, case["picked"])
            told = case["stats"]["all"]
            hits = told["exact"] + told["partial"] + told["composed"]
            expected = {
                "hit-rate": hits / (hits + told["misses"]),
                "time-saved": told["saved_seconds"],
                "restored": told["restored_bytes"],
                "new-entries": told["saved_bytes"],
                "evicted": case["stats"]["evicted"],
            }
            for name, value in expected.items():
                shown = figure(page, name)
                assert abs(shown - value) < 1e-6 * max(1, abs(value)), f"{case['picked']}: {name} is {shown}, and not {value}"
            # The tables beside the charts tell of the same.
            open_table(page, "rates")
            for index, name in enumerate(["exact", "partial", "composed", "misses", "bypasses"], start=3):
                cells = page.locator(f"#rates tbody tr > :nth-child({index + 1})").all_inner_texts()
                assert sum(int(cell.replace(",", "")) for cell in cells) == told[name], f"{case['picked']}: {name}"
            page.click("#rates summary")


def charts(path: Path, facts: Any) -> None:
    """Each chart has marks that are seen, a name and a description, and a table."""
    with opened(path) as page:
        for chart, mark in CHARTS.items():
            marks = page.locator(f"#{chart} svg {mark}")
            assert marks.count() > 1, f"{chart} has no marks"
            for id_ in (page.locator(f"#{chart} svg[role=img]").get_attribute("aria-labelledby") or "").split():
                assert page.locator(f"#{id_}").text_content(), f"{chart}: {id_} says nothing"
            open_table(page, chart)
            drawn = page.evaluate(f"[...document.querySelectorAll('#{chart} svg *')].map(shape => shape.outerHTML).join()")
            assert "NaN" not in drawn and "undefined" not in drawn, chart
            outside = page.evaluate(
                """chart => { const frame = document.querySelector(`#${chart} svg`).getBoundingClientRect();
                return [...document.querySelectorAll(`#${chart} svg .mark, #${chart} svg text`)]
                  .map(shape => [shape.textContent, shape.getBoundingClientRect()])
                  .filter(([, box]) => box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1
                    || box.bottom > frame.bottom + 1).map(([text]) => text); }""",
                chart,
            )
            assert outside == [], f"{chart}: {outside}"
        cells = page.locator("#entries svg rect")
        assert cells.count() == facts["entries"], f"{cells.count()} of {facts['entries']} entries"
        areas = page.evaluate(
            """() => { const svg = document.querySelector('#entries svg');
            const area = box => box.width * box.height;
            return [...svg.querySelectorAll('rect')].reduce((sum, rect) => sum + area(rect.getBBox()), 0)
              / (svg.clientWidth * svg.clientHeight); }"""
        )
        assert 0.85 < areas <= 1.001, f"the entries fill {areas:.2f} of their picture"
        assert page.locator("#disk line.limit").count() == 2, "the limits are marked"
        assert page.locator("#growth rect.evicted").count() > 3, "evictions are marked"
        rows = page.locator("#families tbody tr")
        assert rows.count() == 12, rows.count()
        page.click("#whole")
        assert rows.count() > 12


def keyboard(path: Path, _facts: Any) -> None:
    """Tab reaches each control, which shows that it is reached, and keys use it."""
    with opened(path) as page:
        controls = page.evaluate(
            """[...document.querySelectorAll('a, select, button, summary, [tabindex="0"]')]
              .filter(of => of.checkVisibility()).length"""
        )
        reached: list[str] = []
        for _ in range(controls):
            page.keyboard.press("Tab")
            told = page.evaluate(
                """() => { const on = document.activeElement; const style = getComputedStyle(on);
                const isShown = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
                return [on.id || on.textContent || on.tagName, isShown]; }"""
            )
            assert told[1], f"{told[0]} does not show that it has the focus"
            reached.append(told[0])
        assert len(set(reached)) == controls and set(FILTERS) < set(reached), reached
        named = page.evaluate("[...document.querySelectorAll('select')].every(of => of.labels.length === 1)")
        assert named, "each filter has its label"
        before = figure(page, "restored")
        page.focus("#repository")
        page.keyboard.press("ArrowDown")
        assert 0 < figure(page, "restored") < before
        assert "acme/" in page.inner_text("#shown")
        page.focus("#from")
        page.keyboard.press("End")
        assert page.input_value("#from") == page.input_value("#to"), "a span does not end before it begins"
        page.focus("#by-3")
        page.keyboard.press("Enter")
        order = page.locator("#families tbody tr td:nth-child(4)").all_inner_texts()
        assert order == sorted(order, key=int, reverse=True), order
        page.keyboard.press("Enter")
        assert page.locator("th[aria-sort=ascending] #by-3").count() == 1, "the focus stays where it was"
        page.focus("#growth summary")
        page.keyboard.press("Enter")
        page.locator("#growth details[open] tbody tr").first.wait_for(state="attached")


# Text and what is behind it, as far as one of the page's own grounds is.
CONTRAST = """() => {
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const channels = colour => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const light = colour => channels(colour).slice(0, 3).map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const isClear = of => channels(getComputedStyle(of).backgroundColor)[3] === 0;
  const ground = of => (of && isClear(of) ? ground(of.parentElement) : of);
  const wrong = [];
  for (const of of document.querySelectorAll('body *')) {
    const hasText = [...of.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!hasText || !of.checkVisibility() || of.closest('title, desc, script, option')) continue;
    const style = getComputedStyle(of);
    const cell = of.classList.contains('inside') ? [...of.parentElement.querySelectorAll('rect')].find(rect => {
      const [a, b] = [rect.getBBox(), of.getBBox()];
      return b.x >= a.x && b.x <= a.x + a.width && b.y >= a.y && b.y <= a.y + a.height;
    }) : null;
    const behind = cell ? getComputedStyle(cell).fill : getComputedStyle(ground(of) ?? document.body).backgroundColor;
    const [a, b] = [light(of.namespaceURI.endsWith('svg') ? style.fill : style.color), light(behind)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) wrong.push(`${of.textContent}: ${contrast.toFixed(2)}`);
  }
  return wrong;
}"""


def looks(path: Path, _facts: Any) -> None:
    """Light and dark differ and can be read, and nothing is wider than a phone."""
    pictures = set()
    schemes: list[Scheme] = ["light", "dark"]
    for scheme in schemes:
        with opened(path, PHONE, scheme) as page:
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE[0], f"the page is {width} pixels wide"
            cut = page.evaluate(
                """width => [...document.querySelectorAll('body *')].filter(of => !of.closest('.scroll, .skip, script'))
                .filter(of => of.getBoundingClientRect().right > width + 1).map(of => of.outerHTML.slice(0, 80))""",
                PHONE[0],
            )
            assert cut == [], cut
            low = page.evaluate(CONTRAST)
            assert low == [], f"{scheme}: {low}"
            pictures.add(page.screenshot())
            page.select_option("#theme", "dark" if scheme == "light" else "light")
            other = page.evaluate("getComputedStyle(document.body).backgroundColor")
            page.select_option("#theme", "")
            assert other != page.evaluate("getComputedStyle(document.body).backgroundColor"), "the choice of colours holds"
    assert len(pictures) == 2


def closed(path: Path, _facts: Any) -> None:
    """Even what somebody brought in could ask for nothing: the page's policy forbids it."""
    assert "http://" not in path.read_text().replace("http://www.w3.org/2000/svg", ""), "the page names an address"
    server = socket.create_server(("127.0.0.1", 0))
    server.setblocking(False)
    with opened(path, is_attacked=True) as page:
        forbidden = page.evaluate(
            """async address => { const told = [];
            const all = new Promise(resolve => document.addEventListener('securitypolicyviolation', event => {
              told.push(event.effectiveDirective);
              if (told.length === 4) resolve();
            }));
            const script = document.createElement('script'); script.textContent = 'document.title = "hit"';
            const image = document.createElement('img'); image.src = address;
            const style = document.createElement('style'); style.textContent = 'body { display: none }';
            document.body.append(script, image, style);
            fetch(address).catch(() => null);
            await Promise.race([all, new Promise(resolve => setTimeout(resolve, 5000))]);
            return told.map(name => name.replace('-elem', '')).sort(); }""",
            f"http://127.0.0.1:{server.getsockname()[1]}/",
        )
        assert forbidden == ["connect-src", "img-src", "script-src", "style-src"], forbidden
        assert page.title() == "runner-cache report"
    try:
        server.accept()
    except BlockingIOError:
        return  # nobody is waiting
    raise AssertionError("somebody asked the server")


def hostile(path: Path, facts: Any) -> None:
    """Names that are markup, script or marks of the template are shown as they are, and run nothing."""
    with opened(path) as page:
        assert page.title() == "runner-cache report"
        assert page.locator("img, svg svg, body script:not(#data)").count() == 1, "there is the page's own script alone"
        options = page.locator("#repository option").all_text_contents()
        assert set(facts["names"]) <= set(options), options
        for summary in page.locator("summary").all():
            summary.click()
        for name in facts["names"]:
            pick(page, {"repository": name})
            assert figure(page, "restored") > 0, name
            for text in page.locator("#families tbody th").all_text_contents():
                assert text == name, text
        assert page.title() == "runner-cache report"
        assert page.locator("img").count() == 0


def empty(path: Path, facts: Any) -> None:
    """A page of nothing, or next to nothing, says so."""
    with opened(path) as page:
        assert figure(page, "hit-rate") == 0
        words = page.locator(".empty").all_inner_texts()
        assert len(words) == (7 if facts["lookups"] == 0 else 2), words
        if facts["lookups"] == 0:
            assert page.inner_text("#hit-rate") == "\u2013"


def pictures(path: Path, facts: Any) -> None:
    """Pictures for the documentation."""
    directory = Path(facts["directory"])
    directory.mkdir(parents=True, exist_ok=True)
    # Parts of the page, or the pictures would be large.
    shots: list[tuple[str, tuple[int, int], Scheme, str]] = [
        ("report-light", (1100, 1270), "light", "main"),
        ("report-dark", (1000, 860), "dark", "#restores"),
        ("report-phone", (360, 1500), "light", "main"),
    ]
    for name, size, scheme, top in shots:
        with opened(path, size, scheme) as page:
            if top != "main":
                page.evaluate("id => document.querySelector(id).scrollIntoView()", top)
            page.screenshot(path=directory / f"{name}.png")
    mermaid = Path(__file__).parent.parent / ".tools/mermaid/node_modules/mermaid/dist/mermaid.min.js"
    picture(directory / "summary.png", facts["summary"], 880, mermaid.read_text())
    picture(directory / "terminal.png", f"<pre>{html.escape(facts['terminal'])}</pre>", 800, "")


# As GitHub shows a step summary, and a terminal its text.
STYLE = """body { margin: 0; padding: 24px; font: 16px/1.5 system-ui, sans-serif; color: #1f2328; background: #fff }
h3 { margin: 0 0 16px; font-size: 20px } table { border-collapse: collapse; margin: 0 0 16px }
th, td { border: 1px solid #d1d9e0; padding: 6px 13px } tr:nth-child(2n) { background: #f6f8fa }
code { background: #818b981f; padding: .2em .4em; border-radius: 6px; font: 85% ui-monospace, monospace }
pre:not(.mermaid) { margin: -24px; padding: 20px; font: 14px/1.35 'DejaVu Sans Mono', monospace; color: #e6edf3;
  background: #0d1117 }
summary { color: #0969da }"""

CHARTS_OF_MARKDOWN = """async () => { document.querySelector('details').open = true;
const charts = document.querySelectorAll('code.language-mermaid');
for (const code of charts) {
  const chart = document.createElement('pre');
  chart.className = 'mermaid'; chart.textContent = code.textContent;
  code.parentElement.replaceWith(chart);
}
if (charts.length > 0) { mermaid.initialize({ startOnLoad: false }); await mermaid.run(); } }"""


def picture(path: Path, body: str, width: int, script: str) -> None:
    """A picture of a piece of HTML, whose charts `script` draws."""
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": width, "height": 400})
        page.set_content(f"<style>{STYLE}</style>{body}")
        if script:
            page.add_script_tag(content=script)
            page.evaluate(CHARTS_OF_MARKDOWN)
        page.screenshot(path=path, full_page=True)


LOOKS: dict[str, Callable[[Path, Any], None]] = {
    look.__name__: look for look in (figures, charts, keyboard, looks, closed, hostile, empty, pictures)
}

if __name__ == "__main__":
    LOOKS[sys.argv[1]](Path(sys.argv[2]), json.loads(sys.argv[3]))

"""The picture of the simulated year, as SVG."""

from pathlib import Path

from pages.chart import GREYS, OURS, OURS_TOO, dress, panels, save

# Each line differs in more than colour.
LINES = {
    "recorded_bytes": ("files of all entries, each counted for itself", GREYS[2], "-"),
    "disk_bytes": ("what they take on the disk", OURS, "-"),
    "limited_disk_bytes": ("what they take with max-size", OURS_TOO, "-"),
    "limit_bytes": ("max-size", GREYS[0], ":"),
}


def draw(year: dict[str, list[int]], path: Path) -> None:
    figure, axis = panels(1, 3.6)
    for name, (label, colour, style) in LINES.items():
        if name in year:
            axis.plot(year["day"], [size / 1e9 for size in year[name]], label=label, color=colour, linestyle=style)
    axis.set_xlim(1, max(year["day"]))
    axis.set_ylim(bottom=0)
    axis.set_xlabel("day")
    axis.set_ylabel("GB")
    dress(axis)
    figure.legend(loc="outside lower center", ncols=len(LINES), frameon=False)
    save(figure, path)

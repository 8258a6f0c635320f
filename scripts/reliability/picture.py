"""The picture of the simulated year, as SVG."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

# Ours in one hue, as in the benchmark's pictures; each line differs in more than colour.
LINES = {
    "recorded_bytes": ("files of all entries, each counted for itself", "#a6a6a6", "-"),
    "disk_bytes": ("what they take on the disk", "#0b5fa5", "-"),
    "limited_disk_bytes": ("what they take with max-size", "#6aaede", "-"),
    "limit_bytes": ("max-size", "#4d4d4d", ":"),
}


def draw(year: dict[str, list[int]], path: Path) -> None:
    # Text stays text, and the same figures give the same file.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "runner-cache", "font.size": 9})
    figure, axis = plt.subplots(figsize=(10, 3.6), layout="constrained")
    for name, (label, colour, style) in LINES.items():
        if name in year:
            axis.plot(year["day"], [size / 1e9 for size in year[name]], label=label, color=colour, linestyle=style)
    axis.set_xlim(1, max(year["day"]))
    axis.set_ylim(bottom=0)
    axis.set_xlabel("day")
    axis.set_ylabel("GB")
    axis.grid(axis="y", color="#e0e0e0", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=len(LINES), frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)

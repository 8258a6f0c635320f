"""How a picture looks, and how it is written: as SVG, the same for the same figures."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Ours in one hue, the others in grey: readable in print and to those who see no red or green.
OURS, OURS_TOO = "#0b5fa5", "#6aaede"
GREYS = ("#4d4d4d", "#7a7a7a", "#a6a6a6", "#cccccc")


def panels(count: int, height: float, **more: Any) -> tuple[Figure, Any]:
    """A figure as wide as a page, and its axes, side by side."""
    # Text stays text.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "runner-cache", "font.size": 9})
    figure, axes = plt.subplots(1, count, figsize=(10, height), layout="constrained", **more)
    return figure, axes


def dress(axis: Axes) -> None:
    axis.grid(axis="y", color="#e0e0e0", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def save(figure: Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)

"""Charts of an evaluation and of a training: drawn by matplotlib without pyplot, written as PNG or as inline SVG.

In a page the charts' text stays text and their colours are CSS variables, so that they follow the reader's light or
dark scheme. Colours and style are those of all the package's pictures.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from textsiam.errors import TextsiamError
from textsiam.evaluation.figures import Figures, reliability, wilson_interval
from textsiam.files.atomic import write_output
from textsiam.siamese.calibration import Floats, Integers

# Okabe & Ito's colour-blind-safe blue and vermilion. The page's dark values stand in report.html.
# Style, dashes and legend are those of the package's other pictures, too.
COLOURS = {"ink": "#1b2430", "muted": "#5b6776", "grid": "#dde3ea", "duplicate": "#0072b2", "different": "#d55e00"}

STYLE: dict[str, Any] = {
    "font.size": 8,
    "text.color": COLOURS["ink"],
    "axes.edgecolor": COLOURS["grid"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",
    "xtick.color": COLOURS["grid"],
    "xtick.labelcolor": COLOURS["muted"],
    "ytick.color": COLOURS["grid"],
    "ytick.labelcolor": COLOURS["muted"],
}
DASHED: dict[str, Any] = {"linewidth": 0.8, "linestyle": (0, (3, 3))}
LEGEND: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 3, "borderaxespad": 0.2}


def plot_history(path: str | os.PathLike[str], history: Mapping[str, Sequence[float]]) -> None:
    """Write training curves as a PNG, see `history_figure`.

    Args:
        path: the picture; its folder must exist.
        history: see `history_figure`.

    Raises:
        TextsiamError: no epoch under "loss", or a path that cannot be written.
    """
    write_png(path, history_figure(history))


def history_figure(history: Mapping[str, Sequence[float]]) -> Figure:
    """Draw training curves: losses, and the accuracy and ROC AUC on the dev data where they were recorded.

    The epoch of the lowest "val_criterion" (or else dev loss, or else training loss) is marked. Epochs count from 1.

    Args:
        history: one value an epoch under "loss" and, where known, "val_loss", "val_criterion", "val_accuracy" and
            "val_auc"; other entries are left out.

    Raises:
        TextsiamError: no epoch under "loss".
    """
    if not len(history.get("loss", ())):
        raise TextsiamError(f"A training history needs at least one epoch of 'loss'; it has {sorted(history)}.")
    losses = {"Training": "loss", "Dev": "val_loss"}
    scores = {"Dev accuracy": "val_accuracy", "Dev ROC AUC": "val_auc"}
    panels = [panel for panel in (losses, scores) if any(key in history for key in panel.values())]
    watched = np.asarray(history.get("val_criterion", history.get("val_loss", history["loss"])), np.float64)
    best = int(np.nanargmin(watched)) if np.isfinite(watched).any() else None

    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=(4.6 * len(panels), 3.2), layout="constrained")
        grid = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, panel, label in zip(grid, panels, ("Loss", "Score"), strict=False):
            highest = max(history[key][best or 0] for key in panel.values() if key in history)
            for (name, key), colour in zip(panel.items(), ("different", "duplicate"), strict=True):
                if key in history:
                    above = history[key][best or 0] == highest  # the other's value goes below its curve
                    _draw_epochs(axes, history[key], name, COLOURS[colour], best, 6 if above else -14)
            if best is not None:
                axes.axvline(best + 1, color=COLOURS["muted"], label=f"Best epoch ({best + 1})", zorder=1, **DASHED)
            axes.set(xlabel="Epoch", ylabel=label, xlim=(0.5, len(watched) + 0.5))
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.margins(y=0.12)
            axes.legend(**LEGEND)
    return figure


def write_png(path: str | os.PathLike[str], figure: Figure) -> None:
    """Write a figure as a PNG, whole or not at all.

    Args:
        path: the picture; its folder must exist.
        figure: drawn.

    Raises:
        TextsiamError: the path cannot be written.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160)
    write_output(path, buffer.getvalue())


def _draw_epochs(axes: Axes, values: Sequence[float], name: str, colour: str, best: int | None, offset: int) -> None:
    epochs = np.arange(1, len(values) + 1)
    axes.plot(epochs, values, color=colour, marker="o", markersize=3, label=name)
    if best is not None:
        axes.plot(best + 1, values[best], "o", color=colour, markersize=6, markeredgecolor="white")
        at = (best + 1, values[best])
        axes.annotate(f"{values[best]:.3f}", at, (5, offset), textcoords="offset points", color=colour)


def draw_roc(figure: Figure, truth: Integers, scores: Floats, figures: Figures) -> None:
    """Draw recall against false positive rate, the threshold marked; both labels occur."""
    from sklearn import metrics

    axes = _square(figure, "False positive rate", "True positive rate (recall)")
    wrong, found, _ = metrics.roc_curve(truth, scores)
    axes.plot((0, 1), (0, 1), color=COLOURS["muted"], **DASHED)
    axes.plot(*_thinned(wrong, found), color=COLOURS["duplicate"])
    at = figures.false_positives / (figures.rows - figures.positives)
    _mark_threshold(axes, at, figures.true_positives / figures.positives, figures.threshold)


def draw_precision_recall(figure: Figure, truth: Integers, scores: Floats, figures: Figures) -> None:
    """Draw precision against recall, the threshold marked; both labels occur."""
    from sklearn import metrics

    axes = _square(figure, "Recall", "Precision")
    exact, found, _ = metrics.precision_recall_curve(truth, scores)  # ends in an invented point (0, 1)
    share = figures.positives / figures.rows
    axes.plot((0, 1), (share, share), color=COLOURS["muted"], **DASHED)
    axes.plot(*_thinned(found[:-1], exact[:-1]), color=COLOURS["duplicate"], drawstyle="steps-post")
    if figures.precision is not None and figures.recall is not None:
        _mark_threshold(axes, figures.recall, figures.precision, figures.threshold)


def draw_reliability(figure: Figure, truth: Integers, scores: Floats) -> None:
    """Draw the share of duplicates against the probability, in bins of equal mass, and how many pairs each holds."""
    bins = reliability(truth, scores)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    upper.plot((0, 1), (0, 1), color=COLOURS["muted"], **DASHED)
    low, high = wilson_interval(bins.observed, bins.rows)
    upper.vlines(bins.predicted, low, high, color=COLOURS["duplicate"], linewidth=1, alpha=0.6)
    upper.plot(bins.predicted, bins.observed, "o-", color=COLOURS["duplicate"], linewidth=1, markersize=3.5)
    upper.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="Share of duplicates")
    lower.vlines(bins.predicted, 0, bins.rows, color=COLOURS["muted"], linewidth=3)
    lower.set(xlabel="Predicted probability", ylabel="Pairs", ylim=(0, bins.rows.max() * 1.15))
    lower.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    lower.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    lower.grid(axis="x", visible=False)
    figure.align_ylabels()


def draw_histogram(figure: Figure, truth: Integers, scores: Floats, threshold: float) -> None:
    """Draw how many duplicates and how many other pairs have each probability."""
    axes = figure.subplots()
    for label, name in ((0, "different"), (1, "duplicate")):
        counts, edges = np.histogram(scores[truth == label], bins=40, range=(0, 1))
        axes.stairs(counts, edges, fill=True, color=COLOURS[name], alpha=0.35)
        axes.stairs(counts, edges, color=COLOURS[name], linewidth=1.2, label=name.capitalize())
    axes.axvline(
        threshold, color=COLOURS["ink"], linewidth=1, linestyle=(0, (3, 2)), label=f"Threshold {threshold:.3f}"
    )
    axes.set(xlim=(0, 1), ylim=(0, None), xlabel="Predicted probability", ylabel="Pairs")
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.legend(**LEGEND)


def _square(figure: Figure, xlabel: str, ylabel: str) -> Axes:
    axes = figure.subplots()
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=xlabel, ylabel=ylabel)
    return axes


def _mark_threshold(axes: Axes, x: float, y: float, threshold: float) -> None:
    axes.plot(x, y, "o", color=COLOURS["ink"], markersize=5, clip_on=False, zorder=3)
    axes.annotate(
        f"threshold {threshold:.3f}",
        (x, y),
        (8, -12) if x < 0.6 else (-8, -12),
        textcoords="offset points",
        ha="left" if x < 0.6 else "right",
    )


def _thinned(x: Floats, y: Floats, points: int = 400) -> tuple[Floats, Floats]:
    """Keep the page small: at most so many points of a curve, both ends among them."""
    kept = np.unique(np.linspace(0, x.size - 1, points).astype(int))
    return x[kept], y[kept]


def inline_svg(name: str, draw: Callable[[Figure], None]) -> str:
    """Return a chart as an SVG element that fits its container.

    Args:
        name: of the chart, in this page only: it makes the ids of the drawing's parts unique.
        draw: what draws on an empty figure.

    Returns:
        The element; colours are the CSS variables named in `COLOURS`.
    """
    with matplotlib.style.context(["default", {**STYLE, "svg.hashsalt": name}]):
        figure = Figure(figsize=(4.2, 3.2), layout="constrained")
        draw(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True)
    svg = re.sub(r"<metadata>.*?</metadata>", "", buffer.getvalue(), flags=re.DOTALL)
    svg = re.sub(
        r'<svg .*?(viewBox="[^"]*").*?>',
        r'<svg \1 aria-hidden="true">',
        svg[svg.index("<svg") :],
        count=1,
        flags=re.DOTALL,
    )
    used = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", svg)
    for variable, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return svg.replace("xlink:href", "href")

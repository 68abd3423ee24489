"""The tables and the chart of scripts/bench.py."""

import json
import platform
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from machine import processor
from threadpoolctl import threadpool_info

from textsiam import __version__

MINILM, KERAS = "all-MiniLM-L6-v2", "Keras predict, same weights"
PACKAGES = ("numpy", "keras", "tensorflow", "pandas", "scikit-learn", "rapidfuzz", "sentence-transformers", "torch")
MARKS = {True: "yes", False: "**no**", None: "–"}
INK, MUTED, GRID, OURS = "#1b2430", "#5b6776", "#dde3ea", "#0072b2"


@dataclass(frozen=True)
class Results:
    """What was measured.

    Attributes:
        sizes: how much of everything.
        rates: pairs/s of each side in each round.
        accuracies: of each system on dev, in [0, 1].
        ours: names of the systems that are textsiam's.
        parts: µs a pair by part of scoring a CSV, one core.
        speed: µs a pair in memory on ``one core`` and ``all cores``; GFLOP/s of ``encoder`` and ``product``; ``share``.
        waits: p50 and p99 of one warm pair in ms, by side.
        starts: seconds and peak MB of each fresh process, by side.
    """

    sizes: dict[str, int]
    rates: dict[str, list[float]]
    accuracies: dict[str, float]
    ours: list[str]
    parts: dict[str, float]
    speed: dict[str, float]
    waits: dict[str, list[float]]
    starts: dict[str, list[tuple[float, float]]]

    def rate(self, name: str) -> float:
        """Return the median pairs/s."""
        return float(np.median(self.rates[name]))

    def ratio(self, name: str) -> float:
        """Return how many times as fast as this side textsiam is in memory: the median of the rounds' ratios."""
        return float(np.median(np.divide(self.rates["textsiam"], self.rates[name])))


def targets(results: Results) -> list[tuple[str, str, str, bool | None]]:
    """Return figure, measured, target and whether it is met."""
    rows: list[tuple[str, str, str, bool | None]] = []
    for name, least in ((KERAS, 8), (MINILM, 100)):
        figure, target = f"pairs/s in memory, against {name}", f"≥ {least}×"
        if name in results.rates:
            ratio = results.ratio(name)
            measured = f"{results.rate('textsiam'):,.0f} to {results.rate(name):,.0f}: **{ratio:.1f}×**"
            rows.append((figure, measured, target, ratio >= least))
        else:
            rows.append((figure, "skipped, its packages are missing", target, None))
    for name, label in (("textsiam score", "`textsiam score`, its start included"), ("score_file", "`score_file`")):
        share = 1 / results.ratio(name)
        measured = f"{results.rate(name):,.0f}: **{share:.0%}**"
        rows.append((f"pairs/s CSV to CSV through {label}, against in memory", measured, "≥ 60 %", share >= 0.6))
    speed = results.speed
    measured = f"{speed['encoder']:.1f} to {speed['product']:.1f}: **{speed['share']:.0%}**"
    figure = "encoder's GFLOP/s against those of one matrix product, one thread"
    rows.append((figure, measured, "≥ 45 %", speed["share"] >= 0.45))
    (p50, p99), *slower = results.waits.values()
    beside = ", ".join(f"{n} {a:.1f} / {b:.1f}" for n, (a, b) in zip(list(results.waits)[1:], slower, strict=True))
    met = p50 <= 0.4 and p99 <= 1
    rows.append(("one pair, warm, p50 / p99 in ms", f"**{p50:.2f} / {p99:.2f}**; {beside}", "≤ 0.4 / 1", met))
    ours, keras = (np.array(results.starts[name]) for name in ("textsiam", "Keras"))
    faster = np.median(keras[:, 0] / ours[:, 0])
    (seconds, peak), (keras_seconds, keras_peak) = np.median(ours, axis=0), np.median(keras, axis=0)
    measured = f"**{seconds:.2f}**; Keras {keras_seconds:.2f}: **{faster:.1f}×**"
    rows.append(("fresh process to first answer in s", measured, "≤ 0.7, ≥ 6×", seconds <= 0.7 and faster >= 6))
    rows.append(("its peak memory in MB", f"**{peak:.0f}**; Keras {keras_peak:.0f}", "≤ 200", peak <= 200))
    return rows


def write_report(results: Results, out: Path) -> str:
    """Write bench.json, bench.md and the chart; return the text of bench.md."""
    where = machine()
    record = {"machine": where, **asdict(results)}
    (out / "bench.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    draw(results, out)
    total = sum(results.parts.values())
    parts = [
        (n.partition(": ")[0], n.partition(": ")[2], f"{v:.2f}", f"{v / total:.0%}") for n, v in results.parts.items()
    ]
    memory = f"{results.speed['one core']:.1f} µs a pair on one core, {results.speed['all cores']:.1f} on all"
    systems = [
        (name, f"{accuracy:.2%}", f"{results.rate(name):,.0f}")
        for name, accuracy in sorted(results.accuracies.items(), key=lambda item: -item[1])
    ]
    text = "\n".join(
        [
            "# Benchmark\n",
            f"{where}\n",
            "`make bench` measures this anew, all in one run. Sides that are compared take turns; a figure is the "
            "median of the rounds, a ratio the median of the rounds' ratios. Whatever is timed runs twice each time, "
            "and the second run counts.\n",
            markdown(("figure", "measured", "target", "met"), [(*row, MARKS[met]) for *row, met in targets(results)]),
            "Keras gets its ids ready-made, padded to 30, and is timed to its last batch. MiniLM encodes each distinct "
            "question once.\n",
            "## Accuracy and speed\n",
            "![Accuracy on dev against pairs a second](bench.svg)\n",
            markdown(("system", "accuracy on dev", "pairs/s"), systems),
            "Half of dev are duplicates. Textsiam's thresholds are those in its model folders, chosen on dev; the "
            "others' are chosen on training pairs of which half are duplicates.\n",
            "## Where the time goes\n",
            f"Scoring a CSV, each part timed on its own, on one core. In memory: {memory}.\n",
            markdown(("", "part", "µs a pair", "share"), parts),
        ]
    )
    (out / "bench.md").write_text(text, encoding="utf-8")
    return text


def machine() -> str:
    """Name the date, the processor and the versions."""
    versions = [f"textsiam {__version__}", f"Python {platform.python_version()}"]
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            versions.append(f"{name} {version(name)}")
    kernels = [library["architecture"] for library in threadpool_info() if library.get("internal_api") == "openblas"]
    chosen = f" OpenBLAS multiplies matrices in NumPy as on {kernels[0]}." if kernels else ""
    return f"Measured on {date.today()} on {processor()} with {', '.join(versions)}.{chosen}"


def markdown(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """Return a table."""
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def draw(results: Results, out: Path) -> None:
    """Draw accuracy on dev against pairs/s; each label goes to the first side of its point where it meets nothing."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter, PercentFormatter
    from matplotlib.transforms import Bbox

    mpl.rcParams |= {"font.size": 10, "svg.hashsalt": "textsiam", "text.color": INK, "axes.labelcolor": MUTED}
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    points = {name: (results.rate(name), accuracy) for name, accuracy in results.accuracies.items()}
    rates, accuracies = zip(*points.values(), strict=True)
    margin = max(0.2 * (max(accuracies) - min(accuracies)), 0.01)
    axes.set(xscale="log", xlim=(min(rates) / 2.5, max(rates) * 2.5))
    axes.set(ylim=(min(accuracies) - margin, max(accuracies) + margin))
    axes.set_title("Quora Question Pairs: accuracy against speed", loc="left", color=INK, fontweight="bold", pad=12)
    axes.set(xlabel="question pairs a second, log scale", ylabel="accuracy on dev")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(color=GRID, linewidth=0.7)
    axes.tick_params(which="both", color=GRID, labelcolor=MUTED)
    axes.spines[:].set_visible(False)
    axes.set_axisbelow(True)
    figure.draw_without_rendering()
    taken = [Bbox.from_bounds(x - 7, y - 7, 14, 14) for x, y in axes.transData.transform(list(points.values()))]
    sides = [(9, 0, "left", "center"), (-9, 0, "right", "center")]
    sides += [
        (0, y, across, "bottom" if y > 0 else "top")
        for y in (9, -9, 36, -36, 63, -63)
        for across in ("center", "right", "left")
    ]
    for name, point in sorted(points.items(), key=lambda item: item[0] not in results.ours):
        colour, weight = (OURS, "bold") if name in results.ours else (MUTED, "normal")
        axes.plot(*point, "o", color=colour, markersize=9, markeredgecolor="white", zorder=3)
        label = f"{name}\n{point[1]:.1%} · {point[0]:,.0f}/s"
        for x, y, across, up in sides:
            text = axes.annotate(label, point, (x, y), textcoords="offset points", ha=across, va=up, linespacing=1.3)
            text.set(color=colour, fontweight=weight, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
            box = text.get_window_extent()
            fits = axes.bbox.contains(box.x0, box.y0) and axes.bbox.contains(box.x1, box.y1)
            if (x, y, across, up) == sides[-1] or (fits and not any(box.overlaps(other) for other in taken)):
                break
            text.remove()
        taken.append(box)
        if abs(y) > 9:
            line = {"arrowstyle": "-", "color": colour, "linewidth": 0.7, "shrinkB": 5}
            axes.annotate("", point, (x, y), textcoords="offset points", arrowprops=line)
    for kind, options in {"svg": {"metadata": {"Date": None}}, "png": {"dpi": 160}}.items():
        figure.savefig(out / f"bench.{kind}", **options)
    plt.close(figure)

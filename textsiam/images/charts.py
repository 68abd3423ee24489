"""Pictures of what an image network does: pairs with their verdicts, distances by label, embeddings in the plane.

In all of them a pair's verdict is "same" where its distance is at most the threshold.
"""

import os

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA

from textsiam.errors import TextsiamError
from textsiam.evaluation.charts import COLOURS, DASHED, LEGEND, STYLE, write_png
from textsiam.images.data.pixels import Bytes, as_pixels
from textsiam.siamese.calibration import Floats, Integers, check_labelled

PathLike = str | os.PathLike[str]

# Okabe & Ito's palette without its yellow, which is faint on white, and three more that keep apart from it.
_CLASS_COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"),
    *("#56b4e9", COLOURS["ink"], "#8c510a", "#6a3d9a", "#a6c722"),
)
_COLUMNS, _PAIRS, _MISTAKES = 6, 24, 6  # of a grid: in a row, in all, and how many of those may be mistakes
_CELL = 1.5  # inches that a pair of a grid is wide
_GAP, _RIM = 0.06, 0.07  # between two images, and around them, as shares of the width of one
_POINTS = 5000
_OTHERS = "#c3cbd6"
_NAME_CHARACTERS = 24


def plot_pair_grid(
    path: PathLike, a: ArrayLike, b: ArrayLike, same: ArrayLike, distances: ArrayLike, threshold: float
) -> None:
    """Draw pairs of images as a PNG, each with its distance and verdict, mistakes in a frame.

    Of more than 24 pairs it shows the 6 mistakes farthest from the threshold, or all where there are fewer, and right
    ones taken at even steps; the title counts them all. Pairs stand in the order given.

    Args:
        path: the picture; its folder must exist.
        a: (n, h, w), (n, h, w, 1) or (n, h, w, 3), as ``textsiam.images.data.pixels.as_pixels`` takes them.
        b: the second image of each pair, of the same shape.
        same: (n,), 1 = same, 0 = different.
        distances: (n,), lower = more alike.
        threshold: distance up to which a pair counts as same.

    Raises:
        TextsiamError: the arguments do not fit together, or the path cannot be written.
    """
    first, second = as_pixels(a), as_pixels(b)
    values, truth = _labelled(distances, same, threshold)
    if first.shape != second.shape or len(first) != len(truth):
        raise TextsiamError(
            f"Pairs are images of one shape and a label each; got {first.shape}, {second.shape} and {len(truth)} "
            "labels."
        )
    wrong = (values <= threshold) != (truth == 1)
    shown = _shown(values, wrong, threshold)
    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    height, width = first.shape[1:3]
    tall = min(_CELL * (height / width + 2 * _RIM) / (2 + _GAP + 2 * _RIM), 2 * _CELL) + 0.28
    with matplotlib.style.context(["default", STYLE]):
        layout = ConstrainedLayoutEngine(w_pad=0.05, h_pad=0.04, wspace=0.02, hspace=0.02)
        size = max(columns, 4) * (_CELL + 0.13) + 0.1, rows * tall + 0.35
        figure = Figure(figsize=size, layout=layout)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid[len(shown) :]:
            axes.set_axis_off()
        for axes, row in zip(grid, shown, strict=False):
            _draw_pair(axes, first[row], second[row])
            verdict = "same" if values[row] <= threshold else "different"
            colour = COLOURS["different" if wrong[row] else "ink"]
            axes.set_title(f"{_figure(values[row])} · {verdict}", color=colour, fontsize=8, pad=4)
            axes.spines[:].set(visible=bool(wrong[row]), color=colour, linewidth=2.5)
        part = f"{len(shown)} of {len(truth):,}" if len(shown) < len(truth) else f"{len(truth)}"
        mistakes = f"{wrong.sum():,} ({wrong.mean():.1%})"
        figure.suptitle(
            f"Pairs: {part} · same up to a distance of {_figure(threshold)} · mistakes in all: {mistakes}, framed",
            fontsize=9,
        )
        write_png(path, figure)


def plot_distances(path: PathLike, distances: ArrayLike, same: ArrayLike, threshold: float) -> None:
    """Draw the distances of same and of different pairs as a PNG, with the threshold.

    The bars of each label are shares of its pairs, so that a label of few pairs is seen as well.

    Args:
        path: the picture; its folder must exist.
        distances: (n,), lower = more alike.
        same: (n,), 1 = same, 0 = different.
        threshold: distance up to which a pair counts as same.

    Raises:
        TextsiamError: the arguments do not fit together, or the path cannot be written.
    """
    values, truth = _labelled(distances, same, threshold)
    right = np.mean((values <= threshold) == (truth == 1))
    low, high = min(0.0, float(values.min())), max(float(values.max()), threshold)
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        axes = figure.subplots()
        for label, name, colour in ((1, "Same", "duplicate"), (0, "Different", "different")):
            chosen = values[truth == label]
            if not chosen.size:
                continue
            counts, edges = np.histogram(chosen, bins=50, range=(low, high if high > low else low + 1))
            shares = counts / chosen.size
            axes.stairs(shares, edges, fill=True, color=COLOURS[colour], alpha=0.35)
            axes.stairs(shares, edges, color=COLOURS[colour], linewidth=1.2, label=f"{name} ({chosen.size:,})")
        axes.axvline(
            threshold,
            color=COLOURS["ink"],
            label=f"Threshold {_figure(threshold)} ({right:.1%} right)",
            **DASHED | {"linewidth": 1},
        )
        axes.set(ylim=(0, None), xlabel="Distance", ylabel="Share of the pairs of a label")
        axes.margins(x=0.01)
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.legend(**LEGEND, columnspacing=1.2, handlelength=1.4)
        write_png(path, figure)


def plot_embeddings(path: PathLike, embeddings: ArrayLike, labels: ArrayLike) -> None:
    """Draw embeddings in the plane as a PNG: two dimensions as they are, more by their two principal components.

    The title says which share of the variance the plane holds. Up to ten classes have a colour each; of more, the ten
    largest have (of equal ones the first by name), the others are grey. Of more than 5,000 embeddings 5,000 are drawn,
    at even steps; the components are those of all.

    Args:
        path: the picture; its folder must exist.
        embeddings: (n, d), finite, n and d at least 2.
        labels: (n,), the class of each.

    Raises:
        TextsiamError: the arguments do not fit together, or the path cannot be written.
    """
    vectors, classes = np.asarray(embeddings, np.float64), np.asarray(labels)
    if vectors.ndim != 2 or min(vectors.shape) < 2 or classes.shape != vectors.shape[:1]:
        raise TextsiamError(
            f"Embeddings are (n, d), n and d at least 2, with n labels; got {vectors.shape} and {classes.shape}."
        )
    if not np.isfinite(vectors).all():
        raise TextsiamError("Embeddings are finite; one is not.", "Train with a lower learning rate: learning_rate=…")
    axis = "dimension" if vectors.shape[1] == 2 else "principal component"
    plane, said = _in_the_plane(vectors)
    names, of, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    coloured = np.sort(np.argsort(-sizes, kind="stable")[: len(_CLASS_COLOURS)])
    drawn = np.unique(np.linspace(0, len(plane) - 1, min(len(plane), _POINTS)).astype(int))
    part = f"{len(drawn):,} of {len(plane):,}" if len(drawn) < len(plane) else f"{len(plane):,}"
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=(6.4, 5), layout="constrained")
        axes = figure.subplots()
        dot = float(np.clip(4000 / len(drawn), 4, 30))
        colours = np.full(len(names), _OTHERS, object)
        colours[coloured] = _CLASS_COLOURS[: len(coloured)]
        grey = ~np.isin(of[drawn], coloured)
        for chosen in (drawn[grey], np.random.default_rng(0).permutation(drawn[~grey])):  # no class lies above all
            axes.scatter(
                plane[chosen, 0], plane[chosen, 1], s=dot, c=list(colours[of[chosen]]), alpha=0.75, linewidths=0
            )
        for number in coloured:
            axes.scatter([], [], s=30, color=colours[number], label=_short(names[number]))
        if len(coloured) < len(names):
            axes.scatter([], [], s=30, color=_OTHERS, label=f"{len(names) - len(coloured):,} other classes")
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_title(
            f"{part} embeddings of {len(names):,} {'class' if len(names) == 1 else 'classes'}\n{said}",
            fontsize=9,
            loc="left",
        )
        axes.set(xlabel=f"First {axis}", ylabel=f"Second {axis}")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), borderaxespad=0)
        write_png(path, figure)


def _labelled(distances: ArrayLike, same: ArrayLike, threshold: float) -> tuple[Floats, Integers]:
    if not np.isfinite(threshold):
        raise TextsiamError(f"A threshold is a finite distance, not {threshold}.")
    return check_labelled(distances, same)


def _shown(values: Floats, wrong: np.ndarray, threshold: float) -> Integers:
    """Return the rows that a grid shows, ascending."""
    if len(values) <= _PAIRS:
        return np.arange(len(values))
    mistakes, right = np.flatnonzero(wrong), np.flatnonzero(~wrong)
    worst = mistakes[np.argsort(-np.abs(values[mistakes] - threshold), kind="stable")]
    kept = worst[: max(_MISTAKES, _PAIRS - len(right))]
    steps = np.linspace(0, len(right) - 1, _PAIRS - len(kept)).astype(int)
    return np.sort(np.concatenate([kept, right[steps]]))


def _draw_pair(axes: Axes, a: Bytes, b: Bytes) -> None:
    """Draw two images side by side."""
    height, width = a.shape[:2]
    gap, rim = _GAP * width, _RIM * width
    for start, image in ((0.0, a), (width + gap, b)):
        axes.imshow(
            image[:, :, 0] if image.shape[2] == 1 else image,
            cmap="gray",
            vmin=0,
            vmax=255,
            extent=(start, start + width, height, 0),
        )
    axes.set(xlim=(-rim, 2 * width + gap + rim), ylim=(height + rim, -rim), xticks=[], yticks=[])
    axes.grid(visible=False)


def _in_the_plane(vectors: Floats) -> tuple[Floats, str]:
    """Return a projection (n, 2) and what it is."""
    if vectors.shape[1] == 2:
        return vectors, "their two dimensions, 100% of the variance"
    if not np.ptp(vectors, axis=0).any():
        return np.zeros((len(vectors), 2)), "all of them alike: they have collapsed"
    components = PCA(2, svd_solver="full")
    plane = components.fit_transform(vectors)
    shares = components.explained_variance_ratio_
    return plane, (
        f"two principal components of {vectors.shape[1]} dimensions, {shares.sum():.0%} of the variance "
        f"({shares[0]:.0%} + {shares[1]:.0%})"
    )


def _figure(distance: float) -> str:
    """Return a distance in three digits."""
    return f"{distance:#.3g}".rstrip(".")


def _short(name: object) -> str:
    text = " ".join(str(name).split())
    return text if len(text) <= _NAME_CHARACTERS else f"{text[: _NAME_CHARACTERS - 1]}…"

"""An evaluation as one self-contained HTML page."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import ArrayLike

from textsiam.evaluation.behaviour import Behaviour
from textsiam.evaluation.charts import (
    COLOURS,
    draw_histogram,
    draw_precision_recall,
    draw_reliability,
    draw_roc,
    inline_svg,
)
from textsiam.evaluation.model import Evaluation
from textsiam.files.atomic import write_output
from textsiam.siamese.calibration import check_labelled, check_probabilities

_SPACE = re.compile(r"[\t\n\r]")
# C0 and C1 controls, surrogates, and the two that are no characters: none of them may stand in HTML.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def write_report(
    path: str | os.PathLike[str],
    evaluation: Evaluation,
    labels: ArrayLike,
    probabilities: ArrayLike,
    title: str = "Duplicate question evaluation",
    *,
    behaviours: Sequence[Behaviour] = (),
) -> None:
    """Write an evaluation as one HTML page without scripts or external resources.

    The page is renamed into place, so that no reader meets half of it. Control characters and lone surrogates in
    questions and title stand in it as U+FFFD.

    Args:
        path: the page; its folder must exist.
        evaluation: from `evaluate_pairs` on the same labels and probabilities.
        labels: (n,), 1 = duplicate, 0 = not.
        probabilities: (n,), of duplicate, in [0, 1].
        title: heading of the page.
        behaviours: from `run_behaviour`, for a table of them.

    Raises:
        TextsiamError: invalid labels or probabilities, or a path that cannot be written.
    """
    scores, truth = check_labelled(check_probabilities(probabilities), labels)
    figures = evaluation.figures
    charts = {
        "reliability": inline_svg("reliability", lambda figure: draw_reliability(figure, truth, scores)),
        "histogram": inline_svg("histogram", lambda figure: draw_histogram(figure, truth, scores, figures.threshold)),
    }
    if 0 < figures.positives < figures.rows:
        charts |= {
            "roc": inline_svg("roc", lambda figure: draw_roc(figure, truth, scores, figures)),
            "precision_recall": inline_svg("pr", lambda figure: draw_precision_recall(figure, truth, scores, figures)),
        }
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": _number, "shorten": _shorten}
    page = environment.get_template("report.html").render(
        title=_printable(title),
        evaluation=evaluation,
        behaviours=behaviours,
        figures=figures,
        colours=COLOURS,
        charts=charts,
    )
    write_output(path, page.encode("utf-8"))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _shorten(text: str, characters: int = 300) -> str:
    return _printable(text if len(text) <= characters else f"{text[:characters]}…")


def _printable(text: str) -> str:
    """Return a text as a page may show it: white space as such, other control characters and surrogates as U+FFFD."""
    return _UNPRINTABLE.sub("\ufffd", _SPACE.sub(" ", text))

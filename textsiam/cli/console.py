"""Figures as plain text, in columns for the terminal."""

from collections.abc import Sequence

from textsiam.evaluation.behaviour import Behaviour
from textsiam.evaluation.model import Evaluation
from textsiam.inference.card import figure_text


def evaluation_text(evaluation: Evaluation) -> str:
    """Return the figures, a line each, and the table of the slices; what is not defined is a dash."""
    lines = [f"{name:<20} {figure_text(value)}" for name, value in evaluation.figures.to_dict().items()]
    lines += ["", f"{'slice':<34} {'rows':>7} {'accuracy':>9} {'ROC AUC':>8}"]
    lines += [
        f"{part.name:<34} {part.rows:>7} {figure_text(part.accuracy):>9} {figure_text(part.roc_auc):>8}"
        for part in evaluation.slices
    ]
    return "\n".join(lines)


def behaviour_text(behaviours: Sequence[Behaviour]) -> str:
    """Return the table of failure rates, and below it a failure of each test that has one."""
    lines = [f"{'capability':<20} {'test':<4} {'expected':<14} {'cases':>5} {'failed':>6} {'rate':>6}  95% interval"]
    examples = []
    for row in behaviours:
        name = f"{row.capability:<20} {row.kind:<4} {row.expectation:<14}"
        low, high = row.interval
        lines.append(f"{name} {row.cases:>5} {row.failures:>6} {row.rate:>6.3f}  {low:.3f} – {high:.3f}")
        for failure in row.examples[:1]:
            examples.append(f"{row.capability}, {row.kind}, expected: {row.expectation}")
            answers = zip(failure.pairs, failure.probabilities, strict=True)
            examples += [f"  {probability:.3f}  {first} / {second}" for (first, second), probability in answers]
    return "\n".join([*lines, "", *examples]).rstrip()

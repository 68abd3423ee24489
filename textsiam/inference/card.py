"""The model card: what a model folder says about itself."""

from typing import Any

_FIGURES = (
    ("accuracy", "Accuracy"),
    ("f1", "F1"),
    ("roc_auc", "ROC AUC"),
    ("average_precision", "Average precision"),
    ("log_loss", "Log loss"),
    ("ece", "Expected calibration error"),
)


def model_card(config: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Return the Markdown card of a trained text model.

    Args:
        config: as in config.json.
        metrics: figures by split, as in metrics.json.
    """
    architecture, training, threshold = config["architecture"], config["training"], config["threshold"]
    header = "| split | rows | " + " | ".join(title for _, title in _FIGURES) + " |"
    rule = "|---" * (2 + len(_FIGURES)) + "|"
    rows = [
        f"| {split} | {figures['rows']} | " + " | ".join(figure_text(figures[name]) for name, _ in _FIGURES) + " |"
        for split, figures in metrics.items()
    ]
    return "\n".join(
        [
            "# A textsiam model",
            "",
            "Decides whether two questions ask the same thing.",
            "",
            f"- Encoder: `{architecture['encoder']}`, {architecture['units']} units; loss `{architecture['loss']}`.",
            f"- Similarity measures: {', '.join(f'`{name}`' for name in architecture['measures'])}.",
            *_training(training),
            f"- Calibration: {_calibration(config)}.",
            f"- Threshold: {threshold['value']:.4f}, chosen on dev for {threshold['objective']}.",
            "",
            header,
            rule,
            *rows,
            "",
            "Calibration, threshold and early stopping were decided on dev: its figures are slightly too good.",
            "",
            "Limits: the model knows the words of its training questions and their kind of text. It looks at the first "
            f"{config['preprocessing']['max_length']} tokens of a question.",
            "",
        ]
    )


def _training(training: dict[str, Any]) -> list[str]:
    """Return a line a training, the first one first."""
    lines = _training(training["before"]) if "before" in training else []
    taught = ", with a teacher's probabilities as labels" if training.get("taught") else ""
    made = f" and {training['made_pairs']} made by rule" if training.get("made_pairs") else ""
    best = f"Epoch {training['best_epoch']} of {training['epochs']} was best."
    return [*lines, f"- Trained{' further' if lines else ''} on {training['pairs']} pairs{taught}{made}. {best}"]


def _calibration(config: dict[str, Any]) -> str:
    kind = config["calibration"]["kind"]
    return "none" if kind == "identity" else f"{kind}, fitted on {config['training']['dev_pairs']} dev pairs"


def figure_text(value: Any) -> str:
    """Return a figure in four decimals, a whole number or a text as it is, a range with a dash, None as a dash."""
    if value is None:
        return "–"
    if isinstance(value, tuple | list):
        return " – ".join(figure_text(item) for item in value)
    return f"{value:.4f}" if isinstance(value, float) else str(value)

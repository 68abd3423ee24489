"""Training of a Siamese image network: epoch by epoch, on fresh pairs, with an eye on collapse."""

import logging
from types import SimpleNamespace

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from textsiam.errors import TextsiamError
from textsiam.images.network import Floats, SiameseNetwork, compile_model
from textsiam.images.sources import MININGS, PAIRINGS, Part, Source
from textsiam.siamese.calibration import calibrated_log_loss
from textsiam.siamese.thresholds import choose_distance

logger = logging.getLogger(__name__)

History = dict[str, list[float]]

_COLLAPSED = 0.01  # spread of the embeddings, as a share of the margin, or of their length where there is none


def train(network: SiameseNetwork, source: Source, validation: Part, settings: SimpleNamespace) -> History:
    """Train a network in place; it ends with the weights of the best epoch on the validation part.

    Best is the lowest mean loss of the validation pairs, or, for triplets, the lowest log loss after calibration.

    Args:
        network: untrained, or to be trained further.
        source: what it learns from.
        validation: what it is measured on after every epoch.
        settings: of ``ImageSiamese``.

    Returns:
        One list a figure, one value an epoch: "loss", "val_loss" (but for triplets), "val_criterion", "val_accuracy"
        (at the best threshold of the epoch), "val_auc" and "spread", the root mean square distance of the embeddings
        from their mean. Ctrl-C after the first epoch ends training as if it had stopped early.

    Raises:
        TextsiamError: a loss is no longer a number, validation pairs are all same or all different, or Ctrl-C came
            before the first epoch had ended.
    """
    models = {"pairs": network.pair_model, "triplets": network.triplet_model, "batches": network.batch_model}
    model = models[source.model]()
    steps = source.steps(network)
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.epochs * steps, alpha=0.02)
    compile_model(model, network.settings, settings.mining, rate)
    history: History = {}
    best, warned = network.get_weights(), False
    for epoch in range(settings.epochs):
        try:
            fitted = model.fit(
                source.batches(epoch, network),
                steps_per_epoch=steps,
                initial_epoch=epoch,
                epochs=epoch + 1,
                shuffle=False,
                verbose=0,
            )
            measured, collapsed = _measure(network, validation)
        except KeyboardInterrupt as interrupt:
            if not epoch:
                raise TextsiamError("Interrupted before the first epoch ended: nothing is kept.") from interrupt
            logger.warning(
                "Interrupted after %d whole epochs: the weights of epoch %d, the best so far, are kept.",
                epoch,
                int(np.argmin(history["val_criterion"])) + 1,
            )
            break
        figures = {"loss": float(fitted.history["loss"][0]), **measured}
        if not all(np.isfinite(value) for value in figures.values()):
            raise TextsiamError(f"A loss of epoch {epoch + 1} is not a number. Lower the learning rate.")
        for name, value in figures.items():
            history.setdefault(name, []).append(value)
        told = ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
        logger.info("Epoch %d of %d: %s", epoch + 1, settings.epochs, told)
        if collapsed and not warned:
            warned = True
            logger.warning(
                "The embeddings have collapsed to one point (spread %.2g, loss %.4f): every image looks the same to "
                "the network. Lower the learning rate, or mine 'semihard' instead of 'hard' triplets.",
                figures["spread"],
                figures["loss"],
            )
        criterion = history["val_criterion"]
        if criterion[-1] <= min(criterion):
            best = network.get_weights()
        elif settings.patience is not None and len(criterion) - int(np.argmin(criterion)) > settings.patience:
            break
    network.set_weights(best)
    return history


def _measure(network: SiameseNetwork, part: Part) -> tuple[dict[str, float], bool]:
    """Return the figures of a part, and whether its embeddings have collapsed."""
    distances, same, embeddings = part.measure(network)
    if not np.isfinite(distances).all():
        return {"val_criterion": np.nan}, False
    loss = network.costs(distances, same)
    threshold = choose_distance(distances, same, network.usual_distance)
    apart = spread(embeddings)
    head = network.settings.loss == "binary_crossentropy"
    usual = float(np.sqrt(np.mean(np.sum(np.square(embeddings), axis=1)))) if head else network.settings.margin
    figures = {
        **({} if loss is None else {"val_loss": loss}),
        "val_criterion": calibrated_log_loss(-distances, same) if loss is None else loss,
        "val_accuracy": float(np.mean((distances <= threshold) == (same == 1))),
        "val_auc": float(roc_auc_score(same, -distances)),
        "spread": apart,
    }
    return figures, apart <= _COLLAPSED * usual


def spread(embeddings: Floats) -> float:
    """Return the root mean square distance of embeddings (n, d) from their mean: near 0 they have collapsed."""
    return float(np.sqrt(np.mean(np.sum(np.square(embeddings - embeddings.mean(axis=0)), axis=1))))


def check_settings(settings: SimpleNamespace) -> None:
    """Check the parameters of ``ImageSiamese`` that steer training.

    Raises:
        TextsiamError: one is out of range.
    """
    for name, known in (("pairing", PAIRINGS), ("mining", MININGS)):
        if getattr(settings, name) not in known:
            raise TextsiamError(f"There is no {name} {getattr(settings, name)!r}; there are: {', '.join(known)}.")
    for name, least in (("epochs", 1), ("batch_size", 2), ("patience", 0), ("images_per_class", 2)):
        value = getattr(settings, name)
        if value is not None and not (isinstance(value, (int, np.integer)) and value >= least):
            raise TextsiamError(f"{name} is a whole number, at least {least}, not {value!r}.")
    if not settings.learning_rate > 0:
        raise TextsiamError(f"learning_rate lies above 0, not at {settings.learning_rate!r}.")

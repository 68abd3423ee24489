"""Training of a Siamese image network: on fresh pairs each epoch, with an eye on collapse."""

import logging

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from textsiam.images.network import Floats, SiameseNetwork, compile_model
from textsiam.images.parameters import ImageParameters
from textsiam.images.sources import Part, Source
from textsiam.siamese.calibration import calibrated_log_loss
from textsiam.siamese.checkpoints import Checkpoints, Progress
from textsiam.siamese.epochs import Figures, train_epochs
from textsiam.siamese.thresholds import choose_distance

logger = logging.getLogger(__name__)

_COLLAPSED = 0.01  # spread of the embeddings, as a share of the margin, or of their length where there is none


def train(
    network: SiameseNetwork,
    source: Source,
    validation: Part,
    settings: ImageParameters,
    checkpoints: Checkpoints,
    *,
    resume: bool = False,
) -> Progress:
    """Train a network in place; it ends with the weights of the best epoch on the validation part.

    Best is the lowest mean loss of the validation pairs, or, for triplets, the lowest log loss after calibration.

    Args:
        network: untrained, or to be trained further.
        source: what it learns from.
        validation: what it is measured on after every epoch.
        settings: the parameters of ``ImageSiamese``.
        checkpoints: where every epoch is kept, opened.
        resume: resume after the last epoch in ``checkpoints``.

    Returns:
        The history: one list a figure, one value an epoch: "loss", "val_loss" (but for triplets), "val_criterion",
        "val_accuracy" (at the best threshold of the epoch), "val_auc" and "spread", the root mean square distance of
        the embeddings from their mean; and the best epoch.

    Raises:
        TextsiamError: see ``train_epochs``; or validation pairs are all same or all different.
    """
    models = {"pairs": network.pair_model, "triplets": network.triplet_model, "batches": network.batch_model}
    model = models[source.model]()
    steps = source.steps(network)
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.epochs * steps, alpha=0.02)
    compile_model(model, network.settings, settings.mining, rate)
    warned = False

    def measure() -> Figures:
        nonlocal warned
        figures, collapsed = _measure(network, validation)
        if collapsed and not warned:
            warned = True
            logger.warning(
                "The embeddings have collapsed to one point (spread %.2g): every image looks the same to the network. "
                "Lower the learning rate, or mine 'semihard' instead of 'hard' triplets.",
                figures["spread"],
            )
        return figures

    return train_epochs(
        model,
        lambda epoch: source.batches(epoch, network),
        measure,
        checkpoints,
        epochs=settings.epochs,
        patience=settings.patience,
        seed=settings.random_state,
        steps=steps,
        resume=resume,
        bar=settings.verbose == 1,
    )


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

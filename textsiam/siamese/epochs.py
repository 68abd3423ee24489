"""The loop of training, whatever is trained: epochs, early stopping, resuming, history."""

import logging
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from textsiam.errors import TextsiamError
from textsiam.siamese.backend import seed_dropout
from textsiam.siamese.checkpoints import Checkpoints, Progress

logger = logging.getLogger(__name__)

CRITERION = "val_criterion"  # its name in the history: lower is better
Figures = dict[str, float]


class _Bar(keras.callbacks.Callback):
    """A progress bar of an epoch, in a terminal."""

    def __init__(self, epoch: int, epochs: int):
        super().__init__()
        self._title = f"Epoch {epoch + 1}/{epochs}"

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._bar = tqdm(total=self.params["steps"], desc=self._title, disable=None, leave=False)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._bar.update()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._bar.close()


def train_epochs(
    model: keras.Model,
    batches: Callable[[int], Any],
    measure: Callable[[], Figures],
    checkpoints: Checkpoints,
    *,
    epochs: int,
    patience: int | None,
    seed: int,
    steps: int | None = None,
    class_weight: dict[int, float] | None = None,
    resume: bool = False,
    bar: bool = False,
) -> Progress:
    """Train a compiled network in place; it ends with the weights of the epoch of the lowest criterion.

    Args:
        model: compiled network.
        batches: what it learns from in an epoch, numbered from 0.
        measure: figures on pairs held out, after an epoch; ``CRITERION`` among them.
        checkpoints: where every epoch is kept, opened.
        epochs: at most.
        patience: epochs without a lower criterion after which training stops; None: never.
        seed: of dropout.
        steps: batches of an epoch, where ``batches`` does not tell.
        class_weight: weight of label 0 and of label 1.
        resume: go on after the last epoch in ``checkpoints``, if there is one.
        bar: draw a progress bar in a terminal.

    Returns:
        The history and the best epoch. Ctrl-C after the first epoch ends training as if it had stopped early.

    Raises:
        TextsiamError: the checkpoints are of other data or parameters, a loss is no longer a number, or Ctrl-C came
            before the first epoch had ended.
    """
    progress = checkpoints.read() if resume else Progress()
    if not resume:
        checkpoints.clear()
    if progress.epochs:
        checkpoints.load(model, progress.epochs)
        logger.info("Resuming after epoch %d of %d", progress.epochs, epochs)
    try:
        while progress.epochs < epochs and not _stopped(progress, patience):
            epoch = progress.epochs
            seed_dropout(model, seed, epoch)
            fitted = model.fit(
                batches(epoch),
                steps_per_epoch=steps,
                initial_epoch=epoch,
                epochs=epoch + 1,
                class_weight=class_weight,
                callbacks=[_Bar(epoch, epochs)] if bar else [],
                shuffle=False,
                verbose=0,
            )
            figures = {name: float(values[0]) for name, values in fitted.history.items()} | measure()
            _note(progress, figures, epochs)
            checkpoints.write(model, progress)
    except KeyboardInterrupt as interrupt:
        progress.interrupted = True
        if not progress.best_epoch:
            raise TextsiamError("Interrupted before the first epoch ended: nothing is kept.") from interrupt
        logger.warning(
            "Interrupted after %d whole epochs: the weights of epoch %d, the best so far, are kept.",
            progress.epochs,
            progress.best_epoch,
        )
    checkpoints.load(model, progress.best_epoch)
    return progress


def _stopped(progress: Progress, patience: int | None) -> bool:
    return patience is not None and progress.epochs > 0 and progress.epochs - progress.best_epoch >= patience


def _note(progress: Progress, figures: Figures, epochs: int) -> None:
    """Take up the figures of an epoch that has ended, and log them in one line."""
    epoch = progress.epochs + 1
    if not all(np.isfinite(value) for value in figures.values()):
        wrong = next(name for name, value in figures.items() if not np.isfinite(value))
        raise TextsiamError(
            f"The {wrong} of epoch {epoch} is {figures[wrong]}, no number.", "Lower the learning rate: learning_rate=…"
        )
    for name, value in figures.items():
        progress.history.setdefault(name, []).append(value)
    criterion = progress.history[CRITERION]
    if criterion[-1] < min(criterion[:-1], default=np.inf):
        progress.best_epoch = epoch
    told = ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
    logger.info("Epoch %d of %d: %s", epoch, epochs, told)

"""One run from files to a model folder: train, measure on a part of its own, draw."""

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textsiam.errors import TextsiamError
from textsiam.evaluation.charts import plot_history
from textsiam.images.charts import plot_distances, plot_embeddings, plot_pair_grid
from textsiam.images.data.pairs import PairList, read_pair_list
from textsiam.images.data.pixels import Bytes, Size
from textsiam.images.data.read import LabelledImages, read_images
from textsiam.images.model import ImageSiamese
from textsiam.images.network import Floats
from textsiam.images.sources import StreamedPart
from textsiam.images.verification import VerificationFigures, one_shot_accuracy
from textsiam.siamese.pairing import Indices, Pairs, make_pairs

_SHOWN = 1000  # pairs of pictures on the disk that the grid chooses from


@dataclass(frozen=True)
class Outcome:
    """A trained model and what it reached on the test part, which was neither trained nor decided on.

    Attributes:
        model: the model, the test figures in its metrics.
        figures: of the test pairs.
        distances: (p,), of the test pairs.
        same: int8 (p,), 1 = same.
        shown: the first images of some of these pairs, and the second.
        embeddings: (n, d), of the test images.
        labels: (n,), their classes; None for pairs.
        one_shot: accuracy with one image of each class enrolled; None where it was not asked for.
    """

    model: ImageSiamese
    figures: VerificationFigures
    distances: Floats
    same: NDArray[np.int8]
    shown: tuple[Bytes, Bytes]
    embeddings: Floats
    labels: NDArray[Any] | None
    one_shot: float | None = None

    def save(self, path: Path, *, overwrite: bool = False) -> None:
        """Write the model folder, with the curves, a grid of pairs, the distances and the embeddings as pictures.

        Raises:
            TextsiamError: see ``ImageSiamese.save``.
        """
        history = json.dumps(self.model.history_, indent=2).encode()
        self.model.save(path, overwrite=overwrite, extras={"history.json": history, **self.draw()})

    def draw(self) -> dict[str, bytes]:
        """Return the pictures, PNG by name."""
        threshold, count = self.figures.threshold, len(self.shown[0])
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            plot_history(folder / "curves.png", self.model.history_)
            plot_pair_grid(
                folder / "pairs.png", *self.shown, self.same[:count], self.distances[:count], threshold=threshold
            )
            plot_distances(folder / "distances.png", self.distances, self.same, threshold)
            if self.labels is not None:
                plot_embeddings(folder / "embeddings.png", self.embeddings, self.labels)
            return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def outcome_of_images(
    model: ImageSiamese, test: LabelledImages, pairs: Pairs | None = None, *, one_shot: bool = False
) -> Outcome:
    """Measure a trained model on labelled images.

    Args:
        model: trained.
        test: the images.
        pairs: of them; None: each once with one of its class and once with another.
        one_shot: identify them, too.
    """
    pairs = make_pairs(test.labels, small_classes="skip") if pairs is None else pairs
    embeddings = model.embed(test.images)
    distances = model.model_.network.compare(embeddings[pairs.first], embeddings[pairs.second])
    figures = model.figures(distances, pairs.same)
    accuracy = one_shot_accuracy(embeddings, test.labels) if one_shot else None
    _note(model, figures, accuracy)
    shown = test.images[pairs.first], test.images[pairs.second]
    return Outcome(model, figures, distances, pairs.same, shown, embeddings, test.labels, accuracy)


def outcome_of_pairs(model: ImageSiamese, test: PairList) -> Outcome:
    """Measure a trained model on pairs of pictures; no more than a batch of them is in memory."""
    network = model.model_.network
    distances, same, embeddings = StreamedPart(test).measure(network)
    figures = model.figures(distances, same)
    _note(model, figures, None)
    a, b, _ = next(test.batches(_SHOWN, size=network.shape[:2], channels=network.shape[2]))
    return Outcome(model, figures, distances, same, (a, b), embeddings, None)


def _note(model: ImageSiamese, figures: VerificationFigures, one_shot: float | None) -> None:
    known = {
        "seed": model.parameters().random_state,
        **figures.to_dict(),
        **({} if one_shot is None else {"one_shot": one_shot}),
    }
    model.model_ = replace(model.model_, metrics={**model.model_.metrics, "test": known})


def run_images(
    path: Path,
    size: Size | None,
    parameters: dict[str, Any],
    seed: int,
    *,
    checkpoints: Path | None = None,
    resume: bool = False,
) -> Outcome:
    """Train on labelled images of one's own; a tenth of them decides, another is the test.

    Args:
        path: see ``textsiam.images.data.read.read_images``.
        size: height and width to bring them to; None leaves them as they are.
        parameters: of ``ImageSiamese``.
        seed: of everything random.
        checkpoints: see ``ImageSiamese.fit``.
        resume: likewise.

    Raises:
        TextsiamError: they cannot be read, or do not serve.
    """
    data = read_images(path, size=size)
    training, dev, test = (LabelledImages(data.images[rows], data.labels[rows]) for rows in tenths(len(data), seed))
    model = ImageSiamese(**parameters, random_state=seed)
    model.fit(training.images, training.labels, (dev.images, dev.labels), checkpoints=checkpoints, resume=resume)
    return outcome_of_images(model, test)


def run_pairs(
    path: Path,
    shape: tuple[int, int, int],
    parameters: dict[str, Any],
    seed: int,
    *,
    checkpoints: Path | None = None,
    resume: bool = False,
) -> Outcome:
    """Train on a table of pairs of pictures of one's own; a tenth of them decides, another is the test.

    Args:
        path: see ``textsiam.images.data.read.read_pair_list``.
        shape: height, width and channels to bring them to.
        parameters: of ``ImageSiamese``.
        seed: of everything random.
        checkpoints: see ``ImageSiamese.fit``.
        resume: likewise.

    Raises:
        TextsiamError: they cannot be read, or do not serve.
    """
    pairs = read_pair_list(path, seed=seed)
    training, dev, test = (pairs.only(rows) for rows in tenths(len(pairs), seed))
    model = ImageSiamese(**parameters, random_state=seed)
    model.fit_pairs(training, validation=dev, shape=shape, checkpoints=checkpoints, resume=resume)
    return outcome_of_pairs(model, test)


def tenths(count: int, seed: int, train: float = 0.8) -> list[Indices]:
    """Return rows at random to train on, a tenth to decide on, and what is left.

    Raises:
        TextsiamError: there are fewer than ten.
    """
    if count < 10:
        raise TextsiamError(f"Training, deciding and testing takes ten or more; got {count}.", "Add some.")
    order = np.random.default_rng([seed, 4]).permutation(count)
    first = round(train * count)
    return np.split(order, [first, first + count // 10])

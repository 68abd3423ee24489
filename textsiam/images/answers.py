"""What a trained image model answers: embeddings, distances, verdicts, names, figures."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textsiam.errors import TextsiamError
from textsiam.images.data.pixels import Bytes, as_pixels
from textsiam.images.data.read import PairList
from textsiam.images.folder import ImageModel
from textsiam.images.gallery import Identification
from textsiam.images.network import Floats
from textsiam.images.sources import PairData
from textsiam.images.verification import VerificationFigures, verification_figures
from textsiam.inference.folder import write_bundle
from textsiam.siamese.pairing import Pairs, make_pairs

Images = ArrayLike  # (n, h, w) or (n, h, w, c): integers in [0, 255] or fractions in [0, 1]


@dataclass(frozen=True)
class Verdicts:
    """What a model says of pairs of images.

    Attributes:
        same: (n,), bool: the distance is at most the threshold.
        distances: (n,), at least 0.
        probabilities: (n,), that both show the same, in (0, 1); None where the model is not calibrated.
    """

    same: NDArray[np.bool_]
    distances: Floats
    probabilities: NDArray[np.float64] | None


class TrainedSiamese:
    """The side of ``ImageSiamese`` that answers; ``model_`` is what training or loading left."""

    model_: ImageModel

    @property
    def threshold_(self) -> float:
        """Largest distance at which a pair is called same."""
        return self._trained().threshold

    def _trained(self) -> ImageModel:
        if not hasattr(self, "model_"):
            raise TextsiamError("The model is not trained yet. Call fit, or load a saved one.")
        return self.model_

    def embed(self, images: Images) -> Floats:
        """Return the embeddings of images, float32 (n, d).

        Args:
            images: (n, h, w) or (n, h, w, c), of the shape that the model was trained on.

        Raises:
            TextsiamError: the images have another shape, or the model is not trained.
        """
        network = self._trained().network
        pixels = as_pixels(images)
        if pixels.shape[1:] != network.shape:
            raise TextsiamError(
                f"The model takes images of {network.shape} (height, width, channels); these have {pixels.shape[1:]}. "
                "Bring them to it: textsiam.images.data.pixels.fit_images."
            )
        return network.embed(pixels)

    def distance(self, a: Images, b: Images) -> Floats:
        """Return the distance of images, pair by pair, (n,), at least 0; exactly the same for (b, a) as for (a, b).

        With a sigmoid head it is 1 − the probability that the head gives.

        Args:
            a: as for ``embed``.
            b: as many.

        Raises:
            TextsiamError: see ``embed``; or there are not as many in both.
        """
        u, v = self.embed(a), self.embed(b)
        if len(u) != len(v):
            raise TextsiamError(f"Pairs need as many images on both sides; got {len(u)} and {len(v)}.")
        return self._trained().network.compare(u, v)

    def verify(self, a: Images, b: Images, threshold: float | None = None) -> Verdicts:
        """Say of each pair whether both images show the same.

        Args:
            a: as for ``embed``.
            b: as many.
            threshold: largest distance of a same pair; None takes the model's own.

        Raises:
            TextsiamError: see ``distance``.
        """
        distances = self.distance(a, b)
        calibration = self._trained().calibration
        return Verdicts(
            distances <= (self.threshold_ if threshold is None else threshold),
            distances,
            calibration(-distances) if calibration else None,
        )

    def evaluate(self, images: Images, labels: ArrayLike, pairs: Pairs | None = None) -> VerificationFigures:
        """Measure the model on labelled images, with the model's own threshold.

        Args:
            images: as for ``embed``.
            labels: (n,), the class of each.
            pairs: of these images; None: each once with one of its class and once with another, by
                ``textsiam.siamese.pairing.make_pairs``.

        Raises:
            TextsiamError: see ``embed``; or the labels do not serve.
        """
        pixels, classes = labelled_images(images, labels)
        pairs = make_pairs(classes, small_classes="skip") if pairs is None else pairs
        embeddings = self.embed(pixels)
        distances = self._trained().network.compare(embeddings[pairs.first], embeddings[pairs.second])
        return self.figures(distances, pairs.same)

    def evaluate_pairs(
        self, a: Images | PairList, b: Images | None = None, same: ArrayLike | None = None
    ) -> VerificationFigures:
        """Measure the model on pairs, given as for ``fit_pairs``, with the model's own threshold.

        Raises:
            TextsiamError: the pairs do not serve.
        """
        network = self._trained().network
        distances, truth, _ = PairData.read(a, b, same).part().measure(network)
        return self.figures(distances, truth)

    def figures(self, distances: Floats, same: NDArray[np.int8]) -> VerificationFigures:
        """Measure distances of pairs, (n,) each, that are known already, with the model's own threshold."""
        network = self._trained().network
        return verification_figures(distances, same, self.threshold_, network.costs(distances, same))

    def enroll(self, name: str, images: Images) -> None:
        """Make a name known by its images, one or more; nothing is trained.

        Args:
            name: a text other than "unknown"; a name that is known already gets more images.
            images: as for ``embed``.

        Raises:
            TextsiamError: see ``embed``; or the name or the images do not serve.
        """
        model = self._trained()
        self.model_ = replace(model, gallery=model.gallery.enroll(name, self.embed(images)))

    def identify(self, images: Images, k: int = 1, threshold: float | None = None) -> list[Identification]:
        """Say which of the enrolled names each image shows, or "unknown" where none is near enough.

        Args:
            images: as for ``embed``.
            k: how many of the nearest names to tell.
            threshold: largest distance of a name; None takes the model's own.

        Raises:
            TextsiamError: see ``embed``; or nobody is enrolled.
        """
        model = self._trained()
        limit = model.threshold if threshold is None else threshold
        return model.gallery.identify(self.embed(images), model.network.compare, limit, k)

    def save(self, path: str | Path, *, overwrite: bool = False, extras: dict[str, bytes] | None = None) -> None:
        """Write the model folder, the gallery in it.

        Args:
            path: the folder.
            overwrite: replace a model that is there.
            extras: other files to put into it, by name.

        Raises:
            TextsiamError: the folder exists and ``overwrite`` is off, or it cannot be written.
        """
        write_bundle(path, replace(self._trained().to_bundle(), extras=extras or {}), overwrite=overwrite)


def labelled_images(images: Images, labels: ArrayLike) -> tuple[Bytes, NDArray[Any]]:
    """Return images as bytes and their labels, (n,).

    Raises:
        TextsiamError: there is not one label an image, or the images are none.
    """
    pixels, classes = as_pixels(images), np.asarray(labels)
    if classes.shape != pixels.shape[:1]:
        raise TextsiamError(f"Every image needs one label; got {len(pixels)} images and labels {classes.shape}.")
    return pixels, classes

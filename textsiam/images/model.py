"""ImageSiamese: the whole path from labelled images, or pairs of them, to verdicts and names."""

import hashlib
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from textsiam import __version__
from textsiam.errors import TextsiamError
from textsiam.images.data.pairs import PairList
from textsiam.images.data.pixels import as_pixels
from textsiam.images.encoders import build_image_encoder
from textsiam.images.fit import train
from textsiam.images.folder import ImageModel, build_encoder, describe_encoder
from textsiam.images.gallery import Gallery, Identification
from textsiam.images.network import Floats, SiameseNetwork
from textsiam.images.parameters import ImageParameters, without_weights
from textsiam.images.sources import ImagePart, PairData, Part, Source, labelled_images, labelled_source, scheme_pairs
from textsiam.images.verification import Verdicts, VerificationFigures, verification_figures
from textsiam.inference.folder import Bundle, read_bundle, write_bundle
from textsiam.siamese.backend import seeded
from textsiam.siamese.calibration import fit_calibration
from textsiam.siamese.checkpoints import Checkpoints, fingerprint
from textsiam.siamese.holding_out import hold_out
from textsiam.siamese.pairing import Pairs, make_pairs
from textsiam.siamese.parameters import signature_of
from textsiam.siamese.thresholds import choose_distance

Images = ArrayLike  # (n, h, w) or (n, h, w, c): integers in [0, 255] or fractions in [0, 1]

_CONSTRUCTOR = signature_of(ImageParameters, positional=3)


class ImageSiamese:
    """A Siamese network for images: embeddings that lie close together where two images show the same.

    It can be pickled and copied, trained or not.

    >>> import numpy as np
    >>> labels = np.arange(80) % 2
    >>> images = np.random.default_rng(0).integers(0, 100, (80, 4, 4)) + 150 * labels[:, None, None]
    >>> siamese = ImageSiamese("dense", encoder_options={"units": (8, 2)}, epochs=5, batch_size=20, learning_rate=0.01)
    >>> siamese.fit(images, labels).verify(images[:2], images[[2, 4]]).same.tolist()
    [True, False]
    >>> siamese.enroll("dark", images[:1])
    >>> [answer.name for answer in siamese.identify(images[2:4])]
    ['dark', 'unknown']

    Args:
        encoder: "dense", "lenet", "conv", the name of a backbone of ``keras.applications``, or a Keras model.
        loss: "contrastive", "triplet" or "binary_crossentropy".
        margin: of the contrastive and the triplet loss.
        **parameters: by name; ``ImageParameters`` tells of each what it means, what it may be, and its default.

    Attributes:
        threshold_: largest distance at which a pair is called same, chosen on the validation part.
        history_: one list a figure of training, one value an epoch; only after ``fit``.
        model_: the trained ``ImageModel``.
    """

    encoder: str | keras.Model
    model_: ImageModel

    def __init__(self, *arguments: Any, **parameters: Any):
        given = _CONSTRUCTOR.bind(self, *arguments, **parameters)
        given.apply_defaults()
        self.__dict__ |= {name: value for name, value in given.arguments.items() if name != "self"}

    def parameters(self) -> ImageParameters:
        """Return the parameters, checked.

        Raises:
            TextsiamError: one is not what it may be.
        """
        return ImageParameters(**{each.name: getattr(self, each.name) for each in fields(ImageParameters)})

    def fit(
        self,
        images: Images,
        labels: ArrayLike,
        validation: tuple[Images, ArrayLike] | None = None,
        *,
        checkpoints: str | Path | None = None,
        resume: bool = False,
    ) -> "ImageSiamese":
        """Train on labelled images.

        Args:
            images: (n, h, w) or (n, h, w, c), integers in [0, 255] or fractions in [0, 1].
            labels: (n,), the class of each: integers or strings.
            validation: images and labels that best epoch, threshold and calibration are chosen on; None: a tenth of the
                images is held out, of every class as far as it has enough.
            checkpoints: folder to keep the state of each epoch in; None uses a temporary one.
            resume: resume after the last epoch in ``checkpoints``.

        Returns:
            Itself.

        Raises:
            TextsiamError: a parameter is out of range, or the data do not serve.
        """
        settings = self.parameters()
        pixels, classes = labelled_images(images, labels)
        if validation is None:
            kept, held = hold_out(classes, settings.random_state, least=2)
            validation = pixels[held], classes[held]
            pixels, classes = pixels[kept], classes[kept]
        dev, dev_classes = labelled_images(*validation)
        if dev.shape[1:] != pixels.shape[1:]:
            raise TextsiamError(
                f"Validation images have the shape of the others, {pixels.shape[1:]}, not {dev.shape[1:]}."
            )
        try:
            part = ImagePart(dev, scheme_pairs(dev_classes, settings))
        except TextsiamError as error:
            raise TextsiamError(
                f"The {len(dev)} validation images make no pairs: {error}", "Give more images: validation=…"
            ) from error
        network, specification = self._new_network(settings, pixels.shape[1:])
        source = labelled_source(pixels, classes, settings)
        digest = _digest(pixels, classes, dev, dev_classes)
        counts = {"images": len(pixels)}
        return self._fit(network, specification, source, part, settings, counts, digest, checkpoints, resume)

    def fit_pairs(
        self,
        a: Images | PairList,
        b: Images | None = None,
        same: ArrayLike | None = None,
        validation: Any = None,
        shape: tuple[int, int, int] | None = None,
        *,
        checkpoints: str | Path | None = None,
        resume: bool = False,
    ) -> "ImageSiamese":
        """Train on pairs of images; an image that stands in several pairs of a batch is encoded once.

        Args:
            a: the first image of each pair, as for ``fit``; or a ``PairList``, whose pictures are read from the disk
                batch by batch.
            b: the second, likewise; None with a ``PairList``.
            same: (n,), 1 = both show the same; None with a ``PairList``.
            validation: (a, b, same), or a ``PairList``; None: a tenth of the pairs is held out, of both labels alike.
            shape: height, width and channels that the pictures of a ``PairList`` are brought to.
            checkpoints: folder to keep the state of each epoch in; None uses a temporary one.
            resume: resume after the last epoch in ``checkpoints``.

        Returns:
            Itself.

        Raises:
            TextsiamError: a parameter is out of range, or the data do not serve.
        """
        settings = self.parameters()
        if settings.loss == "triplet":
            raise TextsiamError("Triplets are made from labels, not from pairs.", "Call fit, or choose another loss.")
        training = PairData.read(a, b, same)
        if validation is None:
            kept, held = hold_out(training.same, settings.random_state)
            training, dev = training.only(kept), training.only(held)
        else:
            dev = PairData.read(*((validation,) if isinstance(validation, PairList) else validation))
        if not isinstance(training.pairs, PairList):
            shape = training.images.shape[1:]
        elif shape is None:
            raise TextsiamError(
                "Pictures of a PairList are brought to one shape.", "Give height, width and channels: shape=…"
            )
        network, specification = self._new_network(settings, shape)
        counts, digest = {"pairs": len(training)}, _digest(*training.identity(), *dev.identity())
        source, part = training.source(settings), dev.part()
        return self._fit(network, specification, source, part, settings, counts, digest, checkpoints, resume)

    def _new_network(
        self, settings: ImageParameters, shape: tuple[int, int, int]
    ) -> tuple[SiameseNetwork, dict[str, Any]]:
        with seeded(settings.random_state):
            if isinstance(settings.encoder, keras.Model):
                specification = describe_encoder(settings.encoder)
                encoder = settings.encoder
            else:
                options = dict(settings.encoder_options or {})
                specification = {"name": settings.encoder, "options": without_weights(options)}
                encoder = build_image_encoder(settings.encoder, shape, **options)
            network = SiameseNetwork.build(encoder, settings.head())
        if network.shape != tuple(shape):
            raise TextsiamError(f"The encoder takes images of {network.shape}; these have {tuple(shape)}.")
        return network, specification

    def _fit(
        self,
        network: SiameseNetwork,
        specification: dict[str, Any],
        source: Source,
        part: Part,
        settings: ImageParameters,
        counts: dict[str, int],
        digest: str,
        checkpoints: str | Path | None,
        resume: bool,
    ) -> "ImageSiamese":
        start = time.perf_counter()
        lasting = {"parameters": settings.lasting(), "encoder": specification, "data": digest}
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary if checkpoints is None else checkpoints)
            with Checkpoints(folder, fingerprint(lasting)) as opened:
                progress = train(network, source, part, settings, opened, resume=resume)
        self.history_ = progress.history
        distances, same, _ = part.measure(network)
        threshold = choose_distance(distances, same, network.usual_distance)
        calibration = None
        if settings.calibration is not None:
            calibration = fit_calibration(-distances, same, settings.calibration, seed=settings.random_state)
        figures = verification_figures(distances, same, threshold, network.costs(distances, same))
        training = {
            "textsiam": __version__,
            **counts,
            "dev_pairs": figures.rows,
            "epochs": progress.epochs,
            "best_epoch": progress.best_epoch,
            "interrupted": progress.interrupted,
            "minutes": round((progress.earlier + time.perf_counter() - start) / 60, 2),
            "parameters": settings.recorded(),
        }
        self.model_ = ImageModel(
            network,
            specification,
            threshold,
            calibration,
            Gallery.empty(network.encoder.outputs[0].shape[1]),
            training,
            {"dev": {"seed": settings.random_state, **figures.to_dict()}},
        )
        return self

    @property
    def threshold_(self) -> float:
        """Largest distance at which a pair is called same."""
        return self._trained().threshold

    def _trained(self) -> ImageModel:
        if not hasattr(self, "model_"):
            raise TextsiamError("The model is not trained yet.", "Call fit, or load a saved one.")
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
                f"The model takes images of {network.shape} (height, width, channels); these have {pixels.shape[1:]}.",
                "Bring them to it: textsiam.images.data.pixels.fit_images.",
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
        limit = self._limit(threshold)
        distances = self.distance(a, b)
        calibration = self._trained().calibration
        return Verdicts(
            distances <= limit,
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
        model, limit = self._trained(), self._limit(threshold)
        return model.gallery.identify(self.embed(images), model.network.compare, limit, k)

    def _limit(self, threshold: float | None) -> float:
        if threshold is None:
            return self.threshold_
        if not isinstance(threshold, (int, float, np.number)) or not np.isfinite(threshold):
            raise TextsiamError(f"threshold is a distance, a finite number, not {threshold!r:.60}.")
        return float(threshold)

    def save(self, path: str | Path, *, overwrite: bool = False, extras: dict[str, bytes] | None = None) -> None:
        """Write the model folder, the gallery in it.

        Args:
            path: the folder.
            overwrite: replace a model that is there.
            extras: other files to put into it, by name, beside those that came with the model.

        Raises:
            TextsiamError: the folder exists and ``overwrite`` is off, or it cannot be written.
        """
        bundle = self._trained().to_bundle()
        write_bundle(path, replace(bundle, extras={**bundle.extras, **(extras or {})}), overwrite=overwrite)

    @classmethod
    def load(cls, path: str | Path) -> "ImageSiamese":
        """Read a model folder that ``save`` wrote.

        Raises:
            TextsiamError: there is no such folder, it is foreign or damaged, or it holds what is not data.
        """
        return cls._of(read_bundle(path), str(path))

    @classmethod
    def _of(cls, bundle: Bundle, name: str) -> "ImageSiamese":
        model = ImageModel.from_bundle(bundle, name)
        known = {each.name for each in fields(ImageParameters)}
        recorded = model.training.get("parameters", {})
        siamese = cls(**{key: value for key, value in recorded.items() if key in known})
        if "keras" in model.encoder:
            siamese.encoder = model.network.encoder
        siamese.model_ = model
        return siamese

    def __getstate__(self) -> dict[str, Any]:
        state = dict(vars(self))
        if "model_" in state:
            state["model_"] = self.model_.to_bundle().to_files()
        if isinstance(self.encoder, keras.Model):
            own = "model_" in state and self.encoder is self.model_.network.encoder
            state["encoder"] = None if own else (describe_encoder(self.encoder), self.encoder.get_weights())
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "model_" in state:
            bundle = Bundle.from_files(state["model_"], "a pickled model")
            state["model_"] = ImageModel.from_bundle(bundle, "a pickled model")
        if state["encoder"] is None:
            state["encoder"] = state["model_"].network.encoder
        elif not isinstance(state["encoder"], str):
            specification, weights = state["encoder"]
            state["encoder"] = build_encoder(specification, (0, 0, 0))
            state["encoder"].set_weights(weights)
        self.__dict__ |= state


ImageSiamese.__init__.__signature__ = _CONSTRUCTOR  # type: ignore[attr-defined]
ImageSiamese.__module__ = "textsiam"  # where it is documented: a pickle survives its moves


def _digest(*arrays: ArrayLike) -> str:
    """Return what tells data from other data, for a training that is resumed."""
    digest = hashlib.sha256()
    for array in map(np.asarray, arrays):
        digest.update(f"{array.shape}{array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).tobytes() if array.dtype != object else str(array.tolist()).encode())
    return digest.hexdigest()

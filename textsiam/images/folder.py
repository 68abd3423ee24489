"""The folder of an image model: what ``textsiam.inference.folder`` writes, with the encoder as data, never as code."""

from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import keras

from textsiam.errors import TextsiamError
from textsiam.images.data_only import check_data_only
from textsiam.images.encoders import build_image_encoder
from textsiam.images.gallery import Gallery
from textsiam.images.network import HeadSettings, SiameseNetwork
from textsiam.inference.card import figure_text
from textsiam.inference.folder import Bundle
from textsiam.siamese.calibration import Calibration

KIND = "images"
_EMBEDDINGS = "gallery.embeddings"


@dataclass(frozen=True)
class ImageModel:
    """A trained image model.

    Attributes:
        network: encoder and head.
        encoder: how the encoder is built: ``{"name", "options"}``, or ``{"keras"}`` with the configuration of a model.
        threshold: largest distance of a pair that is called same.
        calibration: from −distance to the probability that both show the same, or None.
        gallery: who is enrolled.
        training: summary of the training, JSON values.
        metrics: figures by split, as in metrics.json.
        extras: other files of the folder by name: training history, pictures.
    """

    network: SiameseNetwork
    encoder: dict[str, Any]
    threshold: float
    calibration: Calibration | None
    gallery: Gallery
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    extras: dict[str, bytes] = field(default_factory=dict)

    def to_bundle(self) -> Bundle:
        """Return the content of the folder."""
        config = {
            "kind": KIND,
            "architecture": {
                "encoder": self.encoder,
                "shape": list(self.network.shape),
                **asdict(self.network.settings),
            },
            "gallery": list(self.gallery.names),
            "training": self.training,
            "calibration": self.calibration.to_dict() if self.calibration else None,
            "threshold": {"value": self.threshold, "objective": "accuracy"},
        }
        weights = self.network.get_weights() | {_EMBEDDINGS: self.gallery.embeddings}
        return Bundle(config, weights, self.metrics, _card(self), extras=self.extras)

    @classmethod
    def from_bundle(cls, bundle: Bundle, name: str) -> "ImageModel":
        """Build the model again.

        Args:
            bundle: what ``read_bundle`` returned.
            name: of the folder, for messages.

        Raises:
            TextsiamError: it is no image model, it holds what is not data, or its parts do not fit together.
        """
        if bundle.kind != KIND:
            raise TextsiamError(f"{name} is no image model.", "Give a folder that ImageSiamese.save wrote.")
        try:
            bundle = _as_of_today(bundle)
            config = bundle.config
            head: dict[str, Any] = {name: _tuples(value) for name, value in config["architecture"].items()}
            specification = config["architecture"]["encoder"]
            del head["encoder"]
            height, width, channels = head.pop("shape")
            encoder = build_encoder(specification, (height, width, channels))
            network = SiameseNetwork.build(encoder, HeadSettings(**head))
            network.set_weights(bundle.weights)
            gallery = Gallery(tuple(config["gallery"]), bundle.weights[_EMBEDDINGS])
            calibration = Calibration.from_dict(config["calibration"]) if config["calibration"] else None
            threshold = float(config["threshold"]["value"])
        except TextsiamError as error:
            raise TextsiamError(f"The model folder {name} is damaged: {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            said = " ".join(str(error).split())
            raise TextsiamError(f"The model folder {name} is damaged: {said}.", "Copy it again.") from error
        dimensions = encoder.outputs[0].shape[1]
        if gallery.embeddings.shape != (len(gallery.names), dimensions):
            raise TextsiamError(f"The model folder {name} is damaged: its gallery has no embedding for each name.")
        return cls(
            network,
            specification,
            threshold,
            calibration,
            gallery,
            config.get("training", {}),
            bundle.metrics,
            bundle.extras,
        )


def _as_of_today(bundle: Bundle) -> Bundle:
    """Return what a folder holds in the shape of today's format."""
    if bundle.format > 1:
        return bundle
    config = dict(bundle.config)
    config["architecture"] = {"encoder": config.pop("encoder"), "shape": config.pop("shape"), **config.pop("head")}
    config["threshold"] = {"value": config["threshold"], "objective": "accuracy"}
    metrics = {
        "dev" if part == "validation" else part: {
            "rows" if figure == "pairs" else figure: value for figure, value in figures.items()
        }
        for part, figures in bundle.metrics.items()
    }
    return replace(bundle, config=config, metrics=metrics)


def build_encoder(specification: dict[str, Any], shape: tuple[int, int, int]) -> keras.Model:
    """Build an untrained encoder from ``ImageModel.encoder``.

    Raises:
        TextsiamError: there is no such encoder, or it holds what is not data.
    """
    if "keras" not in specification:
        options = {key: _tuples(value) for key, value in specification.get("options", {}).items()}
        return build_image_encoder(specification["name"], shape, **options)
    check_data_only(specification["keras"])
    config = deepcopy(specification["keras"])  # Keras empties what it reads
    model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    if not isinstance(model, keras.Model):
        raise TextsiamError(f"The encoder is no Keras model but {type(model).__name__}.")
    return model


def describe_encoder(encoder: keras.Model) -> dict[str, Any]:
    """Return ``{"keras": …}``, from which ``build_encoder`` makes a model like this one.

    Raises:
        TextsiamError: it has layers that are not Keras's own, or that run code.
    """
    try:
        config = keras.saving.serialize_keras_object(encoder)
    except (NotImplementedError, TypeError, ValueError) as error:
        raise TextsiamError(f"The encoder cannot be written as data: {' '.join(str(error).split())}.") from error
    check_data_only(config)
    return {"keras": config}


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _card(model: ImageModel) -> str:
    settings, training = model.network.settings, model.training
    encoder = model.encoder.get("name", "a Keras model")
    lines = [
        "# A textsiam image model",
        "",
        "Decides whether two images show the same.",
        "",
        f"- Images of {' × '.join(map(str, model.network.shape))} (height, width, channels); encoder: {encoder}, "
        f"{model.network.encoder.count_params():,} weights, {model.network.encoder.outputs[0].shape[1]} dimensions.",
        f"- Loss `{settings.loss}`"
        + (f", margin {settings.margin:g}." if settings.loss != "binary_crossentropy" else "."),
        f"- Same up to a distance of {model.threshold:.4f}, chosen on the validation part.",
        f"- Trained for {training.get('epochs', 0)} epochs in {training.get('minutes', 0):g} minutes; epoch "
        f"{training.get('best_epoch', 0)} was best.",
        f"- Names in its gallery: {len(set(model.gallery.names))}.",
        "",
        "| split | rows | accuracy | ROC AUC | loss |",
        "|---|---|---|---|---|",
    ]
    for split, figures in model.metrics.items():
        values = " | ".join(figure_text(figures.get(name)) for name in ("accuracy", "roc_auc", "loss"))
        lines.append(f"| {split} | {figures.get('rows', '–')} | {values} |")
    return "\n".join([*lines, ""])

"""The published Siamese recipes, repaired: data, split, parameters and protocol, each by name."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from textsiam.errors import TextsiamError
from textsiam.images.data.pairs import PairList, read_pair_list
from textsiam.images.data.pixels import as_pixels, scale
from textsiam.images.data.read import LabelledImages, read_images
from textsiam.images.encoders import pooled_encoder
from textsiam.images.experiment import Outcome, outcome_of_images, tenths
from textsiam.images.faces import face_backbone, fisher_encoder
from textsiam.images.model import ImageSiamese
from textsiam.siamese.backend import seeded
from textsiam.siamese.pairing import Pairs, make_pairs

TEST_SUBJECTS, DEV_SUBJECTS = 10, 5
FACE_SIZE = (56, 46)


@dataclass(frozen=True)
class Recipe:
    """A published recipe as it is run here.

    Attributes:
        data: name of its data set.
        summary: one line.
        parameters: of ``ImageSiamese``.
        run: how.
    """

    data: str
    summary: str
    parameters: dict[str, Any]
    run: Callable[["Recipe", "Options"], "Outcome"]


@dataclass(frozen=True)
class Options:
    """What a run of a recipe may be told.

    Attributes:
        data_dir: a folder with the data set's files, or with a folder of its name that has them; None: downloaded.
        seed: of everything random.
        rotation: for faces: which ten subjects are the test, 0 to 3.
        parameters: of ``ImageSiamese``, instead of the recipe's.
        folder: where "kinship" writes its pictures and its table of pairs.
        checkpoints: where the state of each epoch is kept, a folder for each network that is trained; None: nowhere.
        resume: resume after the last epochs there.
    """

    data_dir: Path | None = None
    seed: int = 0
    rotation: int = 0
    parameters: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    checkpoints: Path | None = None
    resume: bool = False

    def keeping(self, network: str = "network") -> dict[str, Any]:
        """Return what ``ImageSiamese.fit`` is told of the checkpoints of a network."""
        return {"checkpoints": self.checkpoints and self.checkpoints / network, "resume": self.resume}


def run_recipe(name: str, options: Options) -> Outcome:
    """Run a recipe: read, train, measure on the test part.

    Raises:
        TextsiamError: there is no such recipe, its data are not there, or a parameter is out of range.
    """
    if name not in RECIPES:
        raise TextsiamError(f"There is no recipe {name!r}; there are: {', '.join(RECIPES)}.")
    recipe = RECIPES[name]
    return recipe.run(recipe, options)


def _digits_dense(recipe: Recipe, options: Options) -> Outcome:
    """MNIST's training file alone: 42,000 images to train, 6,000 to decide, 12,000 held out and paired once."""
    data = read_dataset(recipe.data, options.data_dir, "train")
    training, dev, test = _parts(data, options.seed, 0.7)
    model = _fit(recipe, options, training, dev)
    pairs = make_pairs(test.labels, scheme="once", min_positive=len(test) // 4, seed=options.seed)
    return outcome_of_images(model, test, pairs)


def _standard(scheme: str) -> Callable[[Recipe, Options], Outcome]:
    def run(recipe: Recipe, options: Options) -> Outcome:
        """Train on nine tenths of the training file, decide on a tenth, measure on the test file."""
        data = read_dataset(recipe.data, options.data_dir, "train")
        training, dev, _ = _parts(data, options.seed, 0.9)
        model = _fit(recipe, options, training, dev)
        test = read_dataset(recipe.data, options.data_dir, "test")
        return outcome_of_images(model, test, make_pairs(test.labels, scheme=scheme, seed=options.seed))

    return run


def _faces(recipe: Recipe, options: Options) -> Outcome:
    """Subjects apart: 10 to test, 30 to train; all pairs of the test subjects.

    The threshold is that of a first network, trained on 25 of the 30 subjects and decided on the other 5.
    """
    training, dev, test = _subjects(recipe, options)
    first = _fit(recipe, options, training, dev, "first")
    images, labels = (
        np.concatenate([getattr(part, name) for part in (training, dev)]) for name in ("images", "labels")
    )
    model = _fit(recipe, options, LabelledImages(images, labels), dev)
    model.model_ = replace(model.model_, threshold=first.threshold_, metrics=first.model_.metrics)
    return outcome_of_images(model, test, all_pairs(test.labels), one_shot=True)


def _kinship(recipe: Recipe, options: Options) -> Outcome:
    """A frozen backbone, pooled, and a sigmoid head on pairs from a table, read from the disk batch by batch."""
    if options.folder is None:
        raise TextsiamError(
            "The recipe 'kinship' writes pictures and a table of pairs.", "Name a folder for them: folder=…"
        )
    training, dev, test = _subjects(recipe, options)
    train_list, dev_list = (
        write_pair_table(options.folder / part, data, options.seed)
        for part, data in (("train", training), ("dev", dev))
    )
    parameters = recipe.parameters | options.parameters
    if "encoder" not in parameters:
        parameters["encoder"] = pooled_encoder(_trained_backbone(training, dev, options))
    model = ImageSiamese(**parameters, random_state=options.seed)
    model.fit_pairs(train_list, validation=dev_list, shape=training.images.shape[1:], **options.keeping())
    return outcome_of_images(model, test, all_pairs(test.labels))


def _trained_backbone(training: LabelledImages, dev: LabelledImages, options: Options) -> keras.Model:
    """Return convolutions that triplets of the training subjects have taught to tell faces apart."""
    with seeded(options.seed):
        backbone = face_backbone(training.images.shape[1:])
        maps = backbone.outputs[0]
        pooled = [keras.layers.GlobalMaxPooling2D()(maps), keras.layers.GlobalAveragePooling2D()(maps)]
        embedding = keras.layers.Dense(64)(keras.layers.Concatenate()(pooled))
    parameters = BACKBONE | {name: value for name, value in options.parameters.items() if name == "epochs"}
    siamese = ImageSiamese(keras.Model(backbone.inputs, embedding), **parameters, random_state=options.seed)
    siamese.fit(training.images, training.labels, (dev.images, dev.labels), **options.keeping("backbone"))
    return backbone


def _fit(
    recipe: Recipe, options: Options, training: LabelledImages, dev: LabelledImages, network: str = "network"
) -> ImageSiamese:
    parameters = recipe.parameters | options.parameters
    if recipe.data == "faces_orl" and "encoder" not in parameters:
        parameters["encoder"] = fisher_encoder(scale(training.images), training.labels)
    model = ImageSiamese(**parameters, random_state=options.seed)
    return model.fit(training.images, training.labels, (dev.images, dev.labels), **options.keeping(network))


def _parts(data: LabelledImages, seed: int, train: float) -> list[LabelledImages]:
    return [LabelledImages(data.images[rows], data.labels[rows]) for rows in tenths(len(data), seed, train)]


def _subjects(recipe: Recipe, options: Options) -> tuple[LabelledImages, LabelledImages, LabelledImages]:
    """Return images of subjects to train, to decide and to test on; no subject is in two parts."""
    data = read_dataset(recipe.data, options.data_dir, "train")
    subjects = np.unique(data.labels)
    first = options.rotation * TEST_SUBJECTS
    if not 0 <= first <= len(subjects) - TEST_SUBJECTS:
        raise TextsiamError(
            f"rotation lies from 0 to {len(subjects) // TEST_SUBJECTS - 1} for {len(subjects)} subjects."
        )
    test = subjects[first : first + TEST_SUBJECTS]
    others = np.random.default_rng([options.seed, 5]).permutation(np.setdiff1d(subjects, test))
    groups = others[DEV_SUBJECTS:], others[:DEV_SUBJECTS], test
    masks = [np.isin(data.labels, group) for group in groups]
    training, dev, tested = (LabelledImages(data.images[mask], data.labels[mask]) for mask in masks)
    return training, dev, tested


def all_pairs(labels: NDArray[Any]) -> Pairs:
    """Return every pair of different items, (n · (n − 1) / 2)."""
    first, second = np.triu_indices(len(labels), 1)
    return Pairs(first, second, (labels[first] == labels[second]).astype(np.int8))


def write_pair_table(folder: Path, data: LabelledImages, seed: int) -> PairList:
    """Write images as png and pairs of them as a table, and read it.

    Args:
        folder: made if it is not there.
        data: each image is paired four times with one of its class and as often with another.
        seed: of the pairs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(data.images):
        Image.fromarray(np.squeeze(image)).save(folder / f"{number:03d}.png")
    pairs = make_pairs(data.labels, pairs_per_item=8, seed=seed)
    with (folder / "pairs.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["path_a", "path_b", "same"])
        rows.writerows(
            (f"{first:03d}.png", f"{second:03d}.png", same)
            for first, second, same in zip(pairs.first, pairs.second, pairs.same, strict=True)
        )
    return read_pair_list(folder / "pairs.csv")


def read_dataset(name: str, data_dir: Path | None, part: str) -> LabelledImages:
    """Read a data set of the recipes: "mnist", "fashion_mnist" or "faces_orl", which has no parts.

    Args:
        name: see above.
        data_dir: a folder with its files, or with a folder of its name that has them; None: Keras's download.
        part: "train" or "test".

    Raises:
        TextsiamError: the files are not there, or cannot be downloaded.
    """
    faces = name == "faces_orl"
    if data_dir is not None:
        folder = data_dir / name if (data_dir / name).is_dir() else data_dir
        if not faces:
            return read_images(folder, part=part)
        archives = sorted(folder.glob("*.npz")) if folder.is_dir() else []
        return read_images(archives[0] if archives else folder, size=FACE_SIZE, channels=1)
    if faces:
        raise TextsiamError(
            "The ORL faces are not downloaded.", "Name a folder that has them, s1 to s40 or one .npz file: data_dir=…"
        )
    try:
        parts = getattr(keras.datasets, name).load_data()
    except Exception as error:  # whatever a network makes of it
        raise TextsiamError(f"{name} cannot be downloaded: {error}.", "Name a folder with it: data_dir=…") from error
    images, labels = parts[("train", "test").index(part)]
    return LabelledImages(as_pixels(images), labels)


BACKBONE: dict[str, Any] = {
    "loss": "triplet",
    "mining": "semihard",
    "margin": 0.5,
    "images_per_class": 4,
    "batch_size": 80,
    "epochs": 60,
    "shift": 2,
    "mirror": True,
}

RECIPES = {
    "mnist-dense": Recipe(
        "mnist",
        "MNIST, dense layers, contrastive loss",
        {
            "encoder": "dense",
            "epochs": 25,
            "batch_size": 256,
            "learning_rate": 0.002,
            "shift": 1,
            "pairs_per_image": 16,
        },
        _digits_dense,
    ),
    "mnist-lenet": Recipe(
        "mnist",
        "MNIST, LeNet of 4 and 16 tanh filters, contrastive loss",
        {"encoder": "lenet", "epochs": 20, "batch_size": 64, "learning_rate": 0.004, "pairs_per_image": 16},
        _standard("consecutive"),
    ),
    "mnist-conv": Recipe(
        "mnist",
        "MNIST, convolutional blocks with global average pooling, contrastive loss",
        {
            "encoder": "conv",
            "encoder_options": {"filters": ((16,), (32, 32, 32, 32))},
            "epochs": 20,
            "batch_size": 64,
            "learning_rate": 0.003,
            "shift": 1,
            "pairs_per_image": 16,
        },
        _standard("consecutive"),
    ),
    "fashion-conv": Recipe(
        "fashion_mnist",
        "Fashion-MNIST, convolutional blocks with global average pooling, contrastive loss",
        {"encoder": "conv", "epochs": 30, "batch_size": 64, "learning_rate": 0.003, "shift": 1, "mirror": True},
        _standard("random"),
    ),
    "faces-triplet": Recipe(
        "faces_orl",
        "ORL faces, triplets mined in the batch, subjects apart",
        {
            "loss": "triplet",
            "mining": "semihard",
            "margin": 0.3,
            "images_per_class": 4,
            "batch_size": 80,
            "epochs": 20,
            "learning_rate": 0.0001,
            "shift": 1,
        },
        _faces,
    ),
    "kinship": Recipe(
        "faces_orl",
        "ORL faces in a table of pairs, frozen backbone, (u−v)², |u²−v²| and cosine, dense, dropout, sigmoid",
        {
            "loss": "binary_crossentropy",
            "hidden": (100,),
            "dropout": 0.1,
            "batch_size": 128,
            "epochs": 10,
            "mirror": True,
        },
        _kinship,
    ),
}

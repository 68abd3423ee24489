"""Labelled images from idx files, npz files and folders."""

import os
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textsiam.errors import TextsiamError
from textsiam.files.tables import listing
from textsiam.images.data.idx import labels_beside, mnist_files, read_idx_pair
from textsiam.images.data.pixels import SUFFIXES, Bytes, Size, as_pixels, fit_images, read_picture

PathLike = str | os.PathLike[str]

PARTS = ("train", "test")
_IMAGE_NAMES = ("images", "x")
_LABEL_NAMES = ("labels", "y", "subject")


@dataclass(frozen=True)
class LabelledImages:
    """Images and the class of each.

    Attributes:
        images: uint8 (n, height, width, channels), 1 channel or 3, in [0, 255].
        labels: (n,), integers or strings, at least two distinct ones.
    """

    images: Bytes
    labels: NDArray[Any]

    def __len__(self) -> int:
        return len(self.labels)


def read_images(
    path: PathLike,
    *,
    part: str | None = None,
    images: str | None = None,
    labels: str | None = None,
    size: Size | None = None,
    channels: int | None = None,
) -> LabelledImages:
    """Read labelled images; what the path is says how.

    - A folder with MNIST's idx files, ``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte``, ``t10k-…`` for the
      test part, each gzipped (``.gz``) or not.
    - One idx file of images, with its file of labels beside it: ``images`` and ``idx3`` in the name are ``labels`` and
      ``idx1`` there.
    - A ``.npz`` file with an array ``images`` or ``x`` and one ``labels``, ``y`` or ``subject``; with a part,
      ``x_train``, ``y_train`` and so on.
    - Any other folder: a sub-folder per class, named as the class, with png, jpg, pgm or ppm pictures; with a part,
      these folders lie in its folders ``train`` and ``test``.

    Args:
        path: a folder or a file.
        part: "train" or "test"; None reads all there is (of a npz file the arrays without a part in their name).
        images: the array of images in a npz file, by its name.
        labels: the array of labels in a npz file, by its name.
        size: height and width to bring every image to; needed where a folder's pictures differ.
        channels: 1 or 3; None keeps what is there, colour where one picture of a folder has it.

    Returns:
        The images; labels are integers in idx files, as they stand in npz files, names of sub-folders in folders, the
        classes one after the other in the order of their names.

    Raises:
        TextsiamError: the path is missing or nothing of the above, a file is damaged, images and labels differ in
            number, images differ in size and none is given, a class is empty, or there is one class only.
    """
    if part is not None and part not in PARTS:
        raise TextsiamError(f"A part is 'train' or 'test', not {part!r}.")
    place = Path(path)
    if "://" in os.fspath(path):
        raise TextsiamError(f"{path} is an address; images are read from files.", "Download it first.")
    try:
        pixels, classes = _read(place, part, images, labels, size, channels)
    except OSError as error:
        raise TextsiamError(f"{place} cannot be read: {error.strerror or error}.", "Name a place that can.") from error
    if len(set(classes.tolist())) < 2:
        held = f"one class, {classes[0]!s}" if len(classes) else "no images"
        raise TextsiamError(f"{place} holds {held}; telling classes apart needs two.", "Add another.")
    return LabelledImages(fit_images(pixels, size=size, channels=channels), classes)


def _read(
    place: Path, part: str | None, images: str | None, labels: str | None, size: Size | None, channels: int | None
) -> tuple[Bytes, NDArray[Any]]:
    if not place.exists():
        raise TextsiamError(f"{place} does not exist.", "Name a folder of images, an idx file or a .npz file.")
    if place.is_file() and place.suffix.lower() == ".npz":
        return _read_npz(place, part, images, labels)
    if (images, labels) != (None, None):
        raise TextsiamError(f"{place} is no .npz file; names of arrays are for those.", "Leave them out.")
    if not place.is_dir():
        if part is not None:
            raise TextsiamError(f"{place} is one file; a part is chosen from a folder or a .npz file.", "Leave it out.")
        return read_idx_pair(place, labels_beside(place))
    files = mnist_files(place, part)
    if not files:
        return _read_folder(place, part, size, channels)
    read = [read_idx_pair(*pair) for pair in files]
    if len({pixels.shape[1:] for pixels, _ in read}) > 1:
        raise TextsiamError(f"The train and test images of {place} differ in size.", "Read one part.")
    return np.concatenate([pixels for pixels, _ in read]), np.concatenate([classes for _, classes in read])


def _read_npz(file: Path, part: str | None, images: str | None, labels: str | None) -> tuple[Bytes, NDArray[Any]]:
    ending = "" if part is None else f"_{part}"
    try:
        with file.open("rb") as stream:  # np.load leaves a damaged file open
            arrays = np.load(stream, allow_pickle=False)
            if not isinstance(arrays, np.lib.npyio.NpzFile):
                raise ValueError("it holds one array, no archive of arrays")
            pixels = arrays[_array_name(file, arrays.files, "images", images, _IMAGE_NAMES, ending)]
            classes = arrays[_array_name(file, arrays.files, "labels", labels, _LABEL_NAMES, ending)]
    except TextsiamError:
        raise
    except (OSError, EOFError, ValueError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        reason = (isinstance(error, OSError) and error.strerror) or " ".join(str(error).split())
        raise TextsiamError(
            f"{file} cannot be read as a .npz file: {reason}.", "Write it again with np.savez."
        ) from error
    if classes.ndim == 2 and classes.shape[1] == 1:
        classes = classes[:, 0]
    if classes.ndim != 1 or classes.dtype.kind not in "biuU":
        raise TextsiamError(
            f"{file}: labels are integers or strings, one an image; got {classes.dtype} {classes.shape}.",
            "Name another array.",
        )
    if pixels.ndim == 0 or len(pixels) != len(classes):
        raise TextsiamError(
            f"{file} has images of shape {pixels.shape} and {len(classes)} labels.", "Give one label an image."
        )
    try:
        return as_pixels(pixels), classes
    except TextsiamError as error:
        raise TextsiamError(f"{file}: {error}") from error


def _array_name(
    file: Path, there: Sequence[str], what: str, named: str | None, usual: Sequence[str], ending: str
) -> str:
    wanted = [f"{name}{ending}" for name in usual] if named is None else [named]
    for name in wanted:
        if name in there:
            return name
    raise TextsiamError(
        f"{file} has no array {' or '.join(map(repr, wanted))}; it has: {listing(there)}.",
        f"Name the array of {what}, or choose a part.",
    )


def _read_folder(folder: Path, part: str | None, size: Size | None, channels: int | None) -> tuple[Bytes, NDArray[Any]]:
    if part is not None:
        if not (folder / part).is_dir():
            raise TextsiamError(f"{folder} has no folder {part!r} in it.", "Add it, or leave the part out to read all.")
        folder = folder / part
    pictures: list[Bytes] = []
    classes: list[str] = []
    first: Path | None = None
    for sub in _entries(folder):
        if not sub.is_dir():
            continue
        files = [file for file in _entries(sub) if file.suffix.lower() in SUFFIXES]
        if not files:
            cure = "Choose a part." if part is None and sub.name in PARTS else "Add some, or remove the folder."
            raise TextsiamError(f"{sub} holds no picture ({', '.join(SUFFIXES)}).", cure)
        for file in files:
            picture = read_picture(file, size=size, channels=channels)
            first = first or file
            if pictures and picture.shape[:2] != pictures[0].shape[:2]:
                (height, width), (high, wide) = picture.shape[:2], pictures[0].shape[:2]
                raise TextsiamError(
                    f"{file} is {height} pixels high and {width} wide, {first} {high} and {wide}.",
                    "Give the size that all are brought to: size=…",
                )
            pictures.append(picture)
        classes += [sub.name] * len(files)
    if not pictures:
        raise TextsiamError(
            f"{folder} has no idx files and no sub-folders of pictures.", "Give each class a sub-folder."
        )
    most = max(picture.shape[2] for picture in pictures)
    return np.stack([np.broadcast_to(picture, (*picture.shape[:2], most)) for picture in pictures]), np.array(classes)


def _entries(folder: Path) -> list[Path]:
    """Return what lies in a folder, by name, hidden files left out.

    Raises:
        TextsiamError: a link leads nowhere.
    """
    found = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    for entry in found:
        if not entry.exists():
            raise TextsiamError(f"{entry} is a link that leads nowhere.", "Remove or mend it.")
    return found

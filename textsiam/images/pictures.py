"""Files of pictures and a model folder: they are enrolled in it, or identified by it."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.files.atomic import locked
from textsiam.images.data.pixels import Bytes, read_picture
from textsiam.images.model import ImageSiamese
from textsiam.inference.folder import find_folder, write_bundle


def read_pictures(siamese: ImageSiamese, paths: Iterable[str | Path]) -> Bytes:
    """Read pictures, each brought to the size and the channels of a model, uint8 (n, h, w, c).

    Raises:
        TextsiamError: there is none, or one cannot be read.
    """
    height, width, channels = siamese.model_.network.shape
    pictures = [read_picture(path, size=(height, width), channels=channels) for path in paths]
    if not pictures:
        raise TextsiamError("No picture is given.", "Name one or more.")
    return np.stack(pictures)


def enroll_pictures(folder: str | Path, name: str, paths: Iterable[str | Path], *, wait: float = 60.0) -> ImageSiamese:
    """Make a name known by pictures, in the model folder; nothing is trained, and its other files stay.

    The folder is replaced whole. Two processes that enroll at once come one after the other, so that neither is lost.

    Args:
        folder: a model folder.
        name: see ``ImageSiamese.enroll``.
        paths: png, jpg, pgm or ppm files of any size.
        wait: seconds to wait for another process that is at it.

    Returns:
        The model as it is in the folder now.

    Raises:
        TextsiamError: see ``ImageSiamese.load`` and ``enroll``; a picture cannot be read; or another process is at it
            for longer.
    """
    place = find_folder(folder).resolve()
    with locked(place.with_name(f".{place.name}.lock"), f"Another process changes {folder}. Wait for it.", wait=wait):
        siamese = ImageSiamese.load(place)
        siamese.enroll(name, read_pictures(siamese, paths))
        write_bundle(place, siamese.model_.to_bundle(), overwrite=True, keep=True)
    return siamese

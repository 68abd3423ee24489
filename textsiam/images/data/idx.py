"""The idx format of MNIST: a file of images and a file of labels, each gzipped or not."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textsiam.errors import TextsiamError
from textsiam.files.tables import listing
from textsiam.images.data.pixels import Bytes, as_pixels

_PREFIXES = {"train": "train", "test": "t10k"}


def mnist_files(folder: Path, part: str | None) -> list[tuple[Path, Path]]:
    """Return the files of images and labels of the parts asked for; none where the folder has no idx files.

    Raises:
        TextsiamError: the part is not there, or images have no labels beside them.
    """
    found: dict[str, tuple[Path, Path]] = {}
    for name, prefix in _PREFIXES.items():
        for suffix in ("", ".gz"):
            file = folder / f"{prefix}-images-idx3-ubyte{suffix}"
            if file.exists():
                found.setdefault(name, (file, labels_beside(file)))
    if found and part is not None and part not in found:
        raise TextsiamError(
            f"{folder} has no {part} images ({_PREFIXES[part]}-images-idx3-ubyte or .gz). Add them, or read "
            f"the part it has: {listing(found)}."
        )
    return [found[name] for name in _PREFIXES if name in found and part in (None, name)]


def labels_beside(images: Path) -> Path:
    """Return the file of labels of a file of images: ``labels`` and ``idx1`` where that is called ``images``, ``idx3``.

    Raises:
        TextsiamError: the file is not called so, or there are no labels beside it.
    """
    name = images.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    if not ("images" in images.name and "idx3" in images.name):
        raise TextsiamError(
            f"{images} is no folder, no .npz file and no idx file of images (…-images-idx3-ubyte, .gz or not).",
            "Name one of these.",
        )
    beside = [images.with_name(name), images.with_name(f"{name}.gz")]
    for file in beside:
        if file.exists():
            return file
    raise TextsiamError(f"{images} needs its labels beside it, {name} or {name}.gz.", "Add the file.")


def read_idx_pair(images: Path, labels: Path) -> tuple[Bytes, NDArray[np.int64]]:
    """Read uint8 images (n, h, w, 1) and their labels (n,).

    Raises:
        TextsiamError: a file is damaged or of another kind, or their numbers differ.
    """
    pixels, classes = _read_idx(images, 3), _read_idx(labels, 1)
    if len(pixels) != len(classes):
        raise TextsiamError(
            f"{images} has {len(pixels)} images, {labels} {len(classes)} labels.", "Take files of one set."
        )
    return as_pixels(pixels), classes.astype(np.int64)


def _read_idx(file: Path, dimensions: int) -> Bytes:
    """Read an idx file of bytes: 0, 0, 8 (the type), the number of dimensions, each as 4 bytes big-endian, the data."""
    try:
        content = file.read_bytes()
        if file.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise TextsiamError(f"{file} cannot be read: {reason}.", "Download it again.") from error
    magic, header = bytes((0, 0, 8, dimensions)), 4 + 4 * dimensions
    if content[:4] != magic:
        raise TextsiamError(
            f"{file} begins with {content[:4].hex(' ') or 'nothing'}; an idx file of bytes in {dimensions} "
            f"dimension(s) begins with {magic.hex(' ')}.",
            "Take the right file, or add .gz to its name if it is gzipped.",
        )
    shape = struct.unpack(f">{dimensions}I", content[4:header]) if len(content) >= header else None
    wanted = None if shape is None else header + int(np.prod(shape, dtype=object))
    if shape is None or len(content) != wanted:
        raise TextsiamError(
            f"{file} has {len(content):,} bytes; its header {shape or 'alone'} makes {wanted or header:,}.",
            "Download it again.",
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)

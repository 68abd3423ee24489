"""Pixels: one picture file, or arrays of images, brought to one size, one number of channels and one range.

The rules, the same for files and arrays:

- A picture is turned as its EXIF orientation says; of several frames the first counts.
- Transparent parts are flattened on white.
- 16-bit greys are scaled to 8 bits, v / 257, rounded; black and white become 0 and 255.
- Colour becomes grey by ITU-R 601-2 luma, 0.299 R + 0.587 G + 0.114 B; grey becomes three equal channels.
- A size is reached by stretching, bilinear, smoothed where it shrinks; the aspect ratio is not kept.
"""

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageOps

from textsiam.errors import TextsiamError

Bytes = NDArray[np.uint8]
Size = tuple[int, int]

SUFFIXES = (".png", ".jpg", ".jpeg", ".pgm", ".ppm")
_FORMATS = ("PNG", "JPEG", "PPM")
_MODES = {1: "L", 3: "RGB"}
_GREYS = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N")


def read_picture(path: str | os.PathLike[str], *, size: Size | None = None, channels: int | None = None) -> Bytes:
    """Read a png, jpg, pgm or ppm file.

    Args:
        path: the file; what is in it counts, not its suffix.
        size: height and width to bring it to; None leaves it as it is.
        channels: 1 or 3; None leaves it as it is, grey or colour.

    Returns:
        uint8 (h, w, channels), in [0, 255].

    Raises:
        TextsiamError: the file is missing, no picture of these kinds, damaged, or of more pixels than Pillow allows
            (``PIL.Image.MAX_IMAGE_PIXELS``, 89 million); the size or the channels are out of range.
    """
    _check(size, channels)
    name = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on sloppy metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(name, formats=_FORMATS) as picture:
                return _pixels(_flat(ImageOps.exif_transpose(picture)), size, channels)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise TextsiamError(
            f"{name} has more than {Image.MAX_IMAGE_PIXELS:,} pixels, which a picture of a data set has not.",
            "Shrink it.",
        ) from error
    except Image.UnidentifiedImageError as error:
        raise TextsiamError(f"{name} is no png, jpg, pgm or ppm picture.", "Convert it or leave it out.") from error
    except FileNotFoundError as error:
        raise TextsiamError(f"{name} does not exist.", "Correct the path or add the picture.") from error
    except TextsiamError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever a damaged file makes them stumble over
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise TextsiamError(f"{name} cannot be read as a picture: {reason}.", "Replace it or leave it out.") from error


def fit_images(images: ArrayLike, *, size: Size | None = None, channels: int | None = None) -> Bytes:
    """Bring images to one size and number of channels, by the rules for files.

    Args:
        images: see ``as_pixels``.
        size: height and width; None leaves them as they are.
        channels: 1 or 3; None leaves them as they are.

    Returns:
        uint8 (n, h, w, channels).

    Raises:
        TextsiamError: see ``as_pixels``; the size or the channels are out of range.
    """
    _check(size, channels)
    values = as_pixels(images)
    shape = (*(size or values.shape[1:3]), channels or values.shape[3])
    if shape == values.shape[1:]:
        return values
    fitted = np.empty((len(values), *shape), np.uint8)
    for number, image in enumerate(values):
        squeezed = np.ascontiguousarray(image[:, :, 0] if image.shape[2] == 1 else image)
        fitted[number] = _pixels(Image.fromarray(squeezed), size, channels)
    return fitted


def as_pixels(images: ArrayLike) -> Bytes:
    """Return images as bytes with a last axis of channels.

    Args:
        images: (n, h, w), (n, h, w, 1) or (n, h, w, 3): integers in [0, 255], fractions in [0, 1], which are scaled
            and rounded, or booleans, which become 0 and 255.

    Returns:
        uint8 (n, h, w, 1 or 3).

    Raises:
        TextsiamError: the array is of another shape or kind, or a value is out of range.
    """
    values = np.asarray(images)
    if values.ndim == 3:
        values = values[..., None]
    if values.ndim != 4 or values.shape[3] not in _MODES or not all(values.shape[1:]):
        raise TextsiamError(f"Images are (n, height, width) with 1 or 3 channels last; got shape {np.shape(images)}.")
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind not in "biuf":
        raise TextsiamError(f"Images are integers in [0, 255] or fractions in [0, 1]; got {values.dtype}.")
    highest = 255 if values.dtype.kind in "iu" else 1
    if values.size and not (values.min() >= 0 and values.max() <= highest):  # false for NaN, too
        raise TextsiamError(
            f"Images of {values.dtype} lie in [0, {highest}]; got values from {values.min():g} to {values.max():g}.",
            "Scale them.",
        )
    return (values if highest == 255 else np.rint(values * np.float32(255))).astype(np.uint8)


def scale(pixels: Bytes) -> NDArray[np.float32]:
    """Return bytes in [0, 255] as float32 in [0, 1], of the same shape."""
    return pixels.astype(np.float32) / np.float32(255)


def _check(size: Size | None, channels: int | None) -> None:
    if size is not None and not (len(size) == 2 and min(size) >= 1):
        raise TextsiamError(f"A size is height and width, each at least 1; got {size}.")
    if channels is not None and channels not in _MODES:
        raise TextsiamError(f"Images have 1 channel (grey) or 3 (colour), not {channels}.")


def _flat(picture: Image.Image) -> Image.Image:
    """Return a picture of mode L or RGB, without transparency and of 8 bits."""
    mode = "L" if picture.mode in _GREYS else "RGB"
    if picture.mode.startswith("I"):
        deep = np.asarray(picture)
        return Image.fromarray(np.rint(deep / 257).clip(0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        layers = picture.convert("RGBA")
        white = Image.new("RGBA", layers.size, "white")
        return Image.alpha_composite(white, layers).convert(mode)
    return picture.convert(mode)


def _pixels(picture: Image.Image, size: Size | None, channels: int | None) -> Bytes:
    if channels is not None:
        picture = picture.convert(_MODES[channels])
    if size is not None and picture.size != (size[1], size[0]):
        picture = picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    values: NDArray[Any] = np.array(picture)
    return values[:, :, None] if values.ndim == 2 else values

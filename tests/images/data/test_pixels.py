"""Pixels, held against files made by hand and by Pillow."""

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from PIL import Image

from textsiam.errors import TextsiamError
from textsiam.images.data.pixels import as_pixels, fit_images, read_picture, scale

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (6, 5), np.uint8)
COLOUR = RANDOM.integers(0, 256, (6, 5, 3), np.uint8)


@pytest.mark.parametrize("suffix", ["png", "pgm"])
def test_grey_files_come_back_as_they_are(tmp_path, suffix, saved):
    pixels = read_picture(saved(tmp_path / f"a.{suffix}", GREY))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, GREY[..., None])


@pytest.mark.parametrize("suffix", ["png", "ppm"])
def test_colour_files_come_back_as_they_are(tmp_path, suffix, saved):
    np.testing.assert_array_equal(read_picture(saved(tmp_path / f"a.{suffix}", COLOUR)), COLOUR)


def test_what_is_in_a_file_counts_not_its_suffix(tmp_path, saved):
    path = saved(tmp_path / "a.png", GREY)
    np.testing.assert_array_equal(read_picture(path.rename(tmp_path / "a.jpg"))[..., 0], GREY)


def test_pgm_as_text_written_by_hand(tmp_path):
    (tmp_path / "a.pgm").write_bytes(b"P2\n# by hand\n3 2\n255\n0 1 2\n253 254 255\n")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.pgm")[..., 0], [[0, 1, 2], [253, 254, 255]])


def test_jpg_keeps_a_flat_colour(tmp_path, saved):
    pixels = read_picture(saved(tmp_path / "a.jpg", np.full((16, 16, 3), (200, 100, 50), np.uint8)))
    assert pixels.shape == (16, 16, 3)
    assert np.abs(pixels.astype(int) - (200, 100, 50)).max() <= 2


def test_luma_and_grey_as_colour(tmp_path, saved):
    path = saved(tmp_path / "a.png", COLOUR)
    luma = COLOUR @ np.array([0.299, 0.587, 0.114])
    assert np.abs(read_picture(path, channels=1)[..., 0] - luma).max() <= 0.5 + 1e-3
    path = saved(tmp_path / "g.png", GREY)
    np.testing.assert_array_equal(read_picture(path, channels=3), np.repeat(GREY[..., None], 3, axis=2))


# Where the pixel that is shown at (row, column) of an upright picture is stored, by EXIF 2.3's table of orientations.
ORIENTATIONS = {
    1: lambda shown: shown,
    2: lambda shown: shown[:, ::-1],
    3: lambda shown: shown[::-1, ::-1],
    4: lambda shown: shown[::-1],
    5: lambda shown: shown.T,
    6: lambda shown: shown.T[::-1],
    7: lambda shown: shown.T[::-1, ::-1],
    8: lambda shown: shown.T[:, ::-1],
}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_exif_orientation_is_honoured(tmp_path, orientation, saved):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", np.ascontiguousarray(ORIENTATIONS[orientation](GREY)), exif=exif)
    np.testing.assert_array_equal(read_picture(path)[..., 0], GREY)


def test_transparency_is_flattened_on_white(tmp_path, saved):
    alpha = RANDOM.integers(0, 256, (6, 5, 1)).astype(np.uint8)
    alpha[0], alpha[1] = 0, 255
    expected = COLOUR * (alpha / 255) + 255 * (1 - alpha / 255)
    pixels = read_picture(saved(tmp_path / "a.png", np.concatenate([COLOUR, alpha], axis=2)))
    assert np.abs(pixels - expected).max() <= 1
    assert (pixels[0] == 255).all()
    np.testing.assert_array_equal(pixels[1], COLOUR[1])

    pixels = read_picture(saved(tmp_path / "grey.png", np.stack([GREY, alpha[..., 0]], axis=2)))
    assert pixels.shape == (6, 5, 1)
    assert np.abs(pixels - (GREY[..., None] * (alpha / 255) + 255 - alpha)).max() <= 1

    palette = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.save(tmp_path / "palette.png", transparency=0)
    np.testing.assert_array_equal(read_picture(tmp_path / "palette.png"), [[[255, 255, 255], [40, 50, 60]]])


def test_sixteen_bits_are_scaled_to_eight(tmp_path):
    deep = np.array([[0, 128, 129, 257], [32768, 65278, 65407, 65535]], np.uint16)
    expected = np.rint(deep / 257)
    Image.fromarray(deep).save(tmp_path / "a.png")
    (tmp_path / "a.pgm").write_bytes(b"P5 4 2 65535\n" + deep.astype(">u2").tobytes())
    for name in ("a.png", "a.pgm"):
        np.testing.assert_array_equal(read_picture(tmp_path / name)[..., 0], expected)


def test_black_and_white_is_0_and_255(tmp_path, saved):
    pixels = read_picture(saved(tmp_path / "a.png", GREY > 127))
    np.testing.assert_array_equal(pixels[..., 0], np.where(GREY > 127, 255, 0))


def test_sizes_are_height_and_width(tmp_path, saved):
    path = saved(tmp_path / "a.png", np.repeat(np.repeat(GREY, 4, axis=0), 6, axis=1))
    assert read_picture(path, size=(7, 9)).shape == (7, 9, 1)
    flat = saved(tmp_path / "flat.png", np.full((9, 11), 77, np.uint8))
    assert (read_picture(flat, size=(3, 40)) == 77).all()


def test_halving_a_picture_weighs_neighbours_by_a_triangle():
    """Bilinear with antialiasing: a triangle of four pixels' width, its weights 1, 3, 3, 1 inside the picture."""
    row = RANDOM.integers(0, 256, 16).astype(np.uint8)
    image = np.repeat(row[None], 2, axis=0)[None]
    found = fit_images(image, size=(2, 8))[0, 0, :, 0]
    expected = [row[2 * at - 1 : 2 * at + 3] @ np.array([1, 3, 3, 1]) / 8 for at in range(1, 7)]
    assert np.abs(found[1:7] - np.array(expected)).max() <= 1


@given(
    stn.arrays(np.uint8, (2, 4, 3, 3)),
    st.sampled_from([None, (4, 3), (2, 5)]),
    st.sampled_from([None, 1, 3]),
)
def test_arrays_follow_the_rules_of_files(images, size, channels):
    fitted = fit_images(images, size=size, channels=channels)
    for image, found in zip(images, fitted, strict=True):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PPM")
        file.seek(0)
        expected = Image.open(file)
        expected = expected.convert("L") if channels == 1 else expected
        expected = expected.resize((size or (4, 3))[::-1], Image.Resampling.BILINEAR) if size else expected
        np.testing.assert_array_equal(found.squeeze(), np.asarray(expected).squeeze())


def test_arrays_of_other_kinds_become_bytes():
    bits = np.array([[[0, 1], [1, 0]]])
    assert as_pixels(bits > 0).max() == 255
    np.testing.assert_array_equal(as_pixels(bits * 200)[0, :, :, 0], bits[0] * 200)
    values = np.arange(256) / 255
    for kind in (np.float32, np.float64):
        found = as_pixels(values.astype(kind).reshape(1, 16, 16))
        np.testing.assert_array_equal(found.ravel(), np.arange(256))
        np.testing.assert_allclose(scale(found).ravel(), values, atol=1e-7)
    assert scale(as_pixels(bits)).dtype == np.float32


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((3, 3)), r"\(3, 3\)"),
        (np.zeros((1, 3, 3, 2)), r"\(1, 3, 3, 2\)"),
        (np.zeros((1, 0, 3)), r"\(1, 0, 3\)"),
        (np.full((1, 2, 2), 256), r"\[0, 255\]"),
        (np.full((1, 2, 2), -1), r"\[0, 255\]"),
        (np.full((1, 2, 2), 1.5), r"\[0, 1\]"),
        (np.full((1, 2, 2), np.nan), r"\[0, 1\]"),
        (np.full((1, 2, 2), "x"), "fractions"),
    ],
)
def test_arrays_that_are_no_images_are_refused(images, said):
    with pytest.raises(TextsiamError, match=said):
        as_pixels(images)


def test_sizes_and_channels_out_of_range_are_refused(tmp_path, saved, refused):
    path = saved(tmp_path / "a.png", GREY)
    assert "(0, 4)" in refused(read_picture, path, size=(0, 4))
    assert "not 4" in refused(read_picture, path, channels=4)
    assert "not 2" in refused(fit_images, GREY[None], channels=2)


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def test_files_that_are_no_pictures_are_refused(tmp_path, saved, refused):
    (tmp_path / "text.png").write_text("no picture")
    assert "text.png is no png, jpg, pgm or ppm picture" in refused(read_picture, tmp_path / "text.png")
    (tmp_path / "empty.jpg").write_bytes(b"")
    assert "empty.jpg" in refused(read_picture, tmp_path / "empty.jpg")
    whole = saved(tmp_path / "a.png", RANDOM.integers(0, 256, (50, 50), np.uint8)).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    assert "cut.png cannot be read as a picture" in refused(read_picture, tmp_path / "cut.png")
    assert "gone.png does not exist" in refused(read_picture, tmp_path / "gone.png")
    assert "cannot be read" in refused(read_picture, tmp_path)
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    assert "loop.png" in refused(read_picture, tmp_path / "loop.png")
    Image.fromarray(GREY).save(tmp_path / "a.gif")  # a format that nobody asked for is not decoded
    assert "a.gif is no png" in refused(read_picture, tmp_path / "a.gif")


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_decompression_bombs_are_refused_before_they_unfold(tmp_path, side, refused):
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
    (tmp_path / "bomb.png").write_bytes(bomb)
    tracemalloc.start()
    assert "bomb.png has more than 89," in refused(read_picture, tmp_path / "bomb.png")
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


@given(st.sampled_from(["PNG", "JPEG", "PPM"]), st.integers(0), st.binary(min_size=1, max_size=4), st.booleans())
def test_damaged_files_are_read_or_refused(tmp_path_factory, kind, at, damage, cut):
    file = io.BytesIO()
    Image.fromarray(COLOUR).save(file, kind)
    content = bytearray(file.getvalue())
    at %= len(content)
    content[at : at + len(damage)] = damage
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content[:at] if cut else content)
    try:
        pixels = read_picture(path)
    except TextsiamError as error:
        assert "\n" not in str(error)
    else:
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3

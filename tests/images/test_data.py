"""Pixels, labelled images and lists of pairs, held against files made by hand and by Pillow."""

import gzip
import io
import os
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
from textsiam.images.data.read import LabelledImages, PairList, read_images, read_pair_list

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (6, 5), np.uint8)
COLOUR = RANDOM.integers(0, 256, (6, 5, 3), np.uint8)


def saved(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels)).save(path, **options)
    return path


def refused(function, *args, **kwargs):
    with pytest.raises(TextsiamError) as caught:
        function(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    return message


# ---------------------------------------------------------------------------------------------------------- pixels


@pytest.mark.parametrize("suffix", ["png", "pgm"])
def test_grey_files_come_back_as_they_are(tmp_path, suffix):
    pixels = read_picture(saved(tmp_path / f"a.{suffix}", GREY))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, GREY[..., None])


@pytest.mark.parametrize("suffix", ["png", "ppm"])
def test_colour_files_come_back_as_they_are(tmp_path, suffix):
    np.testing.assert_array_equal(read_picture(saved(tmp_path / f"a.{suffix}", COLOUR)), COLOUR)


def test_what_is_in_a_file_counts_not_its_suffix(tmp_path):
    path = saved(tmp_path / "a.png", GREY)
    np.testing.assert_array_equal(read_picture(path.rename(tmp_path / "a.jpg"))[..., 0], GREY)


def test_pgm_as_text_written_by_hand(tmp_path):
    (tmp_path / "a.pgm").write_bytes(b"P2\n# by hand\n3 2\n255\n0 1 2\n253 254 255\n")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.pgm")[..., 0], [[0, 1, 2], [253, 254, 255]])


def test_jpg_keeps_a_flat_colour(tmp_path):
    pixels = read_picture(saved(tmp_path / "a.jpg", np.full((16, 16, 3), (200, 100, 50), np.uint8)))
    assert pixels.shape == (16, 16, 3)
    assert np.abs(pixels.astype(int) - (200, 100, 50)).max() <= 2


def test_luma_and_grey_as_colour(tmp_path):
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
def test_exif_orientation_is_honoured(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", np.ascontiguousarray(ORIENTATIONS[orientation](GREY)), exif=exif)
    np.testing.assert_array_equal(read_picture(path)[..., 0], GREY)


def test_transparency_is_flattened_on_white(tmp_path):
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


def test_black_and_white_is_0_and_255(tmp_path):
    pixels = read_picture(saved(tmp_path / "a.png", GREY > 127))
    np.testing.assert_array_equal(pixels[..., 0], np.where(GREY > 127, 255, 0))


def test_sizes_are_height_and_width(tmp_path):
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


def test_sizes_and_channels_out_of_range_are_refused(tmp_path):
    path = saved(tmp_path / "a.png", GREY)
    assert "(0, 4)" in refused(read_picture, path, size=(0, 4))
    assert "not 4" in refused(read_picture, path, channels=4)
    assert "not 2" in refused(fit_images, GREY[None], channels=2)


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def test_files_that_are_no_pictures_are_refused(tmp_path):
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
def test_decompression_bombs_are_refused_before_they_unfold(tmp_path, side):
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


# -------------------------------------------------------------------------------------------------------------- idx


def write_idx(folder, prefix, images, labels, zipped=False):
    count, height, width = np.shape(images)
    contents = {
        f"{prefix}-images-idx3-ubyte": struct.pack(">IIII", 0x803, count, height, width) + np.uint8(images).tobytes(),
        f"{prefix}-labels-idx1-ubyte": struct.pack(">II", 0x801, len(labels)) + bytes(labels),
    }
    for name, content in contents.items():
        (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(content) if zipped else content)


@pytest.fixture
def digits(tmp_path):
    images = RANDOM.integers(0, 256, (7, 4, 3))
    write_idx(tmp_path, "train", images[:5], [3, 1, 4, 1, 5])
    write_idx(tmp_path, "t10k", images[5:], [9, 2], zipped=True)
    return tmp_path, images


def test_idx_folder(digits):
    folder, images = digits
    train, test, both = (read_images(folder, part=part) for part in ("train", "test", None))
    assert isinstance(train, LabelledImages)
    assert (len(train), len(test), len(both)) == (5, 2, 7)
    np.testing.assert_array_equal(train.images, images[:5, :, :, None])
    np.testing.assert_array_equal(test.images, images[5:, :, :, None])
    np.testing.assert_array_equal(both.images[..., 0], images)
    assert both.labels.tolist() == [3, 1, 4, 1, 5, 9, 2]
    assert both.images.dtype == np.uint8


def test_idx_file_with_its_labels_beside_it(digits):
    folder, images = digits
    np.testing.assert_array_equal(read_images(folder / "t10k-images-idx3-ubyte.gz").images[..., 0], images[5:])
    (folder / "train-labels-idx1-ubyte").rename(folder / "emnist-labels.idx1-ubyte")
    (folder / "train-images-idx3-ubyte").rename(folder / "emnist-images.idx3-ubyte")
    found = read_images(folder / "emnist-images.idx3-ubyte", size=(8, 6), channels=3)
    assert found.images.shape == (5, 8, 6, 3)


def test_bad_idx_files_are_refused(digits):
    folder, images = digits
    zipped, plain, labels = (
        folder / name for name in ("t10k-images-idx3-ubyte.gz", "train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    )
    whole = zipped.read_bytes()
    for content in (whole[:-12], whole[:30], b"", whole[:40] + b"????" + whole[44:], gzip.decompress(whole)):
        zipped.write_bytes(content)
        assert "t10k-images-idx3-ubyte.gz" in refused(read_images, folder, part="test")

    good = plain.read_bytes()
    for content, said in {
        gzip.compress(good): "1f 8b 08 00",
        struct.pack(">I", 0x804) + good[4:]: "00 00 08 04",
        b"\0\0\x0d\x03" + good[4:]: "00 00 0d 03",
        b"": "nothing",
        good[:9]: "9 bytes",
        good[:-1]: "75 bytes",
        good + b"\0": "77 bytes",
        good[:4] + b"\xff" * 12: "bytes",
    }.items():
        plain.write_bytes(content)
        assert said in refused(read_images, folder, part="train")
    plain.write_bytes(good)
    labels.write_bytes(struct.pack(">II", 0x801, 4) + bytes(4))
    message = refused(read_images, folder, part="train")
    assert "5 images" in message
    assert "4 labels" in message
    write_idx(folder, "train", images[:5], [7] * 5)
    assert "one class, 7" in refused(read_images, folder, part="train")
    write_idx(folder, "train", images[:0], [])
    assert "no images" in refused(read_images, folder, part="train")
    labels.unlink()
    assert "train-labels-idx1-ubyte or" in refused(read_images, folder, part="train")
    plain.unlink()
    assert "part it has: test" in refused(read_images, folder, part="train")


def test_parts_that_differ_in_size_are_refused_together(digits):
    folder, images = digits
    write_idx(folder, "train", images[:, :2], range(7))
    assert "differ in size" in refused(read_images, folder)


# -------------------------------------------------------------------------------------------------------------- npz


def test_npz(tmp_path):
    images, labels = RANDOM.integers(0, 256, (4, 3, 3, 3)).astype(np.uint8), np.array(["a", "b", "a", "c"])
    for number, names in enumerate([("images", "labels"), ("x", "y"), ("images", "subject")]):
        path = tmp_path / f"{number}.npz"
        np.savez_compressed(path, **dict(zip(names, (images, labels), strict=True)), shot=np.arange(4))
        found = read_images(path)
        np.testing.assert_array_equal(found.images, images)
        assert found.labels.tolist() == ["a", "b", "a", "c"]
    found = read_images(path, labels="shot", size=(2, 2), channels=1)
    assert found.labels.tolist() == [0, 1, 2, 3]
    assert found.images.shape == (4, 2, 2, 1)


def test_npz_with_parts(tmp_path):
    arrays = {
        "x_train": np.zeros((3, 2, 2), np.uint8),
        "y_train": np.array([[0], [1], [2]]),
        "x_test": np.ones((2, 2, 2)),
        "y_test": np.array([5, 6]),
    }
    np.savez(tmp_path / "a.npz", **arrays)
    assert read_images(tmp_path / "a.npz", part="train").labels.tolist() == [0, 1, 2]
    assert (read_images(tmp_path / "a.npz", part="test").images == 255).all()
    assert "x_train, y_train" in refused(read_images, tmp_path / "a.npz")


def test_bad_npz_files_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    images, labels = np.zeros((3, 2, 2), np.uint8), np.arange(3)

    def message(*names, **arrays):
        np.savez(path, **arrays)
        text = refused(read_images, path, **dict(zip(("images", "labels"), names, strict=False)))
        assert "a.npz" in text
        return text

    assert "'labels' or 'y' or 'subject'" in message(images=images, names=labels)
    assert "'pictures'" in message("pictures", images=images, labels=labels)
    assert "2 labels" in message(images=images, labels=labels[:2])
    assert "float64" in message(images=images, labels=labels / 2)
    assert "(3, 2)" in message(images=images, labels=np.zeros((3, 2), int))
    assert "got shape (3, 2)" in message(images=images[0:3, 0], labels=labels)
    assert "[0, 1]" in message(images=images + 2.0, labels=labels)
    assert "one class" in message(images=images, labels=labels * 0)
    assert "allow_pickle" in message(images=images, labels=np.array([object()] * 3, object))
    np.savez_compressed(path, images=images, labels=labels)
    whole = path.read_bytes()
    with path.open("wb") as file:
        np.save(file, images)
    assert "one array" in refused(read_images, path)
    for content in (b"", b"PK", whole[:100], b"text" * 9, whole[:60] + bytes(20) + whole[80:]):
        path.write_bytes(content)
        assert "a.npz" in refused(read_images, path)


# ----------------------------------------------------------------------------------------------------------- folder


@pytest.fixture
def faces(tmp_path):
    saved(tmp_path / "bo" / "2.png", GREY)
    saved(tmp_path / "bo" / "1.PGM", GREY[::-1])
    saved(tmp_path / "al" / "1.jpg", np.full((6, 5), 9, np.uint8))
    (tmp_path / "al" / "Thumbs.db").write_bytes(b"no picture")
    (tmp_path / "al" / ".hidden.png").write_bytes(b"no picture")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "notes.txt").write_text("no class")
    return tmp_path


def test_folder_with_a_sub_folder_per_class(faces):
    found = read_images(faces)
    assert found.labels.tolist() == ["al", "bo", "bo"]
    np.testing.assert_array_equal(found.images[1:, :, :, 0], [GREY[::-1], GREY])
    assert (found.images[0] == 9).all()
    assert read_images(faces, channels=3, size=(4, 4)).images.shape == (3, 4, 4, 3)


def test_one_colour_picture_makes_all_colour(faces):
    saved(faces / "cy" / "1.ppm", COLOUR)
    found = read_images(faces)
    assert found.images.shape == (4, 6, 5, 3)
    np.testing.assert_array_equal(found.images[3], COLOUR)
    np.testing.assert_array_equal(found.images[2], np.repeat(GREY[..., None], 3, axis=2))
    assert read_images(faces, channels=1).images.shape == (4, 6, 5, 1)


def test_folder_with_parts(faces, tmp_path_factory):
    root = tmp_path_factory.mktemp("parts")
    faces.rename(root / "train")
    assert len(read_images(root, part="train")) == 3
    assert "no folder 'test'" in refused(read_images, root, part="test")
    assert "Choose a part" in refused(read_images, root)


def test_bad_folders_are_refused(faces):
    (faces / "cy").mkdir()
    assert "cy holds no picture" in refused(read_images, faces)
    (faces / "cy").rmdir()
    saved(faces / "cy" / "1.png", GREY[:4])
    message = refused(read_images, faces)
    assert "cy/1.png is 4 pixels high and 5 wide" in message.replace(os.sep, "/")
    assert "size" in message
    assert len(read_images(faces, size=(6, 5))) == 4
    (faces / "cy" / "1.png").write_bytes(b"no picture")
    assert "1.png is no png" in refused(read_images, faces)
    (faces / "cy" / "1.png").unlink()
    (faces / "cy" / "1.png").symlink_to(faces / "cy" / "1.png")
    assert "1.png is a link that leads nowhere" in refused(read_images, faces)
    (faces / "cy" / "1.png").unlink()
    (faces / "cy").rmdir()
    (faces / "cy").symlink_to(faces / "cy")
    assert "cy is a link that leads nowhere" in refused(read_images, faces)
    (faces / "cy").unlink()
    (faces / "cy").symlink_to(faces, target_is_directory=True)  # the folder in itself
    assert "cy holds no picture" in refused(read_images, faces)
    (faces / "cy").unlink()
    (faces / "bo").rename(faces / ".bo")
    assert "one class, al" in refused(read_images, faces)
    (faces / "al").rename(faces / ".al")
    assert "Give each class a sub-folder" in refused(read_images, faces)


def test_other_paths_are_refused(faces):
    assert "does not exist" in refused(read_images, faces / "gone")
    assert "https://example.org/a.npz is an address" in refused(read_images, "https://example.org/a.npz")
    assert "notes.txt is no folder" in refused(read_images, faces / "notes.txt")
    assert "one file" in refused(read_images, faces / "notes.txt", part="train")
    assert "not 'dev'" in refused(read_images, faces, part="dev")
    assert "names of arrays" in refused(read_images, faces, images="x")
    assert "cannot be read" in refused(read_images, "a" * 5000)
    (faces / "loop").symlink_to(faces / "loop")
    assert "loop" in refused(read_images, faces / "loop")


# ----------------------------------------------------------------------------------------------------- lists of pairs


@pytest.fixture
def album(tmp_path):
    """Nine pictures whose every pixel is their number."""
    for number in range(9):
        saved(tmp_path / "shots" / f"{number}.png", np.full((4, 3), number, np.uint8))
    return tmp_path


def listed(folder, rows, header="path_a,path_b,same", name="pairs.csv"):
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def numbers(paths):
    return [int(path.stem) for path in paths]


def test_pairs_are_streamed_in_order(album):
    path = listed(
        album, [f"shots/{a}.png,shots/{b}.png,{same}" for a, b, same in [(0, 1, 1), (2, 3, 0), (0, 8, "True")]]
    )
    pairs = read_pair_list(path)
    assert isinstance(pairs, PairList)
    assert (numbers(pairs.paths_a), numbers(pairs.paths_b)) == ([0, 2, 0], [1, 3, 8])
    assert pairs.same.tolist() == [1, 0, 1]
    assert pairs.same.dtype == np.int8
    batches = list(pairs.batches(2, size=(4, 3), channels=1))
    assert [len(same) for _, _, same in batches] == [2, 1]
    for side, expected in ((0, [0, 2, 0]), (1, [1, 3, 8])):
        found = np.concatenate([batch[side] for batch in batches])
        assert found.dtype == np.uint8
        assert found.shape == (3, 4, 3, 1)
        assert found[:, 0, 0, 0].tolist() == expected
        assert (found == found[:, :1, :1]).all()
    (a, b, _), *_ = pairs.batches(3, size=(8, 8), channels=3)
    assert a.shape == b.shape == (3, 8, 8, 3)


def test_pairs_are_shuffled_by_seed_and_epoch(album):
    path = listed(album, [f"shots/{n % 9}.png,shots/{n // 9}.png,{n % 2}" for n in range(81)])
    pairs = read_pair_list(path)

    def order(**chance):
        batches = list(pairs.batches(10, size=(4, 3), channels=1, **chance))
        assert len(batches) == 9
        a, b, same = (np.concatenate(column) for column in zip(*batches, strict=True))
        return (a[:, 0, 0, 0] + 9 * b[:, 0, 0, 0].astype(int)).tolist(), same.tolist()

    plain, _ = order()
    one, same = order(seed=1)
    assert plain == list(range(81))
    assert sorted(one) == plain
    assert same == [number % 2 for number in one]
    assert order(seed=1) == (one, same)
    assert len({tuple(order(**chance)[0]) for chance in ({"seed": 1}, {"seed": 2}, {"seed": 1, "epoch": 1})}) == 3


def test_pairs_are_never_all_in_memory(album):
    for number in range(9):
        saved(album / "shots" / f"{number}.png", np.full((100, 100), number, np.uint8))
    pairs = read_pair_list(listed(album, [f"shots/{n % 9}.png,shots/{n % 7}.png,{n % 2}" for n in range(2000)]))
    tracemalloc.start()
    for _ in pairs.batches(20, size=(100, 100), channels=1):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000  # all of them are 40 MB, a batch 0.4 MB


@pytest.mark.parametrize("header", ["path_a,path_b", "path_a,path_b,same"])
def test_positives_only_draw_as_many_negatives(album, header):
    kin = [(0, 1), (1, 2), (3, 4), (5, 6), (5, 7), (8, 8)]  # four families: 0 1 2, 3 4, 5 6 7, 8
    path = listed(
        album, [f"shots/{a}.png,shots/../shots/{b}.png" + ",1" * header.endswith("same") for a, b in kin], header
    )
    family = {0: 0, 1: 0, 2: 0, 3: 1, 4: 1, 5: 2, 6: 2, 7: 2, 8: 3}
    met = set()
    for seed in range(60):
        pairs = read_pair_list(path, seed=seed)
        a, b = numbers(pairs.paths_a), numbers(pairs.paths_b)
        assert pairs.same.tolist() == [1, 0] * 6
        assert list(zip(a[::2], b[::2], strict=True)) == kin
        assert a[1::2] == a[::2]
        assert all(family[one] != family[other] for one, other in zip(a[1::2], b[1::2], strict=True))
        met |= set(zip(a[1::2], b[1::2], strict=True))
    ends = {b for _, b in kin}
    assert met == {(a, b) for a, _ in kin for b in ends if family[a] != family[b]}
    again = read_pair_list(path, seed=59)
    assert (again.paths_a, again.paths_b) == (pairs.paths_a, pairs.paths_b)


def test_bad_lists_are_refused(album):
    good = "shots/0.png,shots/1.png"
    assert "no column 'path_b'; it has: path_a, other" in refused(read_pair_list, listed(album, [good], "path_a,other"))
    message = refused(read_pair_list, listed(album, [f"{good},1", "shots/0.png,shots/99.png,0"]))
    assert "row 2" in message
    assert "99.png, named in path_b" in message
    assert "row 1 has '2'" in refused(read_pair_list, listed(album, [f"{good},2"]))
    assert "no pair that is the same" in refused(read_pair_list, listed(album, [f"{good},0"]))
    joined = listed(album, [good, "shots/1.png,shots/2.png"], "path_a,path_b")
    assert "join all pictures" in refused(read_pair_list, joined)
    assert "0 rows" in refused(read_pair_list, listed(album, []))
    assert "gone.csv" in refused(read_pair_list, album / "gone.csv")
    assert "is an address" in refused(read_pair_list, "https://example.org/pairs.csv")
    for picture in ("https://example.org/a.png", "a" * 5000, "a\0b", "", "shots"):
        assert "row 1" in refused(read_pair_list, listed(album, [f"{picture},shots/1.png,1"]))
    pairs = read_pair_list(listed(album, [f"{good},1", "shots/0.png,shots/3.png,0"]))
    assert "not 0" in refused(lambda: next(pairs.batches(0, size=(4, 3), channels=1)))
    (album / "shots" / "3.png").write_bytes(b"damaged")
    assert "3.png is no png" in refused(lambda: list(pairs.batches(2, size=(4, 3), channels=1)))

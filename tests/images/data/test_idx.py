"""The idx format, held against files made by hand."""

import gzip
import struct

import numpy as np
import pytest

from textsiam.images.data.read import LabelledImages, read_images

RANDOM = np.random.default_rng(0)


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


def test_bad_idx_files_are_refused(digits, refused):
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


def test_parts_that_differ_in_size_are_refused_together(digits, refused):
    folder, images = digits
    write_idx(folder, "train", images[:, :2], range(7))
    assert "differ in size" in refused(read_images, folder)

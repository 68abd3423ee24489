"""Labelled images of npz files and folders."""

import os

import numpy as np
import pytest

from textsiam.images.data.read import read_images

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (6, 5), np.uint8)
COLOUR = RANDOM.integers(0, 256, (6, 5, 3), np.uint8)


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


def test_npz_with_parts(tmp_path, refused):
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


def test_bad_npz_files_are_refused(tmp_path, refused):
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


@pytest.fixture
def faces(tmp_path, saved):
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


def test_one_colour_picture_makes_all_colour(faces, saved):
    saved(faces / "cy" / "1.ppm", COLOUR)
    found = read_images(faces)
    assert found.images.shape == (4, 6, 5, 3)
    np.testing.assert_array_equal(found.images[3], COLOUR)
    np.testing.assert_array_equal(found.images[2], np.repeat(GREY[..., None], 3, axis=2))
    assert read_images(faces, channels=1).images.shape == (4, 6, 5, 1)


def test_folder_with_parts(faces, tmp_path_factory, refused):
    root = tmp_path_factory.mktemp("parts")
    faces.rename(root / "train")
    assert len(read_images(root, part="train")) == 3
    assert "no folder 'test'" in refused(read_images, root, part="test")
    assert "Choose a part" in refused(read_images, root)


def test_bad_folders_are_refused(faces, saved, refused):
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


def test_other_paths_are_refused(faces, refused):
    assert "does not exist" in refused(read_images, faces / "gone")
    assert "https://example.org/a.npz is an address" in refused(read_images, "https://example.org/a.npz")
    assert "notes.txt is no folder" in refused(read_images, faces / "notes.txt")
    assert "one file" in refused(read_images, faces / "notes.txt", part="train")
    assert "not 'dev'" in refused(read_images, faces, part="dev")
    assert "names of arrays" in refused(read_images, faces, images="x")
    assert "cannot be read" in refused(read_images, "a" * 5000)
    (faces / "loop").symlink_to(faces / "loop")
    assert "loop" in refused(read_images, faces / "loop")

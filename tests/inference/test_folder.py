"""The model folder: whole or not at all, checked when read."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from textsiam import TextsiamError, load_model
from textsiam.inference.folder import LAYOUT, Bundle, read_bundle, write_bundle

FILES = ["config.json", "vocabulary.txt", "weights.safetensors", "metrics.json", "README.md", "manifest.json"]


def names(folder):
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def bundle():
    weights = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([True, False])}
    return Bundle(
        {"key": [1, "ü"]}, weights, {"dev": {"accuracy": 0.5}}, "# Card\n", "[PAD]\nword\n", {"x.bin": b"\0\1"}
    )


def test_round_trip(bundle, tmp_path):
    write_bundle(tmp_path / "model", bundle)
    assert sorted(names(tmp_path / "model")) == sorted([*FILES, "x.bin"])
    assert names(tmp_path) == ["model"]  # no temporary folder stays
    back = read_bundle(tmp_path / "model")
    assert (back.config, back.metrics, back.card) == (bundle.config, bundle.metrics, bundle.card)
    assert (back.vocabulary, back.extras) == (bundle.vocabulary, bundle.extras)
    for name, array in bundle.weights.items():
        np.testing.assert_array_equal(back.weights[name], array)
        assert back.weights[name].dtype == array.dtype


def test_the_manifest_holds_sha256(bundle, tmp_path):
    import hashlib

    write_bundle(tmp_path / "model", bundle)
    manifest = json.loads((tmp_path / "model" / LAYOUT.manifest).read_text())
    for name, digest in manifest.items():
        assert hashlib.sha256((tmp_path / "model" / name).read_bytes()).hexdigest() == digest
    assert set(manifest) == {*FILES, "x.bin"} - {LAYOUT.manifest}


def test_an_existing_folder_is_replaced_only_when_told(bundle, tmp_path):
    write_bundle(tmp_path / "model", bundle)
    with pytest.raises(TextsiamError, match="overwrite=True"):
        write_bundle(tmp_path / "model", bundle)
    write_bundle(tmp_path / "model", Bundle({}, {}, {}, "new"), overwrite=True)
    assert read_bundle(tmp_path / "model").card == "new"
    assert names(tmp_path) == ["model"]


def test_a_folder_of_something_else_is_never_replaced(bundle, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"cat")
    with pytest.raises(TextsiamError, match="something other than a model"):
        write_bundle(tmp_path / "photos", bundle, overwrite=True)
    (tmp_path / "file").write_bytes(b"text")
    with pytest.raises(TextsiamError, match="something other than a model"):
        write_bundle(tmp_path / "file", bundle, overwrite=True)
    assert (tmp_path / "photos" / "cat.png").read_bytes() == b"cat"


def test_a_failed_write_leaves_the_old_model_and_nothing_else(bundle, tmp_path, monkeypatch):
    write_bundle(tmp_path / "model", bundle)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TextsiamError, match="No space left on device"):
        write_bundle(tmp_path / "model", Bundle({}, {}, {}, "new"), overwrite=True)
    assert read_bundle(tmp_path / "model").card == "# Card\n"
    assert names(tmp_path) == ["model"]


def test_control_c_between_the_renames_loses_no_model(bundle, tmp_path, monkeypatch):
    write_bundle(tmp_path / "model", bundle)
    original = Path.rename

    def interrupted(self, target):
        if self.name.endswith(".new"):
            raise KeyboardInterrupt
        return original(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_bundle(tmp_path / "model", Bundle({}, {}, {}, "new"), overwrite=True)
    assert read_bundle(tmp_path / "model").card == "# Card\n"
    assert names(tmp_path) == ["model"]


def test_the_current_folder_can_be_the_target(bundle, tmp_path, monkeypatch):
    write_bundle(tmp_path / "model", bundle)
    monkeypatch.chdir(tmp_path / "model")
    write_bundle(".", Bundle({}, {}, {}, "new"), overwrite=True)
    assert read_bundle(tmp_path / "model").card == "new"


@pytest.mark.parametrize("name", FILES[:-1])
def test_a_missing_file_is_named(bundle, tmp_path, name):
    write_bundle(tmp_path / "model", bundle)
    (tmp_path / "model" / name).unlink()
    with pytest.raises(TextsiamError, match=f"{name} is missing"):
        read_bundle(tmp_path / "model")


@pytest.mark.parametrize("name", FILES[:-1])
def test_a_changed_file_is_named(bundle, tmp_path, name):
    write_bundle(tmp_path / "model", bundle)
    path = tmp_path / "model" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(TextsiamError, match=f"{name} differs"):
        read_bundle(tmp_path / "model")


def test_no_folder_no_model_and_no_manifest(tmp_path):
    with pytest.raises(TextsiamError, match="no model folder"):
        read_bundle(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TextsiamError, match="no textsiam model folder"):
        read_bundle(tmp_path / "empty")


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"{}"])
def test_a_damaged_manifest_gets_one_line(bundle, tmp_path, content):
    write_bundle(tmp_path / "model", bundle)
    (tmp_path / "model" / LAYOUT.manifest).write_bytes(content)
    with pytest.raises(TextsiamError, match="damaged") as caught:
        read_bundle(tmp_path / "model")
    assert "\n" not in str(caught.value)


def rewritten(folder, target, change):
    """Copy a model folder with its files changed and its checksums right: damage that a checksum cannot see."""
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    bundle = Bundle.from_files(files, "model")
    write_bundle(target, change(bundle))
    return target


@pytest.mark.parametrize(
    "change",
    [
        lambda b: Bundle({}, b.weights, b.metrics, b.card, b.vocabulary),
        lambda b: Bundle(b.config, {}, b.metrics, b.card, b.vocabulary),
        lambda b: Bundle(b.config, b.weights, b.metrics, b.card, ""),
        lambda b: Bundle(b.config, b.weights, b.metrics, b.card, b.vocabulary + "more\n"),
        lambda b: Bundle({**b.config, "architecture": {"encoder": "gru"}}, b.weights, {}, "", b.vocabulary),
        lambda b: Bundle({**b.config, "architecture": {"colour": "red"}}, b.weights, {}, "", b.vocabulary),
        lambda b: Bundle({**b.config, "preprocessing": {}}, b.weights, {}, "", b.vocabulary),
        lambda b: Bundle({**b.config, "calibration": {"kind": "platt"}}, b.weights, {}, "", b.vocabulary),
        lambda b: Bundle({**b.config, "threshold": {"value": "high"}}, b.weights, {}, "", b.vocabulary),
        lambda b: Bundle({**b.config, "threshold": {"value": 5}}, b.weights, {}, "", b.vocabulary),
        lambda b: Bundle({**b.config, "architecture": None}, b.weights, {}, "", b.vocabulary),
        lambda b: Bundle(b.config, {n: a[:-1] for n, a in b.weights.items()}, {}, "", b.vocabulary),
    ],
)
def test_a_folder_that_does_not_fit_together_gets_one_line(model_folder, tmp_path, change):
    folder = rewritten(model_folder, tmp_path / "changed", change)
    with pytest.raises(TextsiamError) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


def test_another_format_is_refused(model_folder, tmp_path):
    write_bundle(tmp_path / "model", read_bundle(model_folder))
    path = tmp_path / "model" / "config.json"
    import hashlib

    text = path.read_text().replace('"format": 2', '"format": 99')
    path.write_text(text)
    manifest = json.loads((tmp_path / "model" / LAYOUT.manifest).read_text())
    manifest["config.json"] = hashlib.sha256(text.encode()).hexdigest()
    (tmp_path / "model" / LAYOUT.manifest).write_text(json.dumps(manifest))
    with pytest.raises(TextsiamError, match="another format"):
        load_model(tmp_path / "model")


def test_no_file_of_a_model_folder_is_a_pickle_or_code(model_folder):
    for file in model_folder.iterdir():
        assert file.suffix in {".json", ".txt", ".safetensors", ".md", ".png"}
        assert not file.read_bytes().startswith(b"\x80")

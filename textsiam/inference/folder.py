"""The model folder: plain files with checksums, written whole or not at all, never code."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from textsiam.errors import TextsiamError
from textsiam.files.atomic import write_folder
from textsiam.files.journal import check_free

FORMAT = 2  # 2: every config.json says its kind, and text and images have one shape


@dataclass(frozen=True)
class Layout:
    """Names of the files in a model folder; others may stand beside them: a training's history, pictures.

    Attributes:
        config: format version, architecture, preprocessing, calibration, threshold, training summary.
        vocabulary: one token a line, line number = id; empty for images.
        weights: arrays by name.
        metrics: figures with split, seed and row counts.
        card: the model card.
        manifest: SHA-256 of every other file.
    """

    config: str = "config.json"
    vocabulary: str = "vocabulary.txt"
    weights: str = "weights.safetensors"
    metrics: str = "metrics.json"
    card: str = "README.md"
    manifest: str = "manifest.json"

    @property
    def required(self) -> tuple[str, ...]:
        """What a manifest lists in any case."""
        return tuple(name for name in astuple(self) if name != self.manifest)


LAYOUT = Layout()


@dataclass(frozen=True)
class Bundle:
    """Everything in a model folder.

    Attributes:
        config: architecture, preprocessing, calibration, threshold, training summary; JSON values.
        weights: arrays by name.
        metrics: figures with split, seed and row counts; JSON values.
        card: the model card, Markdown.
        vocabulary: one token a line, line number = id; "" where there is none.
        extras: other files by name: training history, pictures.
        format: of config.json; a folder that is read keeps its own.
    """

    config: dict[str, Any]
    weights: dict[str, np.ndarray]
    metrics: dict[str, Any]
    card: str
    vocabulary: str = ""
    extras: dict[str, bytes] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def kind(self) -> str:
        """What the model compares: "text" or "images"."""
        return str(self.config.get("kind", "text"))  # format 1 does not say it of text

    def to_files(self) -> dict[str, bytes]:
        """Return the content of every file of the folder, the manifest included."""
        files = {
            LAYOUT.config: _to_json({"format": self.format, **self.config}),
            LAYOUT.vocabulary: self.vocabulary.encode("utf-8", "surrogatepass"),
            LAYOUT.weights: save_tensors({name: np.ascontiguousarray(array) for name, array in self.weights.items()}),
            LAYOUT.metrics: _to_json(self.metrics),
            LAYOUT.card: self.card.encode(),
            **self.extras,
        }
        files[LAYOUT.manifest] = _to_json(
            {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        )
        return files

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], name: str) -> "Bundle":
        """Check and read the files of a folder.

        Args:
            files: content by file name.
            name: of the folder, for messages.

        Raises:
            TextsiamError: a file is missing, damaged or of another format.
        """
        if LAYOUT.manifest not in files:
            raise TextsiamError(
                f"{name} is no textsiam model folder: it has no {LAYOUT.manifest}.", "Give a folder that train wrote."
            )
        manifest = _from_json(files[LAYOUT.manifest], name, LAYOUT.manifest)
        for required in LAYOUT.required:
            if required not in manifest:
                raise TextsiamError(
                    f"The model folder {name} is damaged: {LAYOUT.manifest} does not list {required}.", "Copy it again."
                )
        for file, digest in manifest.items():
            if file not in files:
                raise TextsiamError(f"The model folder {name} is damaged: {file} is missing.", "Copy it again.")
            if hashlib.sha256(files[file]).hexdigest() != digest:
                raise TextsiamError(
                    f"The model folder {name} is damaged: {file} differs from its checksum.", "Copy it again."
                )
        config = _from_json(files[LAYOUT.config], name, LAYOUT.config)
        number = config.pop("format", None)
        if type(number) is not int or not 1 <= number <= FORMAT:
            raise TextsiamError(
                f"The model folder {name} has another format than 1 to {FORMAT}.", "Use the textsiam that wrote it."
            )
        try:
            weights = load_tensors(files[LAYOUT.weights])
            card = files[LAYOUT.card].decode()
            vocabulary = files[LAYOUT.vocabulary].decode("utf-8", "surrogatepass")
        except (SafetensorError, UnicodeDecodeError) as error:
            raise TextsiamError(f"The model folder {name} is damaged: {error}.", "Copy it again.") from error
        return cls(
            config=config,
            weights=weights,
            metrics=_from_json(files[LAYOUT.metrics], name, LAYOUT.metrics),
            card=card,
            vocabulary=vocabulary,
            extras={file: content for file, content in files.items() if file not in astuple(LAYOUT)},
            format=number,
        )


def _to_json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _from_json(content: bytes, name: str, file: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise TextsiamError(
            f"The model folder {name} is damaged: {file} is not JSON ({error}).", "Copy it again."
        ) from error
    if not isinstance(value, dict):
        raise TextsiamError(f"The model folder {name} is damaged: {file} is not a JSON object.", "Copy it again.")
    return value


def check_target(path: str | Path, *, overwrite: bool) -> Path:
    """Return the path, if a model folder may be written there.

    Raises:
        TextsiamError: it exists and ``overwrite`` is off, or it holds something other than a model.
    """
    path = Path(path).absolute()
    if path.exists() or path.is_symlink():
        check_free(path, overwrite=overwrite)
        if not path.is_dir() or (any(path.iterdir()) and not (path / LAYOUT.manifest).is_file()):
            raise TextsiamError(
                f"{path} holds something other than a model and is not replaced.", "Choose another folder."
            )
    return path


def write_bundle(path: str | Path, bundle: Bundle, *, overwrite: bool = False, keep: bool = False) -> None:
    """Write a model folder, whole or not at all.

    Args:
        path: the folder.
        bundle: what it holds.
        overwrite: replace a model that is there.
        keep: leave other files of that model's folder where they are.

    Raises:
        TextsiamError: see ``check_target``; or the disk is full or not writable.
    """
    path = check_target(path, overwrite=overwrite)
    try:
        write_folder(path, bundle.to_files(), keep=keep)
    except OSError as error:
        raise TextsiamError(
            f"Cannot write the model folder {path}: {error.strerror or error}.", "Make room, or write elsewhere."
        ) from error


def find_folder(path: str | Path) -> Path:
    """Return the path of a folder.

    Raises:
        TextsiamError: there is none.
    """
    path = Path(path)
    if not path.is_dir():
        raise TextsiamError(f"There is no model folder {path}.", "Name one that train wrote.")
    return path


def read_bundle(path: str | Path) -> Bundle:
    """Read and check a model folder.

    Raises:
        TextsiamError: there is no such folder, or it is foreign or damaged.
    """
    path = find_folder(path)
    try:
        files = {LAYOUT.manifest: (path / LAYOUT.manifest).read_bytes()} if (path / LAYOUT.manifest).is_file() else {}
        for name in _from_json(files.get(LAYOUT.manifest, b"{}"), str(path), LAYOUT.manifest):
            if (path / name).is_file() and Path(name).name == name:
                files[name] = (path / name).read_bytes()
    except OSError as error:
        raise TextsiamError(f"Cannot read the model folder {path}: {error.strerror or error}.") from error
    return Bundle.from_files(files, str(path))

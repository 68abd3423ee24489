"""The model folder: plain files with checksums, written whole or not at all, never code."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from textsiam.errors import TextsiamError
from textsiam.files.atomic import write_folder
from textsiam.files.journal import check_free

FORMAT = 1
MANIFEST = "manifest.json"
_CONFIG, _VOCABULARY, _WEIGHTS, _METRICS, _CARD = (
    "config.json",
    "vocabulary.txt",
    "weights.safetensors",
    "metrics.json",
    "README.md",
)


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
    """

    config: dict[str, Any]
    weights: dict[str, np.ndarray]
    metrics: dict[str, Any]
    card: str
    vocabulary: str = ""
    extras: dict[str, bytes] = field(default_factory=dict)

    def to_files(self) -> dict[str, bytes]:
        """Return the content of every file of the folder, the manifest included."""
        files = {
            _CONFIG: _to_json({"format": FORMAT, **self.config}),
            _VOCABULARY: self.vocabulary.encode("utf-8", "surrogatepass"),
            _WEIGHTS: save_tensors({name: np.ascontiguousarray(array) for name, array in self.weights.items()}),
            _METRICS: _to_json(self.metrics),
            _CARD: self.card.encode(),
            **self.extras,
        }
        files[MANIFEST] = _to_json({name: hashlib.sha256(content).hexdigest() for name, content in files.items()})
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
        if MANIFEST not in files:
            raise TextsiamError(
                f"{name} is no textsiam model folder: it has no {MANIFEST}. Give a folder that train wrote."
            )
        manifest = _from_json(files[MANIFEST], name, MANIFEST)
        for required in (_CONFIG, _VOCABULARY, _WEIGHTS, _METRICS, _CARD):
            if required not in manifest:
                raise TextsiamError(
                    f"The model folder {name} is damaged: {MANIFEST} does not list {required}. Copy it again."
                )
        for file, digest in manifest.items():
            if file not in files:
                raise TextsiamError(f"The model folder {name} is damaged: {file} is missing. Copy it again.")
            if hashlib.sha256(files[file]).hexdigest() != digest:
                raise TextsiamError(
                    f"The model folder {name} is damaged: {file} differs from its checksum. Copy it again."
                )
        config = _from_json(files[_CONFIG], name, _CONFIG)
        if config.pop("format", None) != FORMAT:
            raise TextsiamError(
                f"The model folder {name} has another format than {FORMAT}. Use the textsiam that wrote it."
            )
        try:
            weights = load_tensors(files[_WEIGHTS])
            card = files[_CARD].decode()
            vocabulary = files[_VOCABULARY].decode("utf-8", "surrogatepass")
        except (SafetensorError, UnicodeDecodeError) as error:
            raise TextsiamError(f"The model folder {name} is damaged: {error}. Copy it again.") from error
        known = {_CONFIG, _VOCABULARY, _WEIGHTS, _METRICS, _CARD, MANIFEST}
        return cls(
            config=config,
            weights=weights,
            metrics=_from_json(files[_METRICS], name, _METRICS),
            card=card,
            vocabulary=vocabulary,
            extras={file: content for file, content in files.items() if file not in known},
        )


def _to_json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _from_json(content: bytes, name: str, file: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise TextsiamError(f"The model folder {name} is damaged: {file} is not JSON ({error}).") from error
    if not isinstance(value, dict):
        raise TextsiamError(f"The model folder {name} is damaged: {file} is not a JSON object.")
    return value


def check_target(path: str | Path, *, overwrite: bool) -> Path:
    """Return the path, if a model folder may be written there.

    Raises:
        TextsiamError: it exists and ``overwrite`` is off, or it holds something other than a model.
    """
    path = Path(path).absolute()
    if path.exists() or path.is_symlink():
        check_free(path, overwrite=overwrite)
        if not path.is_dir() or (any(path.iterdir()) and not (path / MANIFEST).is_file()):
            raise TextsiamError(
                f"{path} holds something other than a model and is not replaced. Choose another folder."
            )
    return path


def write_bundle(path: str | Path, bundle: Bundle, *, overwrite: bool = False) -> None:
    """Write a model folder, whole or not at all.

    Raises:
        TextsiamError: see ``check_target``; or the disk is full or not writable.
    """
    path = check_target(path, overwrite=overwrite)
    try:
        write_folder(path, bundle.to_files())
    except OSError as error:
        raise TextsiamError(f"Cannot write the model folder {path}: {error.strerror or error}.") from error


def read_bundle(path: str | Path) -> Bundle:
    """Read and check a model folder.

    Raises:
        TextsiamError: there is no such folder, or it is foreign or damaged.
    """
    path = Path(path)
    if not path.is_dir():
        raise TextsiamError(f"There is no model folder {path}.", "Name one that train wrote.")
    try:
        files = {MANIFEST: (path / MANIFEST).read_bytes()} if (path / MANIFEST).is_file() else {}
        for name in _from_json(files.get(MANIFEST, b"{}"), str(path), MANIFEST):
            if (path / name).is_file() and Path(name).name == name:
                files[name] = (path / name).read_bytes()
    except OSError as error:
        raise TextsiamError(f"Cannot read the model folder {path}: {error.strerror or error}.") from error
    return Bundle.from_files(files, str(path))

"""Pairs of pictures from a table, streamed from the disk."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from textsiam.errors import TextsiamError
from textsiam.files.pairs import parse_labels, read_table
from textsiam.files.tables import listing
from textsiam.images.data.pixels import Bytes, Size, read_picture
from textsiam.images.data.read import PathLike
from textsiam.siamese.pairing import Indices, make_pairs


@dataclass(frozen=True)
class PairList:
    """Pairs of picture files, which are read when a batch asks for them.

    Attributes:
        paths_a: (n,), the first picture of each pair.
        paths_b: (n,), the second.
        same: int8 (n,), 1 = both show the same.
    """

    paths_a: list[Path]
    paths_b: list[Path]
    same: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.same)

    def only(self, rows: Indices) -> "PairList":
        """Return some of the pairs, (m,) positions in the list."""
        a, b = ([side[row] for row in rows] for side in (self.paths_a, self.paths_b))
        return PairList(a, b, self.same[rows])

    def batches(
        self, batch_size: int, *, size: Size, channels: int, seed: int | None = None, epoch: int = 0
    ) -> Iterator[tuple[Bytes, Bytes, NDArray[np.int8]]]:
        """Give the pictures of the pairs, batch by batch; no more than one batch is in memory.

        Args:
            batch_size: pairs in a batch, at least 1; the last may have fewer.
            size: height and width that every picture is brought to, see ``textsiam.images.data.pixels``.
            channels: 1 or 3.
            seed: of the order; None keeps that of the list.
            epoch: another one gives another order, where there is a seed.

        Yields:
            a and b, uint8 (k, height, width, channels), and same, int8 (k,).

        Raises:
            TextsiamError: an argument is out of range, or a picture cannot be read.
        """
        if batch_size < 1:
            raise TextsiamError(f"A batch has at least one pair, not {batch_size}.")
        order = np.arange(len(self))
        if seed is not None:
            order = np.random.default_rng([seed, epoch]).permutation(order)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            paths = [side[row] for side in (self.paths_a, self.paths_b) for row in rows]
            pictures = {path: read_picture(path, size=size, channels=channels) for path in dict.fromkeys(paths)}
            both = np.stack([pictures[path] for path in paths])
            yield both[: len(rows)], both[len(rows) :], self.same[rows]


def read_pair_list(path: PathLike, *, seed: int = 0) -> PairList:
    """Read a table of pairs of pictures: columns ``path_a``, ``path_b`` and, where it is known, ``same``.

    Where all pairs are the same (all 1, or no column ``same``), as many different ones are drawn: after each pair its
    ``path_a`` with the ``path_b`` of another pair, each equally likely, that no chain of listed pairs joins to it.

    Args:
        path: a csv or tsv, gzipped or not, or a parquet; paths in it are relative to its folder.
        seed: of the draw.

    Raises:
        TextsiamError: the table cannot be read, lacks a column, names a picture that does not exist, has a label
            other than 0, 1, true and false, has no same pair, or joins all pictures, so that no different pair exists.
    """
    if "://" in os.fspath(path):
        raise TextsiamError(f"{path} is an address; pairs are read from files.", "Download it first.")
    table = read_table(path)
    for column in ("path_a", "path_b"):
        if column not in table:
            raise TextsiamError(
                f"{path} has no column {column!r}; it has: {listing(table.columns)}.", "Add or rename it."
            )
    a, b = ([Path(path).parent / text for text in table[column]] for column in ("path_a", "path_b"))
    there: set[Path] = set()
    for column, paths in (("path_a", a), ("path_b", b)):
        for row, picture in enumerate(paths, 1):
            if picture not in there and not _is_file(picture):
                raise TextsiamError(
                    f"{path}, row {row}: there is no picture {listing([picture])}, named in {column}.",
                    "Paths are relative to the table's folder; correct it.",
                )
            there.add(picture)
    same = parse_labels(table["same"], f"{path}, column 'same'") if "same" in table else np.ones(len(table), np.int8)
    if not same.any():
        raise TextsiamError(f"{path} has no pair that is the same.", "Add some, with 1 in the column 'same'.")
    if not same.all():
        return PairList(a, b, same)
    first, second = _different(a, b, seed, path)
    paths_a = [picture for picture in a for _ in range(2)]
    paths_b = [b[row] for row in np.column_stack([first, second]).ravel()]
    return PairList(paths_a, paths_b, np.tile(np.array([1, 0], np.int8), len(first)))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False


def _different(a: list[Path], b: list[Path], seed: int, path: PathLike) -> tuple[Indices, Indices]:
    """Draw for the ``a`` of each pair the ``b`` of a pair that no chain of pairs joins to it."""
    codes, pictures = pd.factorize(np.array([*map(os.path.normpath, a), *map(os.path.normpath, b)], dtype=object))
    ends = codes[: len(a)], codes[len(a) :]
    graph = coo_array((np.ones(len(a)), ends), shape=(len(pictures), len(pictures)))
    group = connected_components(graph, directed=False)[1][codes[: len(a)]]
    if group.min() == group.max():
        raise TextsiamError(
            f"{path} has no different pairs, and its {len(a)} pairs join all pictures, so that none can be drawn.",
            "Add different pairs, with 0 in the column 'same'.",
        )
    drawn = make_pairs(group, pairs_per_item=1, positive_fraction=0, seed=seed)
    order = np.argsort(drawn.first)  # each pair stands there once
    return drawn.first[order], drawn.second[order]

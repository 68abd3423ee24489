"""A part of the data that nothing is trained on."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textsiam.errors import TextsiamError

Rows = NDArray[np.int64]


def hold_out(labels: ArrayLike, seed: int, *, share: float = 0.1, least: int = 1) -> tuple[Rows, Rows]:
    """Draw a part that has every label in the same share, as far as there are rows enough.

    >>> kept, held = hold_out([0] * 20 + [1] * 10, seed=0)
    >>> len(kept), len(held), int((held >= 20).sum())
    (27, 3, 1)

    Args:
        labels: (n,), integers or texts.
        seed: of the draw.
        share: of the rows to hold out, in (0, 1).
        least: rows of a label that are of use together: of labels whose share is less, some give so many, others
            none.

    Returns:
        The rows that are kept, and those that are held out, each in ascending order.

    Raises:
        TextsiamError: there are fewer than two rows.
    """
    _, of = np.unique(np.asarray(labels), return_inverse=True)
    if len(of) < 2:
        raise TextsiamError(f"Holding out a part needs two or more; got {len(of)}.", "Give more.")
    random = np.random.default_rng([seed, 3])
    sizes = np.bincount(of)
    wanted = np.floor(sizes * share).astype(int)
    rare = np.flatnonzero(wanted < least)
    wanted[rare] = 0
    giving = random.permutation(rare[sizes[rare] > least])
    wanted[giving[: round(sizes[rare].sum() * share / least)]] = least
    if not wanted.any():
        wanted[giving[:1]] = least
    order = random.permutation(len(of))
    order = order[np.argsort(of[order], kind="stable")]
    starts = np.cumsum(sizes) - sizes
    held = np.concatenate([order[start : start + count] for start, count in zip(starts, wanted, strict=True)])
    if not len(held):  # no label has two
        held = order[: max(1, round(share * len(of)))]
    return np.setdiff1d(np.arange(len(of)), held), np.sort(held)

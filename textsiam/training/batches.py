"""Encoded pairs in batches of like length, as the network takes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from textsiam.text.preprocessor import distinct_ids

_FEW_SHAPES = keras.backend.backend() == "jax"  # which compiles anew for every shape
_WIDTHS = 4 if _FEW_SHAPES else 1  # of this a batch's number of steps is a multiple
_POOL = 64  # batches whose pairs are sorted by length together: like lengths, yet shuffled


@dataclass(frozen=True)
class PairArrays:
    """Encoded pairs, ready to be fed to the network.

    Attributes:
        ids1, ids2: int32 (n, columns), right-padded with 0; the last column is 0 throughout.
        lexical: float32 (n, k), k may be 0.
        labels: float32 (n,), 1 = duplicate.
    """

    ids1: np.ndarray
    ids2: np.ndarray
    lexical: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


class PairBatches(keras.utils.PyDataset):
    """Batches of pairs of like length, each padded to its own longest question.

    A batch is its distinct tokens and the questions' places among them, see ``build_distinct_encoder``.

    Args:
        pairs: the encoded pairs.
        batch_size: pairs a batch.
        seed: of the order; None keeps the pairs in order of length, for evaluation.
        epoch: which epoch's order, from 0.
    """

    distinct = True  # what a batch is, as ``build_siamese`` is told

    def __init__(self, pairs: PairArrays, batch_size: int, *, seed: int | None = None, epoch: int = 0):
        super().__init__()
        self.pairs, self.batch_size, self.seed, self.epoch = pairs, batch_size, seed, epoch
        self._lengths = np.maximum((pairs.ids1 != 0).sum(axis=1), (pairs.ids2 != 0).sum(axis=1)).clip(1)
        self._arrange()

    def _arrange(self) -> None:
        count, size = len(self.pairs), self.batch_size
        if self.seed is None:
            order = np.argsort(self._lengths, kind="stable")
            self._batches = [order[start : start + size] for start in range(0, count, size)]
            return
        generator = np.random.default_rng([self.seed, self.epoch])
        order = generator.permutation(count)
        pools = [order[start : start + size * _POOL] for start in range(0, count, size * _POOL)]
        order = np.concatenate([pool[np.argsort(self._lengths[pool], kind="stable")] for pool in pools])
        batches = [order[start : start + size] for start in range(0, count, size)]
        self._batches = [batches[position] for position in generator.permutation(len(batches))]

    def on_epoch_end(self) -> None:
        """Shuffle anew, by seed and epoch alone."""
        self.epoch += 1
        self._arrange()

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        rows = self._batches[index]
        inputs = self._questions(index)
        if self.pairs.lexical.shape[1]:
            inputs["lexical"] = self.pairs.lexical[rows]
        return inputs, self.pairs.labels[rows, None]

    def _questions(self, index: int) -> dict[str, np.ndarray]:
        rows, width = self._batches[index], self._width(index)
        # Keras on TensorFlow takes a size that the first two batches share for the size of all.
        first = index == 0 and len(self) > 1
        if first:
            width += width == self._width(1)
        ids = self.pairs.ids1[rows, :width], self.pairs.ids2[rows, :width]
        inputs = distinct_tokens(*ids, multiple=2 * self.batch_size if _FEW_SHAPES else 1)
        if first:
            same = len(inputs["tokens"]) == len(self._questions(1)["tokens"])
            inputs["tokens"] = np.pad(inputs["tokens"], (0, int(same)))
        return inputs

    def _width(self, index: int) -> int:
        longest = int(self._lengths[self._batches[index]].max())
        return min(-(-longest // _WIDTHS) * _WIDTHS, self.pairs.ids1.shape[1])


def distinct_tokens(question1: np.ndarray, question2: np.ndarray, *, multiple: int = 1) -> dict[str, np.ndarray]:
    """Return questions as ``build_siamese`` takes them with ``distinct``.

    Args:
        question1: int32 ids (n, steps), right-padded with 0.
        question2: of the other questions, likewise.
        multiple: the number of tokens is made one of this by repeating 0.

    Returns:
        ``tokens``, (k,) ids, 0 first, and ``question1`` and ``question2`` as places among them, all int32.
    """
    tokens, place = distinct_ids(np.zeros(1, np.int32), question1, question2)
    return {
        "tokens": np.pad(tokens, (0, -len(tokens) % multiple)),
        "question1": place[question1],
        "question2": place[question2],
    }


def balanced_class_weight(labels: Sequence[int] | np.ndarray) -> dict[int, float]:
    """Return n / (2 · count) for each label, as scikit-learn's "balanced"."""
    counts = np.bincount(np.asarray(labels, dtype=int), minlength=2)
    return {label: len(labels) / (2 * int(count)) for label, count in enumerate(counts)}

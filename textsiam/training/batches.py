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
        ids1, ids2: int32 (n, columns), right-padded with 0; the last column of all is 0, unless all are of full length.
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

    Args:
        pairs: the encoded pairs.
        batch_size: pairs a batch.
        seed: of the order; None keeps the pairs in order of length, for evaluation.
        full_length: pad to the arrays' width instead, and give ids ("lstm_flat"); else a batch is its distinct tokens
            and the questions' places among them, see ``build_distinct_encoder``.
        epoch: first epoch, when training resumes.
    """

    def __init__(
        self, pairs: PairArrays, batch_size: int, *, seed: int | None = None, full_length: bool = False, epoch: int = 0
    ):
        super().__init__()
        self.pairs, self.batch_size, self.seed, self.full_length = pairs, batch_size, seed, full_length
        self.epoch = epoch
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

    def _width(self, index: int) -> int:
        columns = self.pairs.ids1.shape[1]
        if self.full_length:
            return columns
        longest = int(self._lengths[self._batches[index]].max())
        return min(-(-longest // _WIDTHS) * _WIDTHS, columns)

    def on_epoch_end(self) -> None:
        """Shuffle anew, by seed and epoch alone."""
        self.epoch += 1
        self._arrange()

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        rows = self._batches[index]
        width = self._width(index)
        first = index == 0 and len(self) > 1 and not self.full_length
        # Keras on TensorFlow takes a size that the first two batches share for the size of all.
        if first:
            width += width == self._width(1)
        inputs = {"question1": self.pairs.ids1[rows, :width], "question2": self.pairs.ids2[rows, :width]}
        if not self.full_length:
            inputs = distinct_tokens(**inputs, multiple=2 * self.batch_size if _FEW_SHAPES else 1)
        if first:
            same = len(inputs["tokens"]) == len(self[1][0]["tokens"])
            inputs["tokens"] = np.pad(inputs["tokens"], (0, int(same)))
        if self.pairs.lexical.shape[1]:
            inputs["lexical"] = self.pairs.lexical[rows]
        return inputs, self.pairs.labels[rows, None]


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

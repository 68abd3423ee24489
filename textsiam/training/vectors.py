"""Word vectors: read from a GloVe-format file, or trained from the user's own questions."""

import gzip
import logging
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.text.vocabulary import Vocabulary
from textsiam.training.parameters import SELF_TRAINED

logger = logging.getLogger(__name__)

_TEXT: dict[str, Any] = {"encoding": "utf-8-sig", "errors": "replace"}
_ROW_NORM = 4.0  # mean Euclidean norm of the rows of each source, so that none outweighs another; GloVe's own is near 5


def load_vectors(path: str | Path, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """Read the vectors of a vocabulary's tokens from a GloVe-format text file, gzipped or not.

    Each line is a token and its numbers, separated by spaces; word2vec's first line (``count dimensions``) is skipped.
    The first vector of a repeated token counts. Only the first line and those of the tokens wanted are checked.

    Args:
        path: the file, UTF-8.
        vocabulary: the tokens wanted.

    Returns:
        float32 (len(vocabulary), dimensions), zeros where the file has none; bool (len(vocabulary),), which it has.

    Raises:
        TextsiamError: the file is missing or not of this format, or knows none of the tokens.
    """
    path = Path(path)
    ids = {token: 1 + vocabulary.oov_buckets + position for position, token in enumerate(vocabulary.tokens)}
    matrix: np.ndarray | None = None
    found = np.zeros(len(vocabulary), dtype=bool)
    try:
        # Some published files have tokens that are no UTF-8; with a replacement character in them nobody wants them.
        with gzip.open(path, "rt", **_TEXT) if path.suffix.lower() == ".gz" else path.open(**_TEXT) as lines:
            for number, line in enumerate(lines, start=1):
                token, _, rest = line.rstrip().partition(" ")
                if number == 1 and token.isdigit() and rest.isdigit():
                    continue
                row = ids.get(token)
                if matrix is not None and (row is None or found[row]):
                    continue
                values = _finite_numbers(rest)
                if matrix is None:
                    matrix = np.zeros((len(vocabulary), len(rest.split())), dtype=np.float32)
                if values.size != matrix.shape[1] or not values.size:
                    raise TextsiamError(
                        f"{path.name}, line {number}: every line has a token and {matrix.shape[1] or 'its'} numbers, "
                        f"separated by spaces; {line.strip()[:40]!r} has {values.size}. Give a GloVe-format text file."
                    )
                if row is not None:
                    matrix[row], found[row] = values, True
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise TextsiamError(f"Cannot read the vectors in {path}: {reason}.") from error
    if matrix is None or not found.any():
        raise TextsiamError(
            f"{path.name} has a vector for none of the {len(vocabulary.tokens)} tokens of the questions."
        )
    logger.info("%s: vectors for %d of %d tokens", path.name, found.sum(), len(vocabulary.tokens))
    return matrix, found


def _finite_numbers(text: str) -> np.ndarray:
    try:
        values = np.array(text.split(), dtype=np.float64)
    except ValueError:
        return np.empty(0)
    return values[np.abs(values) <= np.finfo(np.float32).max]


def train_vectors(
    rows: Sequence[Sequence[int]], size: int, *, dimensions: int = 200, window: int = 5, seed: int = 0
) -> np.ndarray:
    """Train word vectors on encoded questions: positive pointwise mutual information, then truncated SVD.

    Co-occurrences within ``window`` tokens count 1/distance, context counts are smoothed to the power 0.75, and the
    vectors are U·√Σ (Levy, Goldberg, Dagan 2015, "Improving Distributional Similarity with Lessons Learned from Word
    Embeddings").

    Args:
        rows: ids of each distinct question.
        size: number of ids.
        dimensions: columns; those beyond the number of distinct ids are zero.
        window: tokens looked at on either side.
        seed: of the randomised SVD.

    Returns:
        float32 (size, dimensions); zeros for ids that never occur near another one.
    """
    from scipy import sparse
    from sklearn.decomposition import TruncatedSVD

    flat = np.fromiter((identifier for row in rows for identifier in row), dtype=np.int32)
    question = np.repeat(np.arange(len(rows), dtype=np.int32), np.fromiter(map(len, rows), dtype=np.intp))
    counts = sparse.csr_matrix((size, size), dtype=np.float32)
    for distance in range(1, min(window, flat.size - 1) + 1):
        near = question[distance:] == question[:-distance]
        left, right = flat[:-distance][near], flat[distance:][near]
        weights = np.full(left.size, 1 / distance, dtype=np.float32)
        counts = counts + sparse.coo_matrix((weights, (left, right)), shape=(size, size)).tocsr()
    counts = (counts + counts.T).tocoo()
    total = np.asarray(counts.sum(axis=1)).ravel()
    smoothed = total**0.75
    information = np.log(counts.data * smoothed.sum() / (total[counts.row] * smoothed[counts.col]))
    kept = information > 0
    if not kept.any():
        return np.zeros((size, dimensions), dtype=np.float32)
    ppmi = sparse.csr_matrix((information[kept], (counts.row[kept], counts.col[kept])), shape=(size, size))

    components = min(dimensions, np.unique(flat).size - 1)
    svd = TruncatedSVD(max(components, 1), n_iter=4, random_state=seed)
    vectors = svd.fit_transform(ppmi) / np.sqrt(np.maximum(svd.singular_values_, 1e-6))
    vectors[np.diff(ppmi.indptr) == 0] = 0  # not merely near it
    return np.pad(vectors, ((0, 0), (0, dimensions - vectors.shape[1]))).astype(np.float32)


def embedding_matrix(
    sources: Sequence[str | Path],
    vocabulary: Vocabulary,
    rows: Sequence[Sequence[int]],
    *,
    dimensions: int,
    seed: int = 0,
) -> np.ndarray:
    """Put the vectors of one or several sources side by side.

    Each source is scaled to the same mean row norm. A token that a source lacks gets a random row of that norm, drawn
    from the seed, so that it never inherits another token's.

    Args:
        sources: GloVe-format files and ``"self"`` (``train_vectors`` on the questions); none of them: random vectors.
        vocabulary: tokens and ids.
        rows: ids of each distinct question, for ``"self"``.
        dimensions: columns of the self-trained or random vectors.
        seed: of everything random.

    Returns:
        float32 (len(vocabulary), total dimensions); row 0, the padding, is zero.
    """
    blocks = []
    for source in sources or (None,):
        if source is None:
            block = np.zeros((len(vocabulary), dimensions), np.float32)
        elif source == SELF_TRAINED:
            block = train_vectors(rows, len(vocabulary), dimensions=dimensions, seed=seed)
        else:
            block, _ = load_vectors(source, vocabulary)
        found = block.any(axis=1)
        if found.any():
            block *= _ROW_NORM / np.linalg.norm(block[found], axis=1).mean()
        missing = np.flatnonzero(~found)
        generator = np.random.default_rng([seed, zlib.crc32(Path(str(source)).name.encode())])
        random = generator.standard_normal((missing.size, block.shape[1])).astype(np.float32)
        block[missing] = random * (_ROW_NORM / np.sqrt(block.shape[1]))
        blocks.append(block)
    matrix = np.concatenate(blocks, axis=1)
    matrix[0] = 0
    return matrix

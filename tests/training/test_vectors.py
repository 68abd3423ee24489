"""`textsiam.training.vectors`: word vectors against a plain Python loop and NumPy's singular value decomposition."""

import gzip
import logging
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textsiam.errors import TextsiamError
from textsiam.text.preprocessor import Preprocessor
from textsiam.text.tokenise import Tokenizer
from textsiam.text.vocabulary import Vocabulary
from textsiam.training.parameters import SELF_TRAINED
from textsiam.training.vectors import embedding_matrix, load_vectors, train_vectors

WORDS = Vocabulary(["the", "cat", "dog", "zürich"], 2)  # ids 3, 4, 5, 6
THREE = "the 1 2 3\ncat -0.5 0 1e-2\ndog 0.1 0.2 0.3\n"


def write(path, text):
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix.lower() == ".gz" else data)
    return path


# Files


@pytest.mark.parametrize("name", ["v.txt", "v.txt.gz", "v.vec", "V.TXT.GZ"])
@pytest.mark.parametrize(
    "text",
    [
        THREE,
        "3 3\n" + THREE,  # word2vec's header
        THREE.replace("\n", "\r\n"),
        THREE.replace("\n", " \n"),  # fastText ends lines with a space
        "\ufeff" + THREE,
        THREE + "the 9 9 9\n",  # repeated: the first counts
        THREE.removesuffix("\n"),
        THREE + "\n",
        "other 7 7 7\n" + THREE + "bro\u0085ken 1 2\n. . . 1 2 3\n",  # lines nobody asked for
        THREE.encode() + b"\xff\xfe 1 2 3\n",  # a token that is no UTF-8
    ],
)
def test_load_vectors(tmp_path, name, text):
    matrix, found = load_vectors(write(tmp_path / name, text), WORDS)
    assert matrix.dtype == np.float32
    assert matrix.shape == (7, 3)
    assert found.tolist() == [False, False, False, True, True, True, False]
    np.testing.assert_array_equal(matrix[3:6], np.float32([[1, 2, 3], [-0.5, 0, 0.01], [0.1, 0.2, 0.3]]))
    assert not matrix[~found].any()


def test_load_vectors_says_how_many_words_it_found(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        load_vectors(write(tmp_path / "v.txt", "zürich 1 2\nthe 3 4\n"), WORDS)
    assert [record.getMessage() for record in caplog.records] == ["v.txt: vectors for 2 of 4 tokens"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the 1 2 3\ncat 1 2\n", ["v.txt, line 2", "3 numbers", "'cat 1 2' has 2"]),
        ("the 1 2 3\ncat 1 2 3 4\n", ["v.txt, line 2", "3 numbers", "has 4"]),
        ("the 1 2 3\n\ndog\n", ["v.txt, line 3", "3 numbers", "'dog' has 0"]),
        ("the 1 2 3\ncat 1 zwei 3\n", ["v.txt, line 2", "'cat 1 zwei 3'"]),
        ("the 1 2 3\ncat 1 nan 3\n", ["v.txt, line 2", "'cat 1 nan 3' has 2"]),
        ("the 1 2 3\ncat 1 inf 3\n", ["v.txt, line 2"]),
        ("the 1 2 3\ncat 1 1e39 3\n", ["v.txt, line 2"]),  # infinite in float32
        ("other 1 nan\n", ["v.txt, line 1"]),
        ("the,1,2,3\n", ["v.txt, line 1", "separated by spaces", "'the,1,2,3'"]),
        ("the\t1\t2\n", ["v.txt, line 1", "separated by spaces"]),
        ("question1,question2,is_duplicate\nWhy?,Why not?,0\n", ["v.txt, line 1"]),
        ("\n", ["v.txt, line 1"]),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'}\n\x00\xff\xfe", ["v.txt, line 1"]),
        (b"\x00" * 4096, ["v.txt, line 1"]),
        (b"3000000 300\n" + bytes(range(256)) * 9, ["v.txt, line "]),  # word2vec's binary format
        (gzip.compress(THREE.encode()), ["v.txt, line "]),
        ("", ["v.txt has a vector for none of the 4 tokens"]),
        ("4 300\n", ["v.txt has a vector for none"]),
        ("Katze 1 2\nHund 3 4\n", ["v.txt has a vector for none"]),
    ],
)
def test_wrong_files_are_refused_in_one_line(tmp_path, text, words):
    with pytest.raises(TextsiamError) as error:
        load_vectors(write(tmp_path / "v.txt", text), WORDS)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    assert message.isprintable()
    assert len(message) < 300
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    "name", ["nowhere.txt", "nowhere.gz", "folder", "folder.gz", "cut.gz", "plain.gz", "spoilt.gz"]
)
def test_files_that_cannot_be_read_are_named(tmp_path, name):
    compressed = gzip.compress("".join(f"w{n} {n} {n * n}\n" for n in range(5000)).encode())
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.gz").mkdir()
    (tmp_path / "cut.gz").write_bytes(compressed[: len(compressed) // 2])
    (tmp_path / "plain.gz").write_text(THREE)
    (tmp_path / "spoilt.gz").write_bytes(compressed[:200] + b"\xff" * 200 + compressed[400:])
    with pytest.raises(TextsiamError) as error:
        load_vectors(tmp_path / name, WORDS)
    assert str(error.value).startswith(f"Cannot read the vectors in {tmp_path / name}: ")
    assert len(str(error.value).splitlines()) == 1


# Trained on the questions


def ppmi_by_loop(rows, size, window=5):
    counts = np.zeros((size, size))
    for row in rows:
        for i, word in enumerate(row):
            for j, context in enumerate(row):
                if i != j and abs(i - j) <= window:
                    counts[word, context] += 1 / abs(i - j)
    total = counts.sum(axis=1)
    smoothed = total**0.75
    matrix = np.zeros((size, size))
    for word, context in np.argwhere(counts):
        probability = counts[word, context] / total[word]
        matrix[word, context] = max(0.0, math.log(probability / (smoothed[context] / smoothed.sum())))
    return matrix


def test_ppmi_of_two_words_by_hand():
    # Each of two words sees only the other: P(c|w) = 1, P(c) = 1/2, PMI = ln 2, both singular values ln 2; one is kept.
    vectors = train_vectors([[1, 2]], 3, dimensions=2)
    np.testing.assert_allclose((vectors @ vectors.T)[1:, 1:].trace(), math.log(2), rtol=1e-5)
    assert not vectors[0].any()


@settings(max_examples=25)
@given(
    st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=9), min_size=2, max_size=12),
    st.integers(1, 6),
    st.integers(1, 6),
)
def test_vectors_are_the_truncated_svd_of_the_ppmi(rows, dimensions, window):
    vectors = train_vectors(rows, 11, dimensions=dimensions, window=window).astype(np.float64)
    assert vectors.shape == (11, dimensions)
    ppmi = ppmi_by_loop(rows, 11, window)
    rank = max(min(dimensions, len({i for row in rows for i in row}) - 1), 1)
    left, values, _ = np.linalg.svd(ppmi)
    if rank < 11 and values[rank - 1] - values[rank] < 1e-3:
        return  # the best approximation is not unique
    # U√Σ: its Gram matrix is UΣUᵀ, whose square is M_k·M_kᵀ for the best approximation M_k of rank k.
    expected = (left[:, :rank] * values[:rank]) @ left[:, :rank].T
    np.testing.assert_allclose(vectors @ vectors.T, expected, atol=2e-3)
    assert (vectors.any(axis=1) <= ppmi.any(axis=1)).all()


def test_the_gram_matrix_squared_is_the_best_approximation_squared():
    rows = np.random.default_rng(3).integers(1, 30, (60, 8)).tolist()
    vectors = train_vectors(rows, 31, dimensions=10).astype(np.float64)
    left, values, right = np.linalg.svd(ppmi_by_loop(rows, 31))
    best = (left[:, :10] * values[:10]) @ right[:10]
    np.testing.assert_allclose(np.linalg.matrix_power(vectors @ vectors.T, 2), best @ best.T, atol=0.02)
    np.testing.assert_allclose(np.sort(np.linalg.norm(vectors, axis=0) ** 2)[::-1], values[:10], rtol=1e-3)


def test_words_of_the_same_contexts_are_close():
    animals, cities, fillers = ("cat", "dog", "horse"), ("paris", "rome", "oslo"), ("why", "when", "how")
    questions = [f"{filler} does my {animal} eat hay" for animal in animals for filler in fillers]
    questions += [f"{filler} is {city} worth a visit" for city in cities for filler in fillers]
    tokenizer = Tokenizer()
    vocabulary = Vocabulary.build(map(tokenizer, questions), oov_buckets=2)
    rows = Preprocessor(tokenizer, vocabulary).encode(questions)
    vectors = train_vectors(rows, len(vocabulary), dimensions=8)

    def cosine(one, other):
        u, v = (vectors[vocabulary.encode([word])[0]] for word in (one, other))
        return u @ v / np.linalg.norm(u) / np.linalg.norm(v)

    for group in (animals, cities):
        assert min(cosine(group[0], word) for word in group) > 0.99
    assert max(cosine(animal, city) for animal in animals for city in cities) < 0.5


@pytest.mark.parametrize("rows", [[], [[1]], [[1], [2]], [[1, 1]], [[1, 1, 1], [2, 2]], [[0]]])
@pytest.mark.filterwarnings("error")
def test_nothing_to_learn_gives_zeros(rows):
    vectors = train_vectors(rows, 4, dimensions=3)
    assert vectors.dtype == np.float32
    assert vectors.shape == (4, 3)
    assert np.isfinite(vectors).all()
    assert not vectors[0].any()
    assert not vectors[3].any()


def test_training_is_reproducible():
    rows = np.random.default_rng(0).integers(1, 200, (300, 7)).tolist()
    first, second = (train_vectors(rows, 300, dimensions=16, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not first[200:].any()


# Side by side


def norms(matrix):
    return np.linalg.norm(matrix, axis=1)


@pytest.fixture
def rows():
    return np.random.default_rng(1).integers(1, 6, (50, 6)).tolist()


def test_random_vectors(rows):
    vocabulary = Vocabulary([f"w{n}" for n in range(500)], 4)
    matrix = embedding_matrix([], vocabulary, rows, dimensions=50, seed=1)
    assert matrix.dtype == np.float32
    assert matrix.shape == (505, 50)
    assert not matrix[0].any()
    assert norms(matrix[1:]).mean() == pytest.approx(4, rel=0.02)
    assert norms(matrix[1:]).min() > 2
    np.testing.assert_array_equal(matrix, embedding_matrix([], vocabulary, rows, dimensions=50, seed=1))
    assert (matrix[1:] != embedding_matrix([], vocabulary, rows, dimensions=50, seed=2)[1:]).all(axis=1).all()


def test_sources_stand_side_by_side_at_the_same_scale(tmp_path, rows):
    file = write(tmp_path / "glove.txt", "the 100 200 300\ncat 1 1 1\ndog 50 60 -70\n")
    matrix = embedding_matrix([file, SELF_TRAINED], WORDS, rows, dimensions=4, seed=0)
    assert matrix.shape == (7, 7)
    assert matrix.dtype == np.float32
    assert not matrix[0].any()
    read, found = load_vectors(file, WORDS)
    trained = train_vectors(rows, 7, dimensions=4, seed=0)
    for block, source in ((matrix[:, :3], read), (matrix[:, 3:], trained)):
        known = source.any(axis=1)
        np.testing.assert_allclose(block[known], source[known] * (4 / norms(source[known]).mean()), rtol=1e-5)
        assert norms(block[known]).mean() == pytest.approx(4, rel=1e-5)
    missing = matrix[[1, 2, 6], :3]  # buckets and zürich have no vector in the file
    assert not found[[1, 2, 6]].any()
    assert (missing != 0).all()
    assert len(np.unique(missing, axis=0)) == 3
    np.testing.assert_array_equal(matrix, embedding_matrix([file, SELF_TRAINED], WORDS, rows, dimensions=4, seed=0))
    other = embedding_matrix([file, SELF_TRAINED], WORDS, rows, dimensions=4, seed=7)
    np.testing.assert_array_equal(matrix[3:6, :3], other[3:6, :3])
    assert (missing != other[[1, 2, 6], :3]).all()


def test_the_same_file_elsewhere_gives_the_same_matrix(tmp_path, rows):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    files = [write(tmp_path / folder / "v.txt", THREE) for folder in "ab"]
    one, other = (embedding_matrix([file], WORDS, rows, dimensions=4) for file in (files[0], str(files[1])))
    np.testing.assert_array_equal(one, other)


def test_words_unknown_to_self_training_get_random_rows():
    vocabulary = Vocabulary([f"w{n}" for n in range(40)], 4)
    rows = [[5, 6, 7, 5], [7, 6], [8]]
    matrix = embedding_matrix([SELF_TRAINED], vocabulary, rows, dimensions=30)
    assert np.isfinite(matrix).all()
    never = [1, 2, 3, 4, *range(8, 45)]
    assert norms(matrix[never]).min() > 2
    assert len(np.unique(matrix[never], axis=0)) == len(never)


def test_a_zero_vector_in_a_file_counts_as_none(tmp_path, rows):
    file = write(tmp_path / "v.txt", "the 0 0\ncat 0 0\n")
    matrix = embedding_matrix([file], WORDS, rows, dimensions=4)
    assert np.isfinite(matrix).all()
    assert (norms(matrix[1:]) > 0).all()

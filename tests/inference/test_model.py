"""The model that answers: threads, cache, compression, where it is found."""

import copy
import multiprocessing
import operator
import pickle
import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import cloudpickle
import joblib
import numpy as np
import pytest

from textsiam import TextsiamError, load_model, similarity
from textsiam.inference import model as runtime
from textsiam.inference.folder import write_bundle
from textsiam.inference.model import Model
from textsiam.inference.threads import OneBlasThread

SAME = ("How do I learn chess?", "What is the best way to learn chess?")


def columns(pairs):
    return [list(column) for column in zip(*pairs, strict=True)]


def test_blas_threads_come_back_with_the_last_to_leave():
    from threadpoolctl import threadpool_info, threadpool_limits

    def blas_threads():
        return {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}

    limit = OneBlasThread()
    with threadpool_limits(2, user_api="blas"):
        with limit:
            with limit:
                assert blas_threads() == {1}
            assert blas_threads() == {1}
        assert blas_threads() == {2}


def test_the_environment_names_the_default_model(model_folder, monkeypatch):
    monkeypatch.setenv("TEXTSIAM_MODEL", str(model_folder))
    assert similarity(*SAME) == similarity(*SAME, model=model_folder)


def test_a_folder_is_read_once_and_again_when_replaced(model_folder, tmp_path, trained):
    write_bundle(tmp_path / "model", trained.model_.bundle)
    first = runtime.as_model(tmp_path / "model")
    assert runtime.as_model(str(tmp_path / "model")) is first
    config = {**trained.model_.bundle.config, "threshold": {"value": 0.123}}
    write_bundle(tmp_path / "model", replace(trained.model_.bundle, config=config), overwrite=True)
    assert runtime.as_model(tmp_path / "model").threshold == 0.123


def test_eight_threads_on_one_model_agree_with_one(model_folder, toy_pairs):
    model = load_model(model_folder, cache_bytes=20_000)
    work = [columns(toy_pairs(300, seed=seed)[0]) for seed in range(8)]
    expected = [Model.load(model_folder).probabilities(*pairs) for pairs in work]
    results = [[] for _ in work]

    def answer(number):
        for _ in range(5):
            results[number].append(model.probabilities(*work[number]))

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for found, wanted in zip(results, expected, strict=True):
        assert len(found) == 5
        np.testing.assert_allclose(found, [wanted] * 5, atol=1e-5)


def many_questions(count, seed=0):
    """Return questions of thousands of distinct words, most of them met late, and slips of typing among them."""
    vocabulary = np.array(load_model().preprocessor.vocabulary.tokens, dtype=object)
    random = np.random.default_rng(seed)
    places = (random.pareto(0.5, (count, 8)) * 20).astype(int) % len(vocabulary)
    return [
        " ".join(words[: 3 + row % 6]) + f" {row}x?" * (row % 7 == 0) for row, words in enumerate(vocabulary[places])
    ]


def test_neither_threads_nor_earlier_calls_change_a_bit():
    questions = many_questions(9000)
    pairs = questions[:4000], questions[4000:8000]
    model, other = load_model(), load_model()
    alone = model.plain(threads=1).probabilities(*pairs)
    for start in range(8000, 9000, 100):
        other.probabilities(questions[start : start + 100], questions[start - 4000 : start - 3900])
    other.probabilities([questions[8500]], [questions[17]])
    for answering in (model.plain(threads=2), model.plain(threads=3), other):
        assert answering.probabilities(*pairs).tobytes() == alone.tobytes()


def test_a_pair_its_swap_and_its_repetition_have_the_same_bits_within_a_call():
    questions = many_questions(3000, seed=1)
    one, other = questions[:1500], questions[1500:]
    p = load_model().probabilities([*one, *other, *one[::3]], [*other, *one, *other[::3]])
    assert p[:1500].tobytes() == p[1500:3000].tobytes()
    assert p[3000:].tobytes() == p[:1500:3].tobytes()
    a, b = "How do I learn chess?", "Where can I learn chess?"
    assert len(set(similarity([a, a, b], [b, b, a]).tolist())) == 1


def test_across_calls_a_probability_moves_by_less_than_1e_6():
    questions = many_questions(1200, seed=2)
    one, other = questions[:600], questions[600:]
    model = load_model()
    together = model.probabilities(one, other)
    for size in (1, 2, 7, 33, 100):
        parts = [model.probabilities(one[n : n + size], other[n : n + size]) for n in range(0, 600, size)]
        np.testing.assert_allclose(np.concatenate(parts), together, rtol=0, atol=1e-6)


def test_encoded_questions_are_compared_as_often_as_it_takes(model_folder):
    model = load_model(model_folder)
    texts = ["How do I learn chess?", "Where is Oslo?", "How do I learn chess?", "how do I learn chess"]
    questions = model.encode(texts)
    assert len(questions) == 4
    assert questions.vectors.shape == (4, model.architecture.width)
    np.testing.assert_array_equal(questions.vectors[0], questions.vectors[2])
    first, second = [0, 1, 0, 3], [1, 0, 2, 0]
    expected = model.probabilities([texts[n] for n in first], [texts[n] for n in second])
    np.testing.assert_allclose(model.compare(questions, first, second), expected, atol=1e-6)
    assert model.compare(questions, first, second)[[2, 3]].tolist() == [1, 1]
    assert model.compare(questions, [], []).shape == (0,)
    assert len(model.encode([])) == 0
    assert model.compare(model.encode([]), [], []).shape == (0,)
    for wrong in ([4], [-1], [0.5], [[0]], ["0"]):
        with pytest.raises(TextsiamError, match="numbers from 0 to 3"):
            model.compare(questions, wrong, [0])
    with pytest.raises(TextsiamError, match="as many"):
        model.compare(questions, [0, 1], [0])


def answer(model):
    """Say what a model that came from elsewhere answers."""
    return float(model.probabilities([SAME[0]], [SAME[1]])[0])


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)),
                                   lambda m: cloudpickle.loads(cloudpickle.dumps(m))])  # fmt: skip
def test_a_model_can_be_copied_and_pickled(model_folder, clone):
    model = load_model(model_folder, cache_bytes=12_345)
    model.threads = 1
    other = clone(model)
    assert other is not model
    assert answer(other) == answer(model)
    assert (other.threads, other.cache.capacity, other.digest) == (1, 12_345, model.digest)


def test_a_pickled_model_names_no_module_that_may_move(model_folder):
    assert Model.__module__ == "textsiam"
    assert b"textsiam.inference.model" not in pickle.dumps(load_model(model_folder))


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_model_goes_to_other_processes(model_folder, method):
    model = load_model(model_folder)
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        found = pool.submit(operator.methodcaller("probabilities", [SAME[0]], [SAME[1]]), model).result(timeout=120)
    assert found[0] == answer(model)


def test_a_model_goes_to_joblibs_workers(model_folder):
    model = load_model(model_folder)
    call = joblib.delayed(operator.methodcaller("probabilities", [SAME[0]], [SAME[1]]))
    found = joblib.Parallel(n_jobs=2)([call(model), call(model)])
    assert [part[0] for part in found] == [answer(model)] * 2


@pytest.fixture(scope="module")
def aligning(toy_pairs, tmp_path_factory):
    """Return the folder of a model that compares the states of every token."""
    from textsiam import DuplicateClassifier
    from textsiam.inference.architecture import DEFAULT_MEASURES

    pairs, labels = toy_pairs(400, seed=0)
    classifier = DuplicateClassifier(
        encoder="bilstm", measures=(*DEFAULT_MEASURES, "alignment"), units=8, hidden=(16,), vector_size=16, min_count=1,
        oov_buckets=8, batch_size=32, epochs=3, learning_rate=0.01, random_state=1,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("models") / "aligning"
    classifier.fit(pairs, labels, validation=toy_pairs(200, seed=100)).save(folder)
    return folder


def test_a_model_that_aligns_tokens_answers_the_same_however_it_is_asked(aligning, toy_pairs):
    one, other = columns(toy_pairs(700, seed=5)[0])
    model, cached = Model.load(aligning), Model.load(aligning, cache_bytes=1 << 20)
    expected = model.probabilities(one, other)
    assert expected.std() > 0.2
    np.testing.assert_array_equal(model.probabilities(other, one), expected)
    assert (model.probabilities(one, one) == 1).all()
    for _ in range(2):  # what is remembered gives what is computed
        np.testing.assert_allclose(cached.probabilities(one, other), expected, atol=1e-5)
    assert len(cached.cache) == len({*one, *other})
    alone = [model.probabilities([a], [b])[0] for a, b in zip(one[:20], other[:20], strict=True)]
    np.testing.assert_allclose(alone, expected[:20], atol=1e-5)
    model.late_pairs = 64
    np.testing.assert_allclose(model.probabilities(one, other), expected, atol=1e-5)

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

from textsiam import TextsiamError, is_duplicate, load_model, similarity
from textsiam.inference import model as runtime
from textsiam.inference.cache import QuestionCache
from textsiam.inference.compression import compress_weights, expand_weights, prune_vocabulary
from textsiam.inference.folder import write_bundle
from textsiam.inference.model import Model
from textsiam.inference.threads import OneBlasThread

SAME = ("How do I learn chess?", "What is the best way to learn chess?")


def columns(pairs):
    return [list(column) for column in zip(*pairs, strict=True)]


def test_two_texts_give_a_bool_and_sequences_an_array(model_folder, trained):
    assert is_duplicate(*SAME, model=model_folder) is True
    assert isinstance(similarity(*SAME, model=model_folder), float)
    one, other = [SAME[0], "Why?"], (SAME[1], "Where?")
    answers = is_duplicate(one, other, model=str(model_folder))
    probabilities = similarity(one, other, model=load_model(model_folder))
    assert answers.dtype == bool
    assert answers.shape == probabilities.shape == (2,)
    np.testing.assert_array_equal(probabilities, trained.predict_proba(list(zip(one, other, strict=True)))[:, 1])
    np.testing.assert_array_equal(answers, probabilities >= trained.model_.threshold)
    assert similarity([], [], model=model_folder).shape == (0,)


def test_the_threshold_can_be_given(model_folder):
    probability = similarity(*SAME, model=model_folder)
    assert is_duplicate(*SAME, model=model_folder, threshold=probability) is True
    assert is_duplicate(*SAME, model=model_folder, threshold=np.nextafter(probability, 1)) is False


@pytest.mark.parametrize(
    ("q1", "q2"),
    [
        ("a", ["b"]),
        (["a"], "b"),
        (["a"], ["b", "c"]),
        ([1], ["b"]),
        (["a"], [None]),
        (None, "a"),
        ("a", 5),
        (b"a", b"b"),
        (float("nan"), "a"),
        (float("nan"), float("nan")),
        (5, 5),
        (np.array("a"), np.array("a")),
        ({"a": 1}, {"a": 1}),
        ({"a"}, {"a"}),
        (np.array([["a", "b"]]), np.array([["a", "b"]])),
    ],
)
def test_wrong_questions_get_one_line(q1, q2, model_folder):
    with pytest.raises(TextsiamError) as caught:
        similarity(q1, q2, model=model_folder)
    assert "\n" not in str(caught.value)


def test_series_arrays_and_generators_are_sequences(model_folder):
    import pandas as pd

    expected = similarity(["a", "b"], ["c", "b"], model=model_folder)
    for form in (pd.Series, np.array, tuple, iter):
        np.testing.assert_array_equal(similarity(form(["a", "b"]), form(["c", "b"]), model=model_folder), expected)


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


@pytest.mark.parametrize("model", [3, b"model", ["model"]])
def test_a_model_is_a_folder_or_a_model(model):
    with pytest.raises(TextsiamError, match="A model is"):
        similarity("a", "b", model=model)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), "0.5", [0.1]])
def test_wrong_thresholds_get_one_line(threshold, model_folder):
    with pytest.raises(TextsiamError, match="threshold"):
        is_duplicate(*SAME, model=model_folder, threshold=threshold)


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


def test_a_fitted_classifier_is_a_model(trained, model_folder):
    assert similarity(*SAME, model=trained) == similarity(*SAME, model=model_folder)


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


def test_the_cache_changes_no_answer(model_folder, toy_pairs):
    pairs = columns(toy_pairs(200, seed=3)[0])
    plain, caching = load_model(model_folder), load_model(model_folder, cache_bytes=10**6)
    for _ in range(2):
        np.testing.assert_allclose(caching.probabilities(*pairs), plain.probabilities(*pairs), atol=1e-5)
    assert len(caching.cache) == len(set(pairs[0] + pairs[1]))
    assert plain.cache is None


def test_a_remembered_question_is_not_encoded_again(model_folder, monkeypatch):
    model = load_model(model_folder, cache_bytes=10**6)
    probability = model.probabilities([SAME[0]], [SAME[1]])
    monkeypatch.setattr(model.network, "encode", None)
    np.testing.assert_array_equal(model.probabilities([SAME[1]], [SAME[0]]), probability)


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


def test_the_cache_is_bounded_and_forgets_the_least_recent():
    vector = np.zeros(100, np.float32)
    one = QuestionCache._bytes("a", vector)
    cache = QuestionCache(3 * one)
    for text in "abc":
        cache.put(text, vector)
    assert cache.get("a") is not None
    cache.put("d", vector)
    assert [text for text in "abcd" if cache.get(text) is not None] == ["a", "c", "d"]
    assert cache.size == 3 * one
    cache.put("x" * 10_000, vector)
    assert (len(cache), cache.size) == (0, 0)


def test_compressed_weights_are_close_and_small(trained):
    weights = trained.model_.bundle.weights
    back = expand_weights(compress_weights(weights))
    assert back.keys() == weights.keys()
    embedding = weights["embedding.embeddings"]
    error = np.abs(back["embedding.embeddings"] - embedding)
    assert (error <= np.abs(embedding).max(axis=1, keepdims=True) / 254 + 1e-6).all()
    for name, array in weights.items():
        assert back[name].dtype == array.dtype
        if name != "embedding.embeddings":
            np.testing.assert_allclose(back[name], array, rtol=1e-3, atol=1e-6)
    assert compress_weights(weights)["embedding.embeddings.int8"].nbytes == embedding.nbytes / 4


def test_a_row_of_zeros_survives_compression():
    weights = {"embedding.embeddings": np.zeros((2, 3), np.float32)}
    np.testing.assert_array_equal(expand_weights(compress_weights(weights))["embedding.embeddings"], np.zeros((2, 3)))


def test_a_compressed_model_answers_nearly_the_same(trained, toy_pairs, tmp_path):
    bundle = trained.model_.bundle
    write_bundle(tmp_path / "model", replace(bundle, weights=compress_weights(bundle.weights)))
    pairs = columns(toy_pairs(100, seed=3)[0])
    found = Model.load(tmp_path / "model").scores(*pairs)
    np.testing.assert_allclose(found, trained.model_.scores(*pairs), atol=0.1)


def test_an_int8_array_without_its_scale_gets_one_line(trained):
    weights = compress_weights(trained.model_.bundle.weights)
    del weights["embedding.embeddings.scale"]
    with pytest.raises(TextsiamError, match="scale"):
        Model(replace(trained.model_.bundle, weights=weights))


def test_pruned_words_become_unknown(trained):
    pruned = Model(prune_vocabulary(trained.model_.bundle, 10))
    full = trained.model_.preprocessor.vocabulary
    vocabulary = pruned.preprocessor.vocabulary
    assert vocabulary.tokens == full.tokens[:10]
    assert vocabulary.encode([full.tokens[9]]) == full.encode([full.tokens[9]])
    assert vocabulary.encode([full.tokens[10]])[0] <= vocabulary.oov_buckets
    assert prune_vocabulary(trained.model_.bundle, 10**6).vocabulary == trained.model_.bundle.vocabulary

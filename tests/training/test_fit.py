"""Batches, early stopping, resuming, interruption."""

import json
import random
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone

from textsiam import DuplicateClassifier, TextsiamError
from textsiam.siamese.calibration import calibrated_log_loss
from textsiam.siamese.checkpoints import Checkpoints, discard
from textsiam.training.batches import PairArrays, PairBatches, balanced_class_weight, distinct_tokens

SMALL = {"units": 4, "hidden": (4,), "vector_size": 4, "min_count": 1, "oov_buckets": 8, "batch_size": 64}


def arrays(lengths, columns=13):
    count = len(lengths)
    ids = np.zeros((count, columns), np.int32)
    ids[np.arange(columns) < np.array(lengths)[:, None]] = 7
    ids[:, 0] = np.arange(1, count + 1)  # the first token names the row
    return PairArrays(ids, ids[:, :], np.zeros((count, 0), np.float32), np.zeros(count, np.float32))


def seen(batches):
    inputs = [batches[index][0] for index in range(len(batches))]
    return [batch["tokens"][batch["question1"]] for batch in inputs]


def test_every_pair_once_an_epoch_and_padded_to_its_batch():
    lengths = np.random.default_rng(0).integers(1, 13, 1000)
    batches = PairBatches(arrays(lengths), 32, seed=0)
    blocks = seen(batches)
    assert sorted(np.concatenate([block[:, 0] for block in blocks])) == list(range(1, 1001))
    for number, block in enumerate(blocks):
        assert block.shape[1] - (block != 0).sum(axis=1).max() in ((0, 1) if number == 0 else (0,))
    padded = sum(block.size for block in blocks)
    assert padded < 1.1 * lengths.sum()  # like lengths together: hardly any padding
    assert blocks[0].shape[1] != blocks[1].shape[1]


def test_the_first_two_batches_differ_in_width_even_at_the_limit():
    blocks = seen(PairBatches(arrays([12] * 100), 10, seed=0))
    assert [block.shape[1] for block in blocks] == [13] + [12] * 9


def test_distinct_tokens_by_hand():
    question1, question2 = np.array([[7, 3, 0], [9, 0, 0]], np.int32), np.array([[3, 3, 7], [2, 0, 0]], np.int32)
    inputs = distinct_tokens(question1, question2, multiple=4)
    assert {name: array.tolist() for name, array in inputs.items()} == {
        "tokens": [0, 2, 3, 7, 9, 0, 0, 0],
        "question1": [[3, 2, 0], [4, 0, 0]],
        "question2": [[2, 2, 3], [1, 0, 0]],
    }
    assert all(array.dtype == np.int32 for array in inputs.values())


@pytest.mark.parametrize("more", [0, 1])
def test_the_first_two_batches_differ_in_tokens(more):
    pairs = arrays([12] * 20)
    batches = PairBatches(pairs, 10, seed=0)
    pairs.ids1[:, 0] = 7
    pairs.ids1[batches._batches[1][:more], 1] = 8  # the second batch has as many tokens as the first, or one more
    first, second = (set(batches[index][0]["tokens"]) for index in (0, 1))
    assert len(second) == len(first) + more
    assert len(batches[0][0]["tokens"]) != len(batches[1][0]["tokens"])


def test_order_depends_on_seed_and_epoch_alone():
    pairs = arrays(np.random.default_rng(0).integers(1, 13, 300))
    going, fresh = PairBatches(pairs, 32, seed=5), PairBatches(pairs, 32, seed=5, epoch=1)
    first = seen(going)
    going.on_epoch_end()
    for one, other in zip(seen(going), seen(fresh), strict=True):
        np.testing.assert_array_equal(one, other)
    assert any(one.shape != other.shape or (one != other).any() for one, other in zip(first, seen(fresh), strict=True))


def test_without_a_seed_order_is_by_length():
    batches = PairBatches(arrays([5, 1, 3, 2, 4]), 2)
    assert [block[:, 0].tolist() for block in seen(batches)] == [[2, 4], [3, 5], [1]]


def test_balanced_class_weight_by_hand():
    assert balanced_class_weight([1, 0, 0, 0]) == {0: 4 / 6, 1: 2.0}


@pytest.fixture
def data(toy_pairs):
    return toy_pairs(200, seed=1), toy_pairs(100, seed=2)


def fit(data, folder, *, epochs=4, resume=False, stop_after=None, **parameters):
    """Train; kill it, as a power cut would, when epoch ``stop_after`` has been saved."""
    classifier = DuplicateClassifier(**{**SMALL, **parameters}, epochs=epochs, patience=9)

    class PowerCutError(Exception):
        pass

    write = Checkpoints.write

    def write_and_die(self, model, progress):
        write(self, model, progress)
        if progress.epochs == stop_after:
            raise PowerCutError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "write", write_and_die)
        try:
            classifier.fit(*data[0], data[1], checkpoints=folder, resume=resume)
        except PowerCutError:
            return None
    return classifier


def test_a_resumed_training_ends_as_an_uninterrupted_one(data, tmp_path):
    whole = fit(data, tmp_path / "whole")
    assert fit(data, tmp_path / "cut", stop_after=2) is None
    resumed = fit(data, tmp_path / "cut", resume=True)
    assert resumed.history_ == whole.history_
    for name, weight in whole.model_.bundle.weights.items():
        np.testing.assert_array_equal(resumed.model_.bundle.weights[name], weight, err_msg=name)


def test_three_fits_leave_the_callers_random_state_alone(data):
    np.random.seed(5)
    random.seed(5)
    expected = [(np.random.random(), random.random()) for _ in range(3)]
    np.random.seed(5)
    random.seed(5)
    found = []
    for _ in range(3):
        DuplicateClassifier(**SMALL, epochs=1, random_state=1).fit(*data[0], data[1])
        found.append((np.random.random(), random.random()))
    assert found == expected


def test_fits_in_two_threads_give_what_they_give_one_after_the_other(data):
    def weights(seed):
        classifier = DuplicateClassifier(**SMALL, epochs=2, random_state=seed).fit(*data[0], data[1])
        return classifier.model_.bundle.weights

    expected = [weights(seed) for seed in (1, 2)]
    with ThreadPoolExecutor(2) as threads:
        for found, wanted in zip(threads.map(weights, (1, 2)), expected, strict=True):
            for name, array in wanted.items():
                np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_calibrating_moves_probabilities_and_threshold_and_no_weight(data, toy_pairs):
    classifier = DuplicateClassifier(**{**SMALL, "units": 16}, epochs=6, learning_rate=0.01).fit(*data[0], data[1])
    before = classifier.model_
    pairs, labels = toy_pairs(600, seed=9)
    kept = [row for row, label in enumerate(labels) if label or row % 10 == 0]  # far more duplicates than before
    pairs, labels = [pairs[row] for row in kept], [labels[row] for row in kept]
    half = len(pairs) // 2
    error = classifier.evaluate(pairs[half:], labels[half:]).figures.log_loss
    assert classifier.calibrate(pairs[:half], labels[:half]) is classifier
    assert classifier.evaluate(pairs[half:], labels[half:]).figures.log_loss < error
    assert classifier.model_.prior == pytest.approx(np.mean(labels[:half]))
    for name, array in before.bundle.weights.items():
        np.testing.assert_array_equal(classifier.model_.bundle.weights[name], array)
    with pytest.raises(TextsiamError, match="both 0 and 1"):
        classifier.calibrate(pairs[:4], [1] * 4)


@pytest.mark.parametrize(
    "form",
    [
        lambda pairs: pd.DataFrame(pairs, columns=["question1", "question2"]),
        lambda pairs: pd.DataFrame(
            [(n, *pair) for n, pair in enumerate(pairs)], columns=["n", "question1", "question2"]
        ),
        pd.DataFrame,
        np.array,
        lambda pairs: np.array(pairs, dtype=object),
        lambda pairs: zip(*zip(*pairs, strict=True), strict=True),
        lambda pairs: pa.table({"question1": [a for a, _ in pairs], "question2": [b for _, b in pairs]}),
        tuple,
    ],
)
def test_pairs_of_many_forms_are_the_same_pairs(trained, form):
    pairs = [("How do I learn chess?", "Where is Oslo?"), ("Why?", "What for?")]
    np.testing.assert_array_equal(trained.predict_proba(form(pairs)), trained.predict_proba(pairs))
    np.testing.assert_array_equal(trained.predict(form(pairs)), trained.predict(pairs))


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([["a"], ["b"]], r"received shape \(2, 1\). Give list\(zip"),
        ([["a", "b"], ["c"]], r"received shape \(2,\)"),
        (["ab", "cd"], r"received shape \(2,\)"),
        ([["a", "b"], ["c", None]], r"row 2 has None"),
        ([], "no pairs"),
        (pd.DataFrame({"q": ["a"], "question2": ["b"], "n": [1]}), "this one has: q, question2, n"),
    ],
)
def test_what_is_no_pairs_is_refused_with_the_cure(trained, pairs, words):
    with pytest.raises(TextsiamError, match=words):
        trained.predict(pairs)


def test_a_resumed_training_counts_the_minutes_of_what_it_goes_on_with(data, tmp_path):
    minutes = fit(data, tmp_path / "whole", epochs=1).model_.bundle.config["training"]["minutes"]
    fit(data, tmp_path / "cut", stop_after=1)
    file = tmp_path / "cut" / "progress.json"
    state = json.loads(file.read_text())
    assert 0 < state["seconds"] < 60
    file.write_text(json.dumps({**state, "seconds": 6000.0}))
    fit(data, tmp_path / "cut", stop_after=2, resume=True)
    assert 6000 < json.loads(file.read_text())["seconds"] < 6060
    resumed = fit(data, tmp_path / "cut", resume=True).model_.bundle.config["training"]["minutes"]
    assert minutes < 1 and 100 < resumed < 102


def test_resume_without_a_checkpoint_starts(data, tmp_path):
    assert fit(data, tmp_path / "none", epochs=1, resume=True).model_


def test_resume_refuses_other_settings_and_other_pairs(data, toy_pairs, tmp_path):
    fit(data, tmp_path / "cut", stop_after=1)
    with pytest.raises(TextsiamError, match="other data or parameters"):
        fit(data, tmp_path / "cut", resume=True, units=5)
    with pytest.raises(TextsiamError, match="other data or parameters"):
        fit((toy_pairs(200, seed=3), data[1]), tmp_path / "cut", resume=True)


def test_a_damaged_checkpoint_gets_one_line(data, tmp_path):
    fit(data, tmp_path / "cut", stop_after=1)
    (tmp_path / "cut" / "epoch-1.weights.h5").write_bytes(b"half")
    with pytest.raises(TextsiamError, match="damaged"):
        fit(data, tmp_path / "cut", resume=True)
    (tmp_path / "cut" / "progress.json").write_text("{")
    with pytest.raises(TextsiamError, match="damaged"):
        fit(data, tmp_path / "cut", resume=True)


def test_settings_that_do_not_touch_training_may_change(data, tmp_path):
    fit(data, tmp_path / "cut", stop_after=1)
    resumed = fit(data, tmp_path / "cut", epochs=4, resume=True, objective="f1", calibration="platt")
    assert len(resumed.history_["val_loss"]) == 4


def test_only_own_files_are_removed(data, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "thesis.txt").write_text("precious")
    (tmp_path / "notes.txt").write_text("precious")
    fit(data, tmp_path, epochs=1)
    discard(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "sub"]
    assert (tmp_path / "sub" / "thesis.txt").read_text() == "precious"


def test_two_trainings_never_share_a_folder(data, tmp_path):
    with Checkpoints(tmp_path, ""), pytest.raises(TextsiamError, match="Another training"):
        fit(data, tmp_path, epochs=1)


def test_a_tie_is_no_gain(data):
    classifier = DuplicateClassifier(
        **SMALL, epochs=6, patience=2, learning_rate=1e-12, schedule="constant", train_vectors=False
    )
    classifier.fit(*data[0], data[1])
    assert len(classifier.history_["val_loss"]) == 3
    assert classifier.model_.bundle.config["training"]["best_epoch"] == 1


def test_early_stopping_keeps_the_best_epoch(data):
    # A learning rate that soon overshoots: the last epochs are worse than the best.
    classifier = DuplicateClassifier(**SMALL, epochs=30, patience=2, learning_rate=0.3, schedule="constant")
    classifier.fit(*data[0], data[1])
    losses = classifier.history_["val_criterion"]
    summary = classifier.model_.bundle.config["training"]
    assert len(losses) < 30
    assert summary["best_epoch"] == int(np.argmin(losses)) + 1
    assert len(losses) - summary["best_epoch"] == 2
    pairs, labels = data[1]
    scores = classifier.model_.scores(*map(list, zip(*pairs, strict=True)))
    assert calibrated_log_loss(scores, labels) == pytest.approx(min(losses), abs=1e-4)


def test_control_c_keeps_the_best_so_far_and_says_so(data, tmp_path, caplog):
    import keras

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                signal.raise_signal(signal.SIGINT)

    original = keras.Model.fit
    keras.Model.fit = lambda self, *a, callbacks, **k: original(self, *a, callbacks=[*callbacks, Interrupt()], **k)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background starts without it
    try:
        classifier = DuplicateClassifier(**SMALL, epochs=9).fit(*data[0], data[1])
    finally:
        keras.Model.fit = original
        signal.signal(signal.SIGINT, handler)
    assert "Interrupted after 2 whole epochs" in caplog.text
    assert classifier.model_.bundle.config["training"]["interrupted"] is True
    assert len(classifier.history_["val_loss"]) == 2
    assert classifier.predict_proba(data[1][0]).shape == (100, 2)


def test_control_c_in_the_first_epoch_keeps_nothing(data, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras.Model.fit", interrupted)
    with pytest.raises(TextsiamError, match="nothing is kept"):
        DuplicateClassifier(**SMALL, epochs=2).fit(*data[0], data[1])


def test_a_diverging_training_gets_one_line(data):
    classifier = DuplicateClassifier(**SMALL, epochs=2, learning_rate=1e38, schedule="constant")
    with pytest.raises(TextsiamError, match="Lower the learning rate"):
        classifier.fit(*data[0], data[1])


def test_a_warm_start_goes_on_with_the_model_at_hand(data, tmp_path):
    (pairs, labels), dev = data
    first = DuplicateClassifier(**SMALL, epochs=1).fit(pairs, labels, dev)
    first.save(tmp_path / "model")
    further = DuplicateClassifier.load(tmp_path / "model").set_params(warm_start=True, batch_size=32)
    still = {"learning_rate": 1e-12, "schedule": "constant"}
    other = [["Why is the unheard-of zyzzyva green?", "Who knows?"]] * 20
    further.set_params(**still).fit(other, [0, 1] * 10, dev)
    before, after = first.model_.bundle, further.model_.bundle
    further.save(tmp_path / "further")
    assert DuplicateClassifier.load(tmp_path / "further").warm_start is False
    assert after.vocabulary == before.vocabulary
    for name, array in before.weights.items():
        np.testing.assert_allclose(after.weights[name], array, atol=1e-6, err_msg=name)
    assert after.config["training"]["before"] == before.config["training"]
    assert f"- Trained on {len(pairs)} pairs. Epoch 1 of 1 was best.\n- Trained further on 20 pairs." in after.card
    # Going on from the start at a usual rate gets further than the same from nothing.
    again = DuplicateClassifier.load(tmp_path / "model").set_params(warm_start=True).fit(pairs, labels, dev)
    assert again.history_["loss"][0] < first.history_["loss"][0]
    cold = clone(again).fit(pairs, labels, dev)  # a clone has no model to go on with
    assert cold.history_["loss"] == first.history_["loss"]


@pytest.mark.parametrize(("name", "value"), [("units", 5), ("vectors", None), ("stem", True), ("min_count", 2)])
def test_a_warm_start_refuses_to_change_what_made_the_model(data, name, value):
    classifier = DuplicateClassifier(**SMALL, epochs=1, warm_start=True).fit(*data[0], data[1])
    with pytest.raises(TextsiamError, match=f"^warm_start trains the model at hand further, whose {name} is"):
        classifier.set_params(**{name: value}).fit(*data[0], data[1])


def test_a_resumed_warm_start_goes_on_with_the_same_model(data, tmp_path):
    for seed in (1, 2):
        DuplicateClassifier(**SMALL, epochs=1, random_state=seed).fit(*data[0], data[1]).save(tmp_path / str(seed))

    def further(model, resume):
        classifier = DuplicateClassifier.load(tmp_path / model).set_params(warm_start=True, random_state=7)
        classifier.fit(*data[0], data[1], checkpoints=tmp_path / "checkpoints", resume=resume)

    further("1", resume=False)
    further("1", resume=True)
    with pytest.raises(TextsiamError, match="other data or parameters"):
        further("2", resume=True)


def test_the_largest_seed_serves_and_a_larger_one_is_refused(data):
    assert DuplicateClassifier(**SMALL, epochs=1, random_state=2**32 - 1).fit(*data[0], data[1]).model_
    with pytest.raises(TextsiamError, match=r"random_state must be a whole number in \[0, 2\*\*32\), not 99999999999"):
        DuplicateClassifier(**SMALL, random_state=99999999999).fit(*data[0], data[1])

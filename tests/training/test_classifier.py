"""DuplicateClassifier as a scikit-learn classifier of pairs, and as the way to a model folder."""

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from textsiam import DuplicateClassifier, TextsiamError, load_model
from textsiam.inference.model import Model
from textsiam.training.presets import PRESETS

SMALL = {"units": 8, "hidden": (8,), "vector_size": 8, "min_count": 1, "oov_buckets": 8, "batch_size": 64}


def as_frame(pairs):
    return pd.DataFrame(pairs, columns=["question1", "question2"])


def test_it_learns_what_can_be_learned(trained, toy_pairs):
    pairs, labels = toy_pairs(200, seed=9)
    probabilities = trained.predict_proba(pairs)
    assert probabilities.shape == (200, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert roc_auc_score(labels, probabilities[:, 1]) > 0.95
    assert trained.score(pairs, labels) == accuracy_score(labels, trained.predict(pairs)) > 0.9


def test_a_frame_a_list_and_an_array_of_pairs_are_the_same(trained, toy_pairs):
    pairs, _ = toy_pairs(20, seed=3)
    expected = trained.predict_proba(pairs)
    frame = as_frame(pairs).assign(extra=1)[["extra", "question2", "question1"]]
    for form in (frame, np.array(pairs), np.array(pairs, dtype=object), as_frame(pairs).rename(columns=str.upper)):
        np.testing.assert_array_equal(trained.predict_proba(form), expected)


def test_predict_frame_adds_two_columns(trained, toy_pairs):
    frame = as_frame(toy_pairs(10, seed=4)[0]).assign(id=range(10))
    scored = trained.predict_frame(frame)
    assert list(scored) == [*frame, "duplicate_probability", "duplicate"]
    decided = scored["duplicate_probability"] >= trained.model_.threshold
    assert (scored["duplicate"] == decided.astype(int)).all()


def test_swapping_the_questions_changes_no_bit(trained, toy_pairs):
    pairs = np.array(toy_pairs(300, seed=5)[0])
    np.testing.assert_array_equal(trained.predict_proba(pairs), trained.predict_proba(pairs[:, ::-1]))
    mixed = pairs.copy()
    mixed[::2] = mixed[::2, ::-1]
    np.testing.assert_array_equal(trained.predict_proba(pairs), trained.predict_proba(mixed))


def test_a_question_against_itself_is_certain(trained):
    pairs = [
        ("How do I learn chess?", "how  do i learn&nbsp;chess?"),
        ("What’s new?", " WHAT'S   new?"),
        ("", ""),
        ("Что нового?", "что   нового?"),
        ("?!", "?!"),
    ]
    np.testing.assert_array_equal(trained.predict_proba(pairs)[:, 1], 1.0)


def test_other_words_or_signs_are_never_certain(trained):
    pairs = [
        ("What is new?", "What's new ?"),
        ("How do I learn (good) chess?", "How do I learn good chess"),
    ]
    probabilities = trained.predict_proba(pairs)[:, 1]
    assert ((probabilities > 0.5) & (probabilities < 1)).all()


def test_questions_that_the_model_cannot_tell_apart_are_not_the_same(trained):
    # 100 unknown words share 4 buckets: some meet in one, and still are other questions.
    pairs = [("How do I learn zzqx0?", f"How do I learn zzqx{n}?") for n in range(1, 100)]
    pairs += [("?!", "..."), ("", "?")]  # no token
    assert (trained.predict_proba(pairs)[:, 1] < 1).all()
    bundle = trained.model_.bundle
    lossy = {**bundle.config, "preprocessing": {**bundle.config["preprocessing"], "stop_words": True}}
    assert Model(replace(bundle, config=lossy)).probabilities(["How do I learn chess?"], ["learn the chess"]) < 1


def test_the_batch_does_not_matter(trained, toy_pairs):
    pairs = toy_pairs(700, seed=6)[0]
    together = trained.predict_proba(pairs)
    alone = np.concatenate([trained.predict_proba(pairs[start : start + 7]) for start in range(0, 700, 7)])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_keras_model_of_the_same_folder_answers_the_same(trained, toy_pairs):
    from textsiam.text.lexical import Lexicon, lexical_similarities

    model, network = trained.model_, trained.keras_model()
    question1, question2 = map(list, zip(*toy_pairs(100, seed=7)[0], strict=True))
    ids1, ids2 = np.split(model.preprocessor.encode_padded(question1 + question2)[0], 2)
    weights = model.bundle.weights
    lexical = lexical_similarities(model.architecture.lexical, ids1, ids2, Lexicon.of(weights))
    expected = network.predict({"question1": ids1, "question2": ids2, "lexical": lexical}, verbose=0)[:, 0]
    np.testing.assert_allclose(1 / (1 + np.exp(-model.scores(question1, question2))), expected, atol=1e-5)


def test_save_and_load_in_a_fresh_process(trained, toy_pairs, tmp_path):
    pairs = toy_pairs(20, seed=8)[0]
    trained.save(tmp_path / "model")
    np.testing.assert_array_equal(
        DuplicateClassifier.load(tmp_path / "model").predict_proba(pairs), trained.predict_proba(pairs)
    )
    code = (
        "import sys; from textsiam import similarity\n"
        f"print(list(similarity({[a for a, _ in pairs]!r}, {[b for _, b in pairs]!r}, model=sys.argv[1]).tolist()))\n"
        "assert not {'tensorflow', 'keras', 'pandas', 'sklearn', 'nltk'} & set(sys.modules)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "model"], capture_output=True, text=True, check=True
    ).stdout
    np.testing.assert_allclose(eval(printed), trained.predict_proba(pairs)[:, 1], rtol=0, atol=1e-12)


def test_loading_brings_the_parameters_back(trained, tmp_path):
    trained.save(tmp_path / "model")
    loaded = DuplicateClassifier.load(tmp_path / "model")
    assert loaded.units == trained.units
    assert tuple(loaded.measures) == tuple(trained.measures)


def test_pickle_goes_through_the_bundle(trained, toy_pairs):
    pairs = toy_pairs(20, seed=8)[0]
    content = pickle.dumps(trained)
    assert b"weights.safetensors" in content
    np.testing.assert_array_equal(pickle.loads(content).predict_proba(pairs), trained.predict_proba(pairs))


def test_the_folder_tells_its_training(trained):
    bundle = trained.model_.bundle
    assert {"history.json", "curves.png"} <= set(bundle.extras)
    assert bundle.extras["curves.png"].startswith(b"\x89PNG")
    assert bundle.metrics["dev"]["rows"] == bundle.config["training"]["dev_pairs"]
    assert f"{bundle.metrics['dev']['accuracy']:.4f}" in bundle.card


def test_the_same_seed_gives_the_same_model(toy_pairs):
    pairs, labels = toy_pairs(120, seed=1)
    first, second, other = (
        DuplicateClassifier(**SMALL, epochs=1, random_state=seed).fit(pairs, labels).predict_proba(pairs)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_wanted_precision_is_kept(toy_pairs):
    classifier = DuplicateClassifier(**SMALL, epochs=4, learning_rate=0.01, objective="precision", precision=0.8)
    classifier.fit(*toy_pairs(200, seed=1), validation=toy_pairs(200, seed=2))
    threshold = classifier.model_.bundle.config["threshold"]
    assert threshold["objective"] == "precision"
    assert threshold["precision"] >= 0.8
    pairs, labels = toy_pairs(200, seed=2)
    called = classifier.predict(pairs) == 1
    assert np.mean(np.array(labels)[called]) == pytest.approx(threshold["precision"])


def test_balanced_class_weights_raise_the_rare_class(toy_pairs):
    pairs, labels = (np.array(part) for part in toy_pairs(600, seed=1))
    kept = (labels == 0) | (np.arange(600) % 20 == 1)  # one duplicate in eleven
    scores = {}
    for weight in (None, "balanced"):
        classifier = DuplicateClassifier(**SMALL, epochs=3, learning_rate=0.01, class_weight=weight, calibration="none")
        classifier.fit(pairs[kept], labels[kept], validation=toy_pairs(100, seed=2))
        scores[weight] = classifier.model_.scores(*pairs.T.tolist()).mean()
    assert scores["balanced"] > scores[None] + 0.5


def test_a_model_does_not_tell_where_its_vectors_lay(toy_pairs, tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("how 0.1 0.2\nis 0.3 0.4\n")
    classifier = DuplicateClassifier(**{**SMALL, "vectors": [file, "self"]}, epochs=1).fit(*toy_pairs(200, seed=1))
    config = classifier.model_.bundle.config
    assert config["training"]["parameters"]["vectors"] == ["mine.txt", "self"]
    assert str(tmp_path) not in str(config)
    assert classifier.get_params()["vectors"] == [file, "self"]


def test_contrastive_loss_trains_a_text_model(toy_pairs):
    pairs, labels = toy_pairs(600, seed=1)
    settings = {**SMALL, "units": 16, "batch_size": 32, "vectors": None, "vector_size": 16}
    classifier = DuplicateClassifier(
        **settings, loss="contrastive", epochs=12, patience=12, learning_rate=0.01, dropout=0.0
    ).fit(pairs, labels, validation=toy_pairs(300, seed=100))
    test, expected = toy_pairs(200, seed=2)
    probability = classifier.predict_proba(test)[:, 1]
    assert roc_auc_score(expected, probability) > 0.75
    assert ((probability >= 0) & (probability <= 1)).all()


@pytest.mark.parametrize("name", PRESETS)
def test_presets_name_parameters(name):
    assert set(PRESETS[name]) <= set(DuplicateClassifier().get_params())


def test_a_probability_is_learnt_as_that_share_of_labels(toy_pairs):
    # One step of all pairs: 0.75 must teach what three labels of 1 and one of 0 teach.
    pairs, labels = toy_pairs(40, seed=1)
    dev = toy_pairs(40, seed=2)
    quick = {**SMALL, "epochs": 3, "calibration": "none", "dropout": 0.0, "batch_size": 160, "learning_rate": 0.01}
    fourfold = [one for label in labels for one in ([1, 1, 1, 0] if label else [1, 0, 0, 0])]
    counted = DuplicateClassifier(**quick).fit([pair for pair in pairs for _ in range(4)], fourfold, dev)
    taught = DuplicateClassifier(**quick).fit(pairs, [0.75 if label else 0.25 for label in labels], dev)
    plain = DuplicateClassifier(**quick).fit(pairs, labels, dev)
    assert taught.history_["loss"][0] == pytest.approx(counted.history_["loss"][0], rel=1e-5)
    # Adam makes whole steps of gradients that are rounding errors, so what they lead to is less alike.
    assert taught.predict_proba(dev[0]) == pytest.approx(counted.predict_proba(dev[0]), abs=2e-3)
    assert np.abs(plain.predict_proba(dev[0]) - counted.predict_proba(dev[0])).max() > 0.01


def test_a_teacher_counts_in_the_history_as_the_label_it_is_nearer_to(toy_pairs):
    pairs, labels = toy_pairs(80, seed=1)
    labels = np.array(labels)
    dev = toy_pairs(40, seed=2)
    quick = {**SMALL, "epochs": 1, "calibration": "none", "dropout": 0.0}
    sure = DuplicateClassifier(**quick).fit(pairs, labels, dev)
    nearly = DuplicateClassifier(**quick).fit(pairs, labels * 0.999998 + 1e-6, dev)
    assert nearly.history_["accuracy"] == pytest.approx(sure.history_["accuracy"])
    assert nearly.history_["auc"] == pytest.approx(sure.history_["auc"])
    assert "a teacher's probabilities" in nearly.model_.bundle.card
    assert "teacher" not in sure.model_.bundle.card


def test_the_vectors_of_absent_words_are_left_alone(toy_pairs, monkeypatch):
    from textsiam.training import network as siamese
    from textsiam.training.optimizer import LazyAdam

    given = []
    compiled = siamese.compile_siamese
    monkeypatch.setattr(siamese, "compile_siamese", lambda *args: given.append(args[2]) or compiled(*args))
    DuplicateClassifier(**SMALL, epochs=1).fit(*toy_pairs(60, seed=1))
    assert [type(optimizer) for optimizer in given] == [LazyAdam]


@pytest.mark.parametrize("correct", [True, False])
def test_a_saved_model_corrects_misspelt_words_or_not(toy_pairs, tmp_path, correct):
    pairs, labels = toy_pairs(60, seed=1)
    word = "learn"
    classifier = DuplicateClassifier(**SMALL, epochs=1, correct_spelling=correct).fit(pairs, labels)
    classifier.save(tmp_path / "model")
    right, wrong = load_model(tmp_path / "model").preprocessor.encode([word, word[1] + word[0] + word[2:]])
    assert (right == wrong) is correct


@pytest.mark.parametrize(
    ("labels", "more", "message"),
    [
        ([0.5, 1.5] * 10, {}, r"\[0, 1\]; row 2 has 1.5"),
        ([0.5, -0.1] * 10, {}, r"row 2 has -0.1"),
        ([0.5, float("nan")] * 10, {}, r"row 2 has nan"),
        ([0.5, 1.0] * 10, {"class_weight": "balanced"}, "class_weight"),
        ([0.5, 1.0] * 10, {"loss": "contrastive"}, "contrastive"),
    ],
)
def test_wrong_probabilities_get_one_line(toy_pairs, labels, more, message):
    pairs, truth = toy_pairs(20, seed=1)
    with pytest.raises(TextsiamError, match=message) as caught:
        DuplicateClassifier(**SMALL, epochs=1, **more).fit(pairs, labels, (pairs, truth))
    assert "\n" not in str(caught.value)


def test_probabilities_need_dev_pairs(toy_pairs):
    with pytest.raises(TextsiamError, match="takes dev pairs"):
        DuplicateClassifier(**SMALL, epochs=1).fit(toy_pairs(20, seed=1)[0], [0.5] * 20)


# What check_estimator would ask, as far as pairs of strings can answer.


def test_clone_and_parameters():
    classifier = DuplicateClassifier(units=7, measures=("cosine",))
    assert clone(classifier).get_params() == classifier.get_params()
    assert classifier.set_params(units=9).units == 9
    with pytest.raises(ValueError, match="colour"):
        classifier.set_params(colour="red")
    assert repr(DuplicateClassifier()) == "DuplicateClassifier()"


def test_every_parameter_is_only_stored():
    sentinel = object()
    for name in DuplicateClassifier().get_params():
        assert getattr(DuplicateClassifier(**{name: sentinel}), name) is sentinel


def test_cross_validation_and_grid_search(toy_pairs):
    pairs, labels = toy_pairs(120, seed=1)
    pairs = np.array(pairs)
    quick = DuplicateClassifier(**SMALL, epochs=1)
    assert cross_val_score(quick, pairs, labels, cv=2, error_score="raise").shape == (2,)
    search = GridSearchCV(quick, {"units": [2, 4]}, cv=2, error_score="raise").fit(pairs, labels)
    assert search.best_params_["units"] in (2, 4)
    assert search.predict(pairs).shape == (120,)


def test_pipeline(toy_pairs):
    pairs, labels = toy_pairs(120, seed=1)
    trim = FunctionTransformer(lambda pairs: np.char.strip(np.array(pairs, dtype=str)))
    pipeline = make_pipeline(trim, DuplicateClassifier(**SMALL, epochs=1)).fit(pairs, labels)
    assert pipeline.predict_proba(pairs).shape == (120, 2)


def test_fit_does_not_change_its_input(toy_pairs):
    pairs, labels = toy_pairs(60, seed=1)
    frame, before = as_frame(pairs), as_frame(pairs)
    DuplicateClassifier(**SMALL, epochs=1).fit(frame, labels)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("pairs", "labels", "message"),
    [
        ([("a", "b")], [1], "both 0 and 1"),
        ([("a", "b"), ("c", "d")], [0, 1], "10 pairs of each label"),
        (None, [0, 1], "shape"),
        (5, [0, 1], "shape"),
        ("ab", [0, 1], "shape"),
        ([("a", "b")] * 30, [0, 1] * 14, "30 pairs and 28 labels"),
        ([("a", "b")] * 30, [0, 2] * 15, "'2'"),
        ([("a", None)] * 30, [0, 1] * 15, "row 1 has None"),
        ([("a", 5)] * 30, [0, 1] * 15, "row 1 has 5"),
        ([("a", "b", "c")] * 30, [0, 1] * 15, r"shape \(30, 3\)"),
        (["a"] * 30, [0, 1] * 15, r"shape \(30,\)"),
        ([], [], "no pairs"),
        (pd.DataFrame({"q1": ["a"], "question2": ["b"], "x": ["c"]}), [1], "q1, question2, x"),
    ],
)
def test_wrong_pairs_get_one_line(pairs, labels, message):
    with pytest.raises(TextsiamError, match=message) as caught:
        DuplicateClassifier(**SMALL, epochs=1).fit(pairs, labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("encoder", "gru"),
        ("units", 0),
        ("units", 2.5),
        ("measures", ("cosine", "cosine")),
        ("measures", ("sine",)),
        ("measures", ()),
        ("measures", ("length_ratio",)),
        ("hidden", (0,)),
        ("dropout", 1.0),
        ("loss", "hinge"),
        ("margin", 0),
        ("epochs", 0),
        ("batch_size", -1),
        ("learning_rate", 0),
        ("schedule", "linear"),
        ("class_weight", "even"),
        ("calibration", "sigmoid"),
        ("objective", "recall"),
        ("oov_buckets", 3),
        ("oov_buckets", 0),
        ("max_length", 0),
        ("hidden", 256),
        ("measures", "cosine"),
        ("max_vocabulary", 0.5),
        ("oov_buckets", None),
        ("dropout", "a"),
        ("learning_rate", None),
        ("vectors", 3),
        ("vectors", [3]),
        ("random_state", -1),
        ("random_state", None),
        ("precision", 0.9),
        ("objective", "precision"),
    ],
)
def test_wrong_parameters_get_one_line(parameter, value, toy_pairs):
    pairs, labels = toy_pairs(40, seed=1)
    with pytest.raises(TextsiamError) as caught:
        DuplicateClassifier(**{**SMALL, parameter: value}).fit(pairs, labels)
    assert "\n" not in str(caught.value)

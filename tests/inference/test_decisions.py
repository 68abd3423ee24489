"""Two texts, or two sequences, to probabilities and decisions."""

import numpy as np
import pytest

from textsiam import TextsiamError, is_duplicate, load_model, similarity

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


@pytest.mark.parametrize("model", [3, b"model", ["model"]])
def test_a_model_is_a_folder_or_a_model(model):
    with pytest.raises(TextsiamError, match="A model is"):
        similarity("a", "b", model=model)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), "0.5", [0.1]])
def test_wrong_thresholds_get_one_line(threshold, model_folder):
    with pytest.raises(TextsiamError, match="threshold"):
        is_duplicate(*SAME, model=model_folder, threshold=threshold)


def test_a_fitted_classifier_is_a_model(trained, model_folder):
    assert similarity(*SAME, model=trained) == similarity(*SAME, model=model_folder)

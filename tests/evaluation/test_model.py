"""All that is measured of a model: the parts fit together, and a model is asked once."""

import json

import numpy as np
import pandas as pd
import pytest

from textsiam.errors import TextsiamError
from textsiam.evaluation.figures import evaluate
from textsiam.evaluation.mistakes import most_confident_mistakes
from textsiam.evaluation.model import evaluate_model, evaluate_pairs
from textsiam.evaluation.slices import slices


class SameWords:
    """Says 0.9 of texts that are equal and 0.1 of others, and counts how often it is asked."""

    threshold = 0.5

    def __init__(self):
        self.calls = 0

    def probabilities(self, question1, question2):
        self.calls += 1
        return np.where(np.array(question1) == np.array(question2), 0.9, 0.1)


def test_evaluation_bundles_everything_for_json():
    frame = pd.DataFrame({"question1": ["is it 5", "why not", "a"], "question2": ["is it 6", "why", "b"]})
    tokens1, tokens2 = frame.question1.str.split().tolist(), frame.question2.str.split().tolist()
    rest = {"labels": pd.Series([1, 0, 0]), "probabilities": pd.Series([0.2, 0.9, 0.1]), "threshold": 0.5}
    evaluation = evaluate_pairs(frame.question1, frame.question2, tokens1, tokens2, **rest, seen=pd.Series([0, 1, 2]))
    assert evaluation.figures == evaluate(*rest.values())
    assert list(evaluation.slices) == slices(tokens1, tokens2, *rest.values(), seen=[0, 1, 2])
    assert evaluation.mistakes == most_confident_mistakes(frame.question1, frame.question2, *rest.values())
    written = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert written["mistakes"]["false_positives"] == [
        {"row": 1, "question1": "why not", "question2": "why", "probability": 0.9}
    ]
    assert written["figures"]["rows"] == 3


def test_a_model_is_asked_once_and_measured():
    model = SameWords()
    first, second, labels = ["a b", "c", "d 1", "e"], ["a b", "x", "d 1", "e f"], [1, 0, 0, 1]
    evaluation = evaluate_model(model, first, second, labels, known={"a b", "c", "e"})
    assert model.calls == 1
    assert evaluation.figures == evaluate(labels, [0.9, 0.1, 0.9, 0.1], 0.5)
    seen = {part.name: part.rows for part in evaluation.slices if "seen" in part.name}
    assert list(seen.values()) == [1, 2, 1]  # "d 1" twice; "c" and "e"; "a b" twice
    assert [mistake.row for mistake in evaluation.mistakes.false_positives] == [2]
    assert [mistake.row for mistake in evaluation.mistakes.false_negatives] == [3]


def test_probabilities_that_are_known_are_not_asked_for_again():
    model = SameWords()
    evaluation = evaluate_model(model, ["a", "b"], ["a", "c"], [1, 0], probabilities=[0.2, 0.3])
    assert model.calls == 0
    assert evaluation.figures.accuracy == 0.5
    assert not any("seen" in part.name for part in evaluation.slices)


@pytest.mark.parametrize("labels", [[], [1], [1, 2]])
def test_labels_that_do_not_fit_are_refused(labels):
    with pytest.raises(TextsiamError):
        evaluate_model(SameWords(), ["a", "b"], ["a", "c"], labels)

"""What several test files share: silence from TensorFlow, toy pairs, one small trained classifier."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import hypothesis
import numpy as np
import pytest

TOPICS = ["chess", "python", "guitar", "swimming", "physics", "cooking", "german", "history", "poker", "yoga"]
PLACES = ["paris", "london", "delhi", "tokyo", "berlin", "madrid", "oslo", "cairo", "lima", "rome"]

hypothesis.settings.register_profile("textsiam", deadline=None)  # a busy machine is no defect
hypothesis.settings.load_profile("textsiam")


@pytest.fixture(scope="session")
def toy_pairs():
    """Return a function: (n, seed) → n pairs that ask the same of one thing, or of two things, and their labels."""

    def make(count, seed):
        generator = np.random.default_rng(seed)
        forms = (
            ("How do I learn {}?", "What is the best way to learn {}?", TOPICS),
            ("Where can I stay in {}?", "Which hotel in {} is good?", PLACES),
            ("How much does a flat in {} cost?", "What is the price of a flat in {}?", PLACES),
        )
        pairs, labels = [], []
        for number in range(count):
            first, second, words = forms[generator.integers(len(forms))]
            one, other = generator.choice(words, 2, replace=False)
            label = number % 2
            pairs.append((first.format(one), second.format(one if label else other)))
            labels.append(label)
        return pairs, labels

    return make


@pytest.fixture(scope="session")
def trained(toy_pairs):
    """Return a classifier trained on toy pairs in a few seconds."""
    from textsiam import DuplicateClassifier

    pairs, labels = toy_pairs(600, seed=0)
    classifier = DuplicateClassifier(
        units=16, hidden=(16,), vector_size=16, min_count=1, oov_buckets=8, batch_size=32, epochs=6, learning_rate=0.01
    )
    return classifier.fit(pairs, labels, validation=toy_pairs(300, seed=100))


@pytest.fixture(scope="session")
def model_folder(trained, tmp_path_factory):
    """Return the folder of that classifier."""
    folder = tmp_path_factory.mktemp("models") / "model"
    trained.save(folder)
    return folder

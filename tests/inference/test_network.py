"""The NumPy network against the Keras network of the same weights, and what a model is made of."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from textsiam.errors import TextsiamError
from textsiam.files.pairs import read_pairs
from textsiam.inference.architecture import DEFAULT_MEASURES, ENCODERS, LOSSES, Architecture
from textsiam.inference.network import Network
from textsiam.siamese.measures import MEASURES
from textsiam.text.lexical import LEXICAL_MEASURES, Lexicon, lexical_similarities
from textsiam.text.preprocessor import Preprocessor
from textsiam.text.tokenise import Tokenizer
from textsiam.text.vocabulary import Vocabulary

DATA = Path(__file__).parent.parent.parent / "data"
VOCABULARY, DIMENSIONS, STEPS, PAIRS = 40, 5, 9, 300
KINDS = [(encoder, loss) for encoder in ENCODERS for loss in LOSSES]
TOKENS = {
    "idf": np.random.default_rng(1).uniform(1, 12, VOCABULARY).astype(np.float32),
    "numeric": np.random.default_rng(2).random(VOCABULARY) < 0.3,
    "stem": -(-np.arange(VOCABULARY, dtype=np.int32) // 3),
}
ALL = (*MEASURES, *LEXICAL_MEASURES)
SYMMETRIC = tuple(name for name in ALL if name != "difference_of_squares")


def fitting(encoder, measures):
    """Leave out what an encoder cannot do."""
    return tuple(name for name in measures if encoder != "lstm_flat" or name != "alignment")


def architecture(encoder, loss="binary_crossentropy", measures=ALL, hidden=(7, 3)):
    return Architecture(encoder, 4, DIMENSIONS, fitting(encoder, measures), hidden, loss, 1.5, STEPS)


def questions(count, seed, longest=STEPS):
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, longest + 1, count)
    lengths[0] = longest
    ids = generator.integers(1, VOCABULARY, (count, longest)).astype(np.int32)
    ids[np.arange(longest) >= lengths[:, None]] = 0
    return ids, lengths


def random_weights(network, seed=0):
    """Return random weights of the network's names and shapes, with biases and gates away from their first values."""
    from textsiam.training import network as siamese

    generator = np.random.default_rng(seed)
    first = siamese.get_weights(network)
    wide = ("token_states.kernel", "alignment.kernel", "alignment.bias")  # of 128 units, which the head sums
    return {
        name: generator.normal(0, 0.02 if name in wide else 0.7, weight.shape).astype(np.float32)
        for name, weight in first.items()
    }


@pytest.fixture(scope="module")
def build():
    """Return a function that builds both networks once for each architecture: Keras, NumPy, their weights."""
    from textsiam.training import network as siamese

    built = {}

    def make(made_of):
        if made_of not in built:
            keras_network = siamese.build_siamese(made_of, np.zeros((VOCABULARY, DIMENSIONS), np.float32), dropout=0.5)
            weights = random_weights(keras_network)
            siamese.set_weights(keras_network, weights)
            built[made_of] = keras_network, Network(made_of, {**weights, **TOKENS})
        return built[made_of]

    return make


def keras_outputs(keras_network, network, ids1, ids2):
    inputs = {"question1": ids1, "question2": ids2}
    names = network.architecture.lexical
    if names:
        inputs["lexical"] = lexical_similarities(names, ids1, ids2, Lexicon.of(network.weights))
    return np.asarray(keras_network(inputs, training=False))[:, 0]


def scores(network, ids, lengths, first, second, workers=1):
    with ThreadPoolExecutor(workers) as threads:
        share = threads.map if workers > 1 else map
        return network.compare(
            network.encode(ids, lengths, share), ids, lengths, np.asarray(first), np.asarray(second), share
        )


def assert_close(encodings, expected, atol):
    np.testing.assert_allclose(encodings.vectors, expected.vectors, atol=atol)
    np.testing.assert_allclose(encodings.states, expected.states, atol=atol)


@pytest.mark.parametrize(("encoder", "loss"), KINDS)
def test_numpy_equals_keras(build, encoder, loss):
    keras_network, network = build(architecture(encoder, loss))
    ids, lengths = questions(2 * PAIRS, seed=2)
    first, second = np.arange(PAIRS), np.arange(PAIRS, 2 * PAIRS)
    second[:20] = first[:20]  # equal questions too
    expected = keras_outputs(keras_network, network, ids[first], ids[second])
    values = scores(network, ids, lengths, first, second)
    assert values.dtype == np.float64
    if loss == "contrastive":
        np.testing.assert_allclose(1.5 / 2 - values, expected, atol=1e-5)
        assert (expected[:20] < 1e-5).all()
    else:
        np.testing.assert_allclose(1 / (1 + np.exp(-values)), expected, atol=1e-5)
        assert expected.std() > 0.05  # the comparison is of something
    expected = keras_network.get_layer("encoder")(ids, training=False)
    encodings = network.encode(ids, lengths)
    if network.architecture.late:
        expected, states = expected
        tokens = np.asarray(states)[np.arange(STEPS) < lengths[:, None]]
        np.testing.assert_allclose(encodings.states, tokens, atol=1e-5)
    np.testing.assert_allclose(encodings.vectors, np.asarray(expected), atol=1e-5)


@pytest.mark.parametrize(
    ("encoder", "measures", "hidden"),
    [
        ("lstm", ("cosine",), ()),
        ("bilstm", ("length_ratio", "manhattan_similarity"), (3,)),
        ("lstm_flat", ("shared_numbers", "product", "idf_overlap"), ()),
        ("bilstm", DEFAULT_MEASURES, (5,)),
    ],
)
def test_numpy_equals_keras_for_other_heads(build, encoder, measures, hidden):
    keras_network, network = build(architecture(encoder, measures=measures, hidden=hidden))
    ids, lengths = questions(80, seed=3)
    expected = keras_outputs(keras_network, network, ids[:40], ids[40:])
    values = scores(network, ids, lengths, np.arange(40), np.arange(40, 80))
    np.testing.assert_allclose(1 / (1 + np.exp(-values)), expected, atol=1e-5)


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("kind", ["real", "random"])
def test_numpy_equals_keras_on_ten_thousand_pairs(encoder, kind):
    from textsiam.training import network as siamese

    made_of = Architecture(encoder, 16, 12, fitting(encoder, ALL), (32,), flat_length=30)
    if kind == "real":
        pairs = read_pairs(DATA / "quora_sample_train.tsv.gz")[:10_000]
        texts = list(dict.fromkeys(pairs["question1"].tolist() + pairs["question2"].tolist()))
        tokens = [Tokenizer()(text) for text in texts]
        preprocessor = Preprocessor(Tokenizer(), Vocabulary.build(tokens, max_size=3000, oov_buckets=16))
        ids, lengths = preprocessor.encode_padded(texts)
        numbers = {text: number for number, text in enumerate(texts)}
        first, second = (pairs[column].map(numbers).to_numpy() for column in ("question1", "question2"))
        size = len(preprocessor.vocabulary)
    else:
        generator = np.random.default_rng(12)
        size, lengths = 3000, generator.integers(1, 31, 9_000)
        ids = generator.integers(1, size, (9_000, 30)).astype(np.int32)
        ids[np.arange(30) >= lengths[:, None]] = 0
        first, second = generator.integers(0, 9_000, (2, 10_000))
    lexicon = {
        "idf": np.random.default_rng(1).uniform(1, 12, size).astype(np.float32),
        "numeric": np.random.default_rng(2).random(size) < 0.3,
        "stem": -(-np.arange(size, dtype=np.int32) // 3),
    }
    keras_network = siamese.build_siamese(made_of, np.zeros((size, 12), np.float32))
    scale = 0.4 if encoder == "lstm_flat" else 0.5  # relu has no bound
    weights = {name: weight * scale for name, weight in random_weights(keras_network).items()}
    middle = np.median(scores(Network(made_of, {**weights, **lexicon}), ids, lengths, first, second, workers=2))
    weights["output.bias"] -= middle.astype(np.float32)  # probabilities of every height
    siamese.set_weights(keras_network, weights)
    network = Network(made_of, {**weights, **lexicon})
    found = 1 / (1 + np.exp(-scores(network, ids, lengths, first, second, workers=2)))
    width = made_of.flat_length if encoder == "lstm_flat" else ids.shape[1]
    full = np.pad(ids, ((0, 0), (0, max(0, width - ids.shape[1]))))[:, :width]
    inputs = {"question1": full[first], "question2": full[second]}
    inputs["lexical"] = lexical_similarities(made_of.lexical, ids[first], ids[second], Lexicon(**lexicon))
    expected = keras_network.predict(inputs, batch_size=1000, verbose=0)[:, 0]
    assert expected.std() > 0.03
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("encoder", "loss"), KINDS)
def test_padding_changes_nothing(build, encoder, loss):
    keras_network, network = build(architecture(encoder, loss))
    ids, lengths = questions(120, seed=4, longest=STEPS - 3)
    wide = np.pad(ids, ((0, 0), (0, 6)))
    first, second = np.arange(60), np.arange(60, 120)
    assert_close(network.encode(wide, lengths), network.encode(ids, lengths), atol=1e-6)
    np.testing.assert_allclose(
        scores(network, wide, lengths, first, second), scores(network, ids, lengths, first, second), atol=1e-5
    )
    if encoder != "lstm_flat":  # it takes exactly so many steps
        np.testing.assert_allclose(
            keras_outputs(keras_network, network, wide[:60], wide[60:]),
            keras_outputs(keras_network, network, ids[:60], ids[60:]),
            atol=1e-6,
        )


@pytest.mark.parametrize("encoder", ["lstm", "bilstm"])
def test_the_padding_row_of_the_embedding_is_never_read(build, encoder):
    _, network = build(architecture(encoder))
    ids, lengths = questions(50, seed=5)
    spoilt = network.weights["embedding.embeddings"].copy()
    spoilt[0] = np.nan
    other = Network(network.architecture, {**network.weights, "embedding.embeddings": spoilt})
    assert_close(other.encode(ids, lengths), network.encode(ids, lengths), atol=0)


def test_the_flat_encoder_cuts_longer_questions():
    made_of = architecture("lstm_flat")
    from textsiam.training import network as siamese

    keras_network = siamese.build_siamese(made_of, np.zeros((VOCABULARY, DIMENSIONS), np.float32))
    weights = random_weights(keras_network)
    siamese.set_weights(keras_network, weights)
    network = Network(made_of, {**weights, **TOKENS})
    ids, lengths = questions(30, seed=6, longest=STEPS + 5)
    expected = np.asarray(keras_network.get_layer("encoder")(ids[:, :STEPS], training=False))
    np.testing.assert_allclose(network.encode(ids, lengths).vectors, expected, atol=1e-5)


@pytest.mark.parametrize(("encoder", "loss"), KINDS)
def test_a_question_does_not_depend_on_its_batch(build, encoder, loss):
    _, network = build(architecture(encoder, loss))
    ids, lengths = questions(600, seed=7)  # more than one block of rows
    together = network.encode(ids, lengths)
    order = np.random.default_rng(8).permutation(600)
    mixed = network.encode(ids[order], lengths[order])
    for place, row in enumerate(order):
        np.testing.assert_allclose(mixed.flat(place, lengths[row]), together.flat(row, lengths[row]), atol=1e-5)
    for row in (0, 1, 599):
        width = lengths[row]
        alone = network.encode(ids[row : row + 1, :width], lengths[row : row + 1])
        np.testing.assert_allclose(alone.flat(0, width), together.flat(row, width), atol=1e-5)
    with ThreadPoolExecutor(2) as pool:
        assert_close(network.encode(ids, lengths, pool.map), together, atol=0)
    first, second = np.arange(300), np.arange(300, 600)
    all_scores = scores(network, ids, lengths, first, second)
    np.testing.assert_allclose(scores(network, ids, lengths, first, second, workers=2), all_scores, atol=1e-5)
    np.testing.assert_allclose(scores(network, ids, lengths, first[7:9], second[7:9]), all_scores[7:9], atol=1e-5)


@pytest.mark.parametrize(("encoder", "loss"), KINDS)
def test_swapped_questions_score_the_same_to_the_last_bit(build, encoder, loss):
    _, network = build(architecture(encoder, loss, SYMMETRIC))
    ids, lengths = questions(2 * PAIRS, seed=9)
    first, second = np.arange(PAIRS), np.arange(PAIRS, 2 * PAIRS)
    there, back = scores(network, ids, lengths, first, second), scores(network, ids, lengths, second, first)
    # What is trained to compare tokens is a product of matrices, which rounds; a model puts each pair into one order.
    np.testing.assert_allclose(there, back, atol=1e-5 if network.architecture.late else 0, rtol=0)


def test_the_published_baseline_is_not_symmetric(build):
    _, network = build(architecture("lstm_flat"))
    ids, lengths = questions(20, seed=10)
    first, second = np.arange(10), np.arange(10, 20)
    there, back = scores(network, ids, lengths, first, second), scores(network, ids, lengths, second, first)
    assert np.abs(there - back).max() > 1e-3


@pytest.mark.parametrize(("encoder", "loss"), KINDS)
def test_weights_go_out_and_in(build, encoder, loss):
    from textsiam.training import network as siamese

    keras_network, network = build(architecture(encoder, loss))
    weights = siamese.get_weights(keras_network)
    directions = ["forward", "backward"] if encoder == "bilstm" else ["forward"]
    expected = {f"{name}.{part}" for name in directions for part in ("kernel", "recurrent_kernel", "bias")}
    head = ["hidden_0", "hidden_1", "output"] if loss == "binary_crossentropy" else []
    head = ["lexical_hidden", *head] if head else head
    head += ["token_states", "alignment"] if network.architecture.late else []
    expected |= {f"{layer}.{part}" for layer in head for part in ("kernel", "bias")}
    assert weights.keys() == expected | {"embedding.embeddings"}
    for name, weight in weights.items():
        assert weight.dtype == np.float32
        np.testing.assert_array_equal(weight, network.weights[name])
    other = siamese.build_siamese(network.architecture, np.ones((VOCABULARY, DIMENSIONS), np.float32))
    siamese.set_weights(other, weights)
    again = siamese.get_weights(other)
    assert again.keys() == weights.keys()
    for name, weight in weights.items():
        np.testing.assert_array_equal(again[name], weight)
    ids, _ = questions(20, seed=11)
    np.testing.assert_allclose(
        keras_outputs(other, network, ids[:10], ids[10:]), keras_outputs(keras_network, network, ids[:10], ids[10:])
    )
    weights["forward.bias"] += 1  # what came out is a copy
    np.testing.assert_array_equal(siamese.get_weights(keras_network)["forward.bias"], network.weights["forward.bias"])


@pytest.mark.parametrize("encoder", ["lstm", "bilstm"])
@pytest.mark.parametrize("loss", ["binary_crossentropy", "contrastive"])
def test_the_network_of_distinct_tokens_learns_as_that_of_all(encoder, loss):
    """Outputs and weights after a step are those of Keras's own LSTM, which sees every token."""
    import keras

    from textsiam.training import network as siamese
    from textsiam.training.batches import distinct_tokens

    made_of, zeros = architecture(encoder, loss), np.zeros((VOCABULARY, DIMENSIONS), np.float32)
    networks = [siamese.build_siamese(made_of, zeros, distinct=distinct) for distinct in (False, True)]
    weights = random_weights(networks[0])
    ids, _ = questions(40, seed=3)
    pairs = {"question1": ids[:20], "question2": ids[20:]}
    lexical = {"lexical": np.random.default_rng(0).random((20, len(made_of.lexical))).astype(np.float32)}
    labels = np.random.default_rng(1).integers(0, 2, (20, 1)).astype(np.float32)
    outputs, learnt = [], []
    for network, inputs in zip(networks, (pairs, distinct_tokens(**pairs, multiple=8)), strict=True):
        siamese.set_weights(network, weights)
        siamese.compile_siamese(network, made_of, keras.optimizers.SGD(0.1))
        fed = inputs | (lexical if made_of.lexical else {})
        outputs.append(network.predict_on_batch(fed))
        network.train_on_batch(fed, labels)
        learnt.append(siamese.get_weights(network))
    np.testing.assert_allclose(*outputs, atol=1e-6)
    assert learnt[0].keys() == learnt[1].keys()
    for name, first in weights.items():
        np.testing.assert_allclose(learnt[1][name], learnt[0][name], atol=1e-5, err_msg=name)
        assert np.abs(learnt[0][name] - first).max() > 1e-4, name


def test_the_embedding_starts_with_the_given_vectors():
    from textsiam.training import network as siamese

    vectors = np.random.default_rng(0).normal(size=(VOCABULARY, DIMENSIONS)).astype(np.float32)
    for train in (True, False):
        network = siamese.build_siamese(architecture("lstm"), vectors, train_vectors=train)
        np.testing.assert_array_equal(siamese.get_weights(network)["embedding.embeddings"], vectors)
        names = {variable.path for variable in network.trainable_variables}
        assert any("embedding" in name for name in names) == train


def test_one_encoder_serves_both_questions():
    from textsiam.training import network as siamese

    network = siamese.build_siamese(architecture("bilstm"), np.zeros((VOCABULARY, DIMENSIONS), np.float32))
    assert len({variable.path for variable in network.trainable_variables}) == len(network.trainable_variables) == 19
    assert sum(layer.name == "encoder" for layer in network.layers) == 1


# What a model is made of


@pytest.mark.parametrize(("encoder", "loss"), KINDS)
def test_an_architecture_goes_through_json(encoder, loss):
    for made_of in (architecture(encoder, loss), architecture(encoder, loss, ("cosine",), ())):
        again = Architecture.from_dict(json.loads(json.dumps(made_of.to_dict())))
        assert again == made_of
        assert hash(again) == hash(made_of)


def test_an_architecture_knows_its_symmetry_and_its_lexical_measures():
    assert Architecture().symmetric
    assert Architecture().lexical == (
        "idf_overlap",
        "stem_overlap",
        "bigram_overlap",
        "idf_containment",
        "least_unshared",
        "most_unshared",
        "shared_numbers",
        "shared_rare_words",
        "length_ratio",
    )
    assert not architecture("lstm").symmetric
    assert architecture("lstm", measures=SYMMETRIC).symmetric
    assert architecture("lstm", "contrastive").symmetric  # the distance is all it looks at
    assert architecture("lstm", "contrastive").lexical == ()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"encoder": "gru"}, "no encoder 'gru'; there are: lstm, bilstm, lstm_flat"),
        ({"loss": "triplet"}, "no loss 'triplet' for text; there are: binary_crossentropy, contrastive"),
        ({"units": 0}, "units must be a whole number of at least 1, not 0"),
        ({"units": 2.0}, "units must be a whole number of at least 1, not 2.0"),
        ({"embedding": True}, "embedding must be a whole number of at least 1, not True"),
        ({"flat_length": "30"}, "flat_length must be a whole number of at least 1, not '30'"),
        ({"hidden": (8, 0)}, "hidden layers have whole numbers of units of at least 1, not 0"),
        ({"margin": 0}, "margin must be a number above 0, not 0"),
        ({"margin": float("nan")}, "margin must be a number above 0, not nan"),
        ({"margin": float("inf")}, "margin must be a number above 0, not inf"),
        ({"margin": "1"}, "margin must be a number above 0, not '1'"),
        ({"measures": ()}, "Choose one or more different similarity measures"),
        ({"measures": ("alignment",)}, "Choose a measure of the encodings beside alignment"),
        ({"encoder": "lstm_flat", "measures": ("cosine", "alignment")}, "'lstm_flat' has no states of tokens"),
        ({"measures": ("cosine", "sine")}, "no similarity measure 'sine'"),
    ],
)
def test_wrong_architectures_are_refused(setting, words):
    with pytest.raises(TextsiamError) as error:
        Architecture(**setting)
    assert words in str(error.value)
    assert "\n" not in str(error.value)

"""ImageSiamese on synthetic images: learns, answers symmetrically, is saved as data, knows names, warns of collapse."""

import copy
import io
import json
import logging
import pickle
import random
import subprocess
import sys

import joblib
import keras
import numpy as np
import pytest
from keras import layers

from textsiam import ImageSiamese, load_model
from textsiam.errors import TextsiamError
from textsiam.images.data.pixels import fit_images
from textsiam.images.data_only import check_data_only
from textsiam.images.folder import describe_encoder
from textsiam.images.network import HeadSettings, SiameseNetwork
from textsiam.inference.folder import read_bundle, write_bundle
from textsiam.siamese.backend import seeded
from textsiam.siamese.measures import EPSILON

SHAPE = (12, 12, 1)


def bars(count, seed=0, classes=range(4)):
    """Noisy images with one bright bar, whose place is the class."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(list(classes), count)
    images = generator.integers(0, 90, (count, *SHAPE), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        place = 1 + 3 * (label % 3)
        if label < 3:
            image[place : place + 2] += 150
        else:
            image[:, place : place + 2] += 150
    return images, labels


@pytest.fixture(scope="module")
def bar_model():
    model = ImageSiamese("dense", encoder_options={"units": (32, 8)}, epochs=8, batch_size=64, calibration="platt")
    return model.fit(*bars(600), validation=bars(200, seed=1))


def small_encoder(dimensions=6):
    images = keras.Input(SHAPE)
    hidden = layers.Conv2D(4, 3, strides=2, activation="relu")(images)
    return keras.Model(images, layers.Dense(dimensions)(layers.Flatten()(hidden)))


def test_it_learns_to_tell_pairs_apart(bar_model):
    figures = bar_model.evaluate(*bars(300, seed=2))
    assert figures.rows == 600
    assert figures.accuracy > 0.95
    assert figures.loss < 0.1
    assert figures.threshold == bar_model.threshold_
    history = bar_model.history_
    assert len(history["loss"]) == len(history["spread"]) == 8
    assert bar_model.model_.metrics["dev"]["loss"] == pytest.approx(min(history["val_loss"]), rel=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "contrastive", "pairing": "random"},
        {"loss": "contrastive", "pairing": "once", "form": "squared"},
        {"loss": "contrastive", "pairing": "consecutive"},
        {"loss": "contrastive", "images_per_class": 8},
        {"loss": "triplet", "mining": "all"},
        {"loss": "triplet", "mining": "semihard"},
        {"loss": "triplet", "mining": "hard", "learning_rate": 0.003},
        {"loss": "triplet", "mining": "random"},
        {"loss": "triplet", "mining": "nearest"},
        {"loss": "binary_crossentropy", "hidden": (8,), "dropout": 0.1},
    ],
    ids=str,
)
def test_every_way_of_training_learns(options):
    options = {"encoder_options": {"units": (32, 8)}, "epochs": 5, "batch_size": 64, "learning_rate": 0.01} | options
    model = ImageSiamese("dense", **options)
    model.fit(*bars(400), validation=bars(150, seed=1))
    assert model.evaluate(*bars(200, seed=2)).roc_auc > 0.93


@pytest.mark.parametrize(("name", "shape"), [("dense", SHAPE), ("lenet", (28, 28, 1)), ("conv", (16, 12, 3))])
def test_each_encoder_trains_saves_and_loads(name, shape, tmp_path):
    images, labels = bars(60)
    images = fit_images(images, size=shape[:2], channels=shape[2])
    model = ImageSiamese(name, epochs=1, batch_size=30, shift=1, mirror=True).fit(images, labels)
    model.save(tmp_path / "model")
    again = ImageSiamese.load(tmp_path / "model")
    np.testing.assert_array_equal(again.embed(images[:5]), model.embed(images[:5]))
    assert (again.encoder, again.epochs, again.shift, again.mirror) == (name, 1, 1, True)


def test_published_sizes():
    def weights(name, shape=(28, 28, 1), **options):
        from textsiam.images.encoders import build_image_encoder

        return build_image_encoder(name, shape, **options).count_params()

    assert weights("dense") == 784 * 512 + 512 + 512 * 256 + 256 + 256 * 64 + 64
    published = 9 * 64 + 64 + 9 * 64 * 64 + 64 + 64 * 48 + 48  # two 3×3 convolutions of 64 filters, dense 48
    assert weights("conv") <= published


def test_a_distance_is_symmetric_to_the_last_bit_and_the_same_in_every_batch(bar_model):
    a, b = bars(37, seed=3)[0], bars(37, seed=4)[0]
    forth, back = bar_model.distance(a, b), bar_model.distance(b, a)
    np.testing.assert_array_equal(forth, back)
    single = np.concatenate([bar_model.distance(a[i : i + 1], b[i : i + 1]) for i in range(37)])
    np.testing.assert_allclose(forth, single, atol=1e-5)
    u, v = bar_model.embed(a), bar_model.embed(b)
    np.testing.assert_allclose(forth, np.linalg.norm(u - v, axis=1), atol=1e-5)
    assert bar_model.distance(a, a).max() <= np.sqrt(EPSILON) * 1.01


def test_a_sigmoid_head_is_symmetric_to_the_last_bit_and_its_distance_lies_in_0_to_1():
    network = SiameseNetwork.build(small_encoder(), HeadSettings("binary_crossentropy", hidden=(5,)))
    u, v = np.random.default_rng(0).normal(size=(2, 40, 6)).astype(np.float32)
    forth = network.compare(u, v)
    np.testing.assert_array_equal(forth, network.compare(v, u))
    assert ((forth > 0) & (forth < 1)).all()
    plain = 1 - network.head.predict_on_batch([u, v])[:, 0]
    np.testing.assert_allclose(forth, plain, atol=1e-6)


def test_fractions_and_bytes_of_the_same_images_are_the_same(bar_model):
    images = bars(8, seed=5)[0]
    np.testing.assert_array_equal(bar_model.embed(images), bar_model.embed(images[..., 0] / 255))


def test_verdicts_follow_the_threshold_and_probabilities_fall_with_distance(bar_model):
    a, b = bars(50, seed=6)[0], bars(50, seed=7)[0]
    verdicts = bar_model.verify(a, b)
    np.testing.assert_array_equal(verdicts.same, verdicts.distances <= bar_model.threshold_)
    order = np.argsort(verdicts.distances)
    assert (np.diff(verdicts.probabilities[order]) <= 0).all()
    assert not bar_model.verify(a, b, threshold=-1).same.any()


def test_a_batch_with_many_pairs_encodes_each_image_once():
    """The gradient of pairs by index is that of the encoder called twice on repeated images."""
    with seeded(1):
        encoder = small_encoder()
    network = SiameseNetwork.build(encoder, HeadSettings())
    images = bars(5)[0] / np.float32(255)
    first, second = np.array([0, 0, 3, 4], np.int32), np.array([1, 2, 0, 3], np.int32)
    model = network.pair_model()
    distances = model.predict_on_batch({"images": images, "first": first, "second": second})[:, 0]
    u, v = (encoder.predict_on_batch(images[places]) for places in (first, second))
    assert (distances > 0.1).all()
    np.testing.assert_allclose(distances, np.linalg.norm(u - v, axis=1), rtol=1e-4)


def test_training_on_identical_images_keeps_every_weight_finite():
    """√0 has an infinite gradient; the distance of equal images must not poison the weights."""
    images = np.repeat(bars(1)[0], 40, axis=0)
    labels = np.arange(40) % 4
    for loss in ("contrastive", "triplet", "binary_crossentropy"):
        model = ImageSiamese("dense", loss, encoder_options={"units": (4,)}, epochs=2, batch_size=20)
        model.fit(images, labels, validation=bars(40))
        assert all(np.isfinite(weights).all() for weights in model.model_.network.get_weights().values())


@pytest.mark.parametrize("ended", [0, 2])
def test_control_c_keeps_the_best_whole_epoch_if_there_is_one(ended, monkeypatch, caplog):
    original = keras.Model.fit

    def interrupted(self, *args, initial_epoch, **options):
        fitted = original(self, *args, initial_epoch=initial_epoch, **options)
        if initial_epoch == ended:
            raise KeyboardInterrupt  # when the weights are other ones already
        return fitted

    monkeypatch.setattr("keras.Model.fit", interrupted)
    model = ImageSiamese("dense", epochs=9, encoder_options={"units": (8,)})
    if not ended:
        with pytest.raises(TextsiamError, match="nothing is kept"):
            model.fit(*bars(300))
        return
    model.fit(*bars(300), validation=bars(200, seed=1))
    assert "Interrupted after 2 whole epochs" in caplog.text
    assert len(model.history_["val_auc"]) == 2
    best = model.model_.training["best_epoch"]
    assert model.model_.metrics["dev"]["roc_auc"] == pytest.approx(model.history_["val_auc"][best - 1], abs=1e-6)


def test_collapse_is_warned_about_once(caplog):
    images = np.repeat(bars(1)[0], 80, axis=0)  # all alike: every embedding is the same point, the loss is the margin
    labels = np.arange(80) % 4
    model = ImageSiamese("dense", "triplet", margin=0.5, mining="hard", encoder_options={"units": (4,)}, epochs=3)
    with caplog.at_level(logging.WARNING):
        model.fit(images, labels, validation=(images, labels))
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "collapsed" in warnings[0]
    assert model.history_["loss"][-1] == pytest.approx(0.5, abs=0.01)
    assert model.history_["spread"][-1] < 1e-5


def test_healthy_training_warns_of_nothing(caplog):
    with caplog.at_level(logging.WARNING):
        ImageSiamese("dense", epochs=2, encoder_options={"units": (8,)}).fit(*bars(200))
    assert not caplog.records


def test_the_same_seed_gives_the_same_weights_and_another_others():
    def weights(seed):
        model = ImageSiamese("dense", encoder_options={"units": (8,)}, epochs=2, random_state=seed)
        return model.fit(*bars(200)).model_.network.get_weights()["encoder.000.kernel"]

    np.testing.assert_array_equal(weights(0), weights(0))
    assert (weights(0) != weights(1)).any()


def pairs_of(count, seed):
    images, labels = bars(2 * count, seed)
    return images[:count], images[count:], (labels[:count] == labels[count:]).astype(int)


@pytest.mark.parametrize("loss", ["contrastive", "binary_crossentropy"])
def test_pairs_given_as_arrays_are_learnt(loss):
    model = ImageSiamese(
        "dense", loss, encoder_options={"units": (32, 8)}, epochs=12, batch_size=64, learning_rate=0.01
    )
    model.fit_pairs(*pairs_of(800, 0))
    figures = model.evaluate_pairs(*pairs_of(300, 1))
    assert figures.rows == 300
    assert figures.roc_auc > 0.95


@pytest.fixture
def pair_table(tmp_path):
    from PIL import Image

    images, labels = bars(60)
    lines = ["path_a,path_b,same"]
    for number, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{number}.png")
    generator = np.random.default_rng(0)
    for _ in range(400):
        one, other = generator.choice(60, 2, replace=False)
        lines.append(f"{one}.png,{other}.png,{int(labels[one] == labels[other])}")
    (tmp_path / "pairs.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "pairs.csv"


def test_pairs_streamed_from_the_disk_are_learnt_and_measured(pair_table):
    from textsiam.images.data.pairs import read_pair_list

    pairs = read_pair_list(pair_table)
    options = {"units": (32, 8), "dropout": 0}
    model = ImageSiamese("dense", encoder_options=options, epochs=12, batch_size=64, learning_rate=0.01)
    model.fit_pairs(pairs, validation=pairs, shape=SHAPE)
    assert model.evaluate_pairs(pairs).roc_auc > 0.95
    with pytest.raises(TextsiamError, match="shape="):
        ImageSiamese().fit_pairs(pairs)


def test_streamed_batches_hold_each_distinct_picture_once(pair_table):
    from textsiam.images.batches import Augmentation, stream_batches
    from textsiam.images.data.pairs import read_pair_list

    pairs = read_pair_list(pair_table)
    batches = list(stream_batches(pairs, 50, SHAPE, Augmentation(0, False, 0), seed=0, epoch=0))
    assert len(batches) == 16
    plain = pairs.batches(25, size=SHAPE[:2], channels=1, seed=0, epoch=0)
    for (inputs, same), (a, b, truth) in zip(batches, plain, strict=True):
        images = np.rint(inputs["images"] * 255).astype(np.uint8)
        assert images.shape == (50, *SHAPE)
        np.testing.assert_array_equal(images[inputs["first"]], a)
        np.testing.assert_array_equal(images[inputs["second"]], b)
        np.testing.assert_array_equal(same, truth)
        used = np.unique([inputs["first"], inputs["second"]])
        assert len({image.tobytes() for image in images}) == len(used)


def test_a_name_is_known_after_one_image_and_strangers_are_unknown(tmp_path, bar_model):
    new = ImageSiamese.load(save(bar_model, tmp_path))
    photos, labels = bars(200, seed=8)
    for name in range(3):
        new.enroll(f"bar {name}", photos[labels == name][:1])
    answers = new.identify(photos, k=2)
    shown = np.array([answer.name for answer in answers])
    known = labels < 3
    right = shown[known] == [f"bar {label}" for label in labels[known]]
    assert right.mean() > 0.9
    assert (shown[~known] == "unknown").mean() > 0.9
    assert all(len(answer.matches) == 2 for answer in answers)
    assert all(answer.matches[0].distance <= answer.matches[1].distance for answer in answers)
    new.save(tmp_path / "with names")
    again = ImageSiamese.load(tmp_path / "with names")
    assert [answer.name for answer in again.identify(photos[:20])] == shown[:20].tolist()
    assert again.identify(photos[:1], threshold=-1)[0].name == "unknown"


def test_mistakes_about_names_are_told(tmp_path, bar_model):
    model = ImageSiamese.load(save(bar_model, tmp_path))
    with pytest.raises(TextsiamError, match="Nobody is enrolled"):
        model.identify(bars(1)[0])
    with pytest.raises(TextsiamError, match="A name is a text other than 'unknown'"):
        model.enroll("unknown", bars(1)[0])
    with pytest.raises(TextsiamError, match="needs an image"):
        model.enroll("nobody", bars(1)[0][:0])


def save(model, folder):
    model.save(folder / "model", overwrite=True)
    return folder / "model"


def through_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    return joblib.load(file)


def test_a_folder_is_read_in_a_fresh_process(bar_model, tmp_path):
    images = bars(5, seed=9)[0]
    np.save(tmp_path / "images.npy", images)
    code = f"""
import numpy as np
from textsiam import ImageSiamese
model = ImageSiamese.load({str(save(bar_model, tmp_path))!r})
np.save({str(tmp_path / "embeddings.npy")!r}, model.embed(np.load({str(tmp_path / "images.npy")!r})))
print(model.threshold_, model.verify(np.zeros((1, 12, 12)), np.ones((1, 12, 12))).probabilities is not None)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == [str(bar_model.threshold_), "True"]
    np.testing.assert_allclose(np.load(tmp_path / "embeddings.npy"), bar_model.embed(images), atol=1e-6)
    files = {path.name for path in (tmp_path / "model").iterdir()}
    assert {"config.json", "weights.safetensors", "metrics.json", "README.md", "manifest.json"} <= files


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), through_joblib], ids=str)
def test_a_model_can_be_pickled_and_copied(bar_model, clone, tmp_path):
    bar_model = ImageSiamese.load(save(bar_model, tmp_path))
    bar_model.enroll("bar", bars(1)[0])
    other = clone(bar_model)
    a, b = bars(9, seed=3)[0], bars(9, seed=4)[0]
    np.testing.assert_array_equal(other.distance(a, b), bar_model.distance(a, b))
    assert other.parameters() == bar_model.parameters()
    assert other.model_.gallery.names == ("bar",)
    other.enroll("another", a)
    assert bar_model.model_.gallery.names == ("bar",)


@pytest.mark.parametrize("trained", [False, True])
def test_a_keras_model_as_encoder_is_pickled_with_its_weights(trained):
    images, labels = bars(60)
    model = ImageSiamese(small_encoder(), epochs=1, batch_size=20)
    if trained:
        model.fit(images, labels)
    other = pickle.loads(pickle.dumps(model))
    for weights, copied in zip(model.encoder.get_weights(), other.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, copied)
    assert (other.encoder is other.model_.network.encoder) if trained else not hasattr(other, "model_")
    np.testing.assert_array_equal(*(each.fit(images, labels).embed(images) for each in (model, other)))


def test_the_random_state_of_the_caller_is_left_alone():
    random.seed(5)
    np.random.seed(5)
    expected = random.random(), np.random.rand()
    random.seed(5)
    np.random.seed(5)
    ImageSiamese("dense", encoder_options={"units": (4,), "dropout": 0.5}, epochs=1).fit(*bars(60))
    assert (random.random(), np.random.rand()) == expected


def test_a_damaged_folder_is_refused(bar_model, tmp_path):
    folder = save(bar_model, tmp_path)
    bundle = read_bundle(folder)
    weights = {name: array for name, array in bundle.weights.items() if name != "encoder.000.kernel"}
    write_bundle(tmp_path / "less", type(bundle)(bundle.config, weights, bundle.metrics, bundle.card))
    with pytest.raises(TextsiamError, match=r"damaged.*encoder\.000\.kernel"):
        ImageSiamese.load(tmp_path / "less")
    (folder / "weights.safetensors").write_bytes(b"broken")
    with pytest.raises(TextsiamError, match="differs from its checksum"):
        ImageSiamese.load(folder)


def test_a_text_model_is_no_image_model_and_the_other_way_round(bar_model, model_folder, tmp_path):
    with pytest.raises(TextsiamError, match="no image model"):
        ImageSiamese.load(model_folder)
    with pytest.raises(TextsiamError, match="image model"):
        load_model(save(bar_model, tmp_path))


def test_a_keras_model_as_encoder_is_kept_as_data(tmp_path):
    images, labels = bars(120)
    model = ImageSiamese(small_encoder(), "binary_crossentropy", epochs=1, batch_size=40).fit(images, labels)
    again = ImageSiamese.load(save(model, tmp_path))
    np.testing.assert_array_equal(again.distance(images[:6], images[6:12]), model.distance(images[:6], images[6:12]))
    assert (
        json.loads((tmp_path / "model" / "config.json").read_text())["architecture"]["encoder"]["keras"]["class_name"]
        == "Functional"
    )


def test_an_encoder_that_is_code_is_refused_when_saved_and_when_loaded(tmp_path):
    images = keras.Input(SHAPE)
    code = keras.Model(images, layers.Flatten()(layers.Lambda(lambda x: 2 * x)(images)))
    with pytest.raises(TextsiamError, match="no code"):
        ImageSiamese(code, epochs=1).fit(*bars(40))
    model = ImageSiamese(small_encoder(), epochs=1, batch_size=20).fit(*bars(60))
    bundle = read_bundle(save(model, tmp_path))
    for number, (module, name) in enumerate(
        [
            ("keras.layers", "Lambda"),
            ("keras.layers", "TFSMLayer"),
            ("keras.layers", "IntegerLookup"),
            ("os", "system"),
            ("keras.utils", "get_file"),
        ]
    ):
        config = json.loads(json.dumps(bundle.config))
        layer = config["architecture"]["encoder"]["keras"]["config"]["layers"][1]
        layer["module"], layer["class_name"] = module, name
        write_bundle(tmp_path / str(number), type(bundle)(config, bundle.weights, {}, ""))
        with pytest.raises(TextsiamError, match="no code"):
            ImageSiamese.load(tmp_path / str(number))


def test_too_few_images_to_decide_on_are_named():
    images, labels = bars(20)
    with pytest.raises(TextsiamError, match=r"The 2 validation images make no pairs: .* Give more images: validation="):
        ImageSiamese(small_encoder(), epochs=1).fit(images, labels, (images[:2], labels[[0, 0]]))


def test_a_function_of_keras_where_a_class_is_meant_is_refused():
    config = describe_encoder(small_encoder())["keras"]
    check_data_only(config)
    config["config"]["layers"][1]["class_name"] = "deserialize"
    with pytest.raises(TextsiamError, match="no code"):
        check_data_only(config)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": "vgg"}, "no encoder 'vgg'"),
        ({"encoder": "lenet"}, "does not take images of 12 × 12 × 1"),
        ({"encoder_options": {"filters": 3}}, "does not take these options"),
        ({"loss": "mse"}, "loss must be one of"),
        ({"margin": 0}, "margin must be a number above 0"),
        ({"form": "cubed"}, "form must be one of distance, squared"),
        ({"mining": "soft"}, "mining must be one of"),
        ({"pairing": "twice"}, "pairing must be one of"),
        ({"measures": ("idf_overlap",)}, "no similarity measure 'idf_overlap'"),
        ({"measures": ("difference_of_squares",)}, "no similarity measure 'difference_of_squares'"),
        ({"dropout": 1}, r"dropout must be a number in \[0, 1\)"),
        ({"epochs": 0}, "epochs must be a whole number"),
        ({"batch_size": 1}, "batch_size must be a whole number"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0"),
        ({"shift": -1}, "shift must be a whole number"),
    ],
    ids=str,
)
def test_a_wrong_parameter_is_told_in_one_line(options, message):
    with pytest.raises(TextsiamError, match=message) as error:
        ImageSiamese(**options).fit(*bars(40))
    assert "\n" not in str(error.value)


def test_wrong_data_are_told_in_one_line(bar_model):
    images, labels = bars(40)
    with pytest.raises(TextsiamError, match="one label"):
        ImageSiamese().fit(images, labels[:-1])
    with pytest.raises(TextsiamError, match="Validation images have the shape"):
        ImageSiamese().fit(images, labels, validation=(images[:, :6], labels))
    with pytest.raises(TextsiamError, match="takes images of"):
        bar_model.embed(images[:, :6])
    with pytest.raises(TextsiamError, match="as many images on both sides"):
        bar_model.distance(images, images[:3])
    with pytest.raises(TextsiamError, match="not trained yet"):
        ImageSiamese().embed(images)
    with pytest.raises(TextsiamError, match="Triplets are made from labels"):
        ImageSiamese(loss="triplet").fit_pairs(images, images, np.ones(40))
    with pytest.raises(TextsiamError, match="labels 0 or 1"):
        ImageSiamese().fit_pairs(images, images, np.full(40, 2))
    with pytest.raises(TextsiamError, match="one vector an image"):
        ImageSiamese(keras.Sequential([keras.Input(SHAPE), layers.Conv2D(2, 3)])).fit(images, labels)
    with pytest.raises(TextsiamError, match="The encoder takes images of"):
        ImageSiamese(small_encoder()).fit(images[:, :6], labels)


def test_a_loss_that_is_no_number_stops_training():
    with pytest.raises(TextsiamError, match="Lower the learning rate"):
        ImageSiamese("dense", learning_rate=1e30, epochs=3).fit(*bars(200))

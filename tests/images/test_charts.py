"""Pictures of pairs, distances and embeddings: what is drawn, where, and that it fits into the picture."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.image import imread
from scipy import ndimage

from textsiam.errors import TextsiamError
from textsiam.evaluation.charts import COLOURS
from textsiam.images import charts as pictures
from textsiam.images.charts import plot_distances, plot_embeddings, plot_pair_grid

RANDOM = np.random.default_rng(0)


@pytest.fixture
def figures(monkeypatch):
    """Return the figures as they are written."""
    drawn = []
    monkeypatch.setattr(pictures, "write_png", lambda path, figure: drawn.append(figure))
    return drawn


def fits(figure):
    """Whether everything that is drawn lies within the figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = figure.get_tightbbox(canvas.get_renderer())  # inches
    return box.x0 > -0.01 and box.y0 > -0.01 and (np.array([box.x1, box.y1]) < figure.get_size_inches() + 0.01).all()


def pairs(count, shape=(28, 28)):
    """Return grey pairs, their labels and distances; all verdicts are right at 0.5."""
    a, b = RANDOM.integers(0, 256, (2, count, *shape)).astype(np.uint8)
    same = np.arange(count) % 2
    return a, b, same, np.where(same, 0.2, 0.8) + RANDOM.uniform(-0.1, 0.1, count)


def framed(path, rows, columns):
    """Return in which cells of a grid, counted row by row, stands a frame of the colour of mistakes."""
    picture = imread(path)[:, :, :3]
    height, width = picture.shape[:2]
    shapes, _ = ndimage.label(np.abs(picture - to_rgb(COLOURS["different"])).max(axis=2) < 0.02)
    found = []
    for down, across in ndimage.find_objects(shapes):
        if across.stop - across.start > 0.8 * width / columns:  # letters are narrow
            row = (down.start + down.stop) / 2 * rows / height
            found.append(int(row) * columns + int((across.start + across.stop) / 2 * columns / width))
    return found


@pytest.mark.parametrize("mistakes", [[], [0], [5], [18], [7, 12, 23]])
def test_frames_are_where_the_mistakes_are(tmp_path, mistakes):
    a, b, same, distances = pairs(24)
    distances[mistakes] = 1 - distances[mistakes]
    plot_pair_grid(tmp_path / "grid.png", a, b, same, distances, 0.5)
    assert framed(tmp_path / "grid.png", 4, 6) == mistakes


def test_grid_shows_the_pairs_their_distances_and_verdicts(figures):
    a, b, same, distances = pairs(5)
    distances[:] = [123.4, 0.5, 0.51, 0.123456, 0.2]  # at the threshold is same
    plot_pair_grid("grid.png", a, b, same, distances, 0.5)
    (figure,) = figures
    axes = figure.axes
    assert [axis.get_title() for axis in axes] == [
        "123 · different",
        "0.500 · same",
        "0.510 · different",
        "0.123 · same",
        "0.200 · same",
    ]
    for number, axis in enumerate(axes):
        first, second = (image.get_array() for image in axis.get_images())
        np.testing.assert_array_equal(first, a[number])
        np.testing.assert_array_equal(second, b[number])
        assert axis.spines["top"].get_visible() == (number == 4)
        (left, right, *_), (begin, *_) = (image.get_extent() for image in axis.get_images())
        assert left < right < begin
    assert "Pairs: 5 · same up to a distance of 0.500 · mistakes in all: 1 (20.0%)" in figure.get_suptitle()


def test_large_grids_show_the_worst_mistakes_and_count_all(figures):
    a, b, same, distances = pairs(3000)
    a[:, 0, 0], a[:, 0, 1] = np.divmod(np.arange(3000), 256)  # its number stands in each image
    wrong = np.sort(RANDOM.choice(3000, 300, replace=False))
    distances[wrong] = np.where(same[wrong], 0.6, 0.4)
    worst = wrong[[3, 50, 100, 150, 200, 299]]
    distances[worst] = np.where(same[worst], 0.95, 0.05)
    plot_pair_grid("grid.png", a, b, same, distances, 0.5)
    (figure,) = figures
    shown = [int(axis.get_images()[0].get_array()[0, :2] @ np.array([256, 1])) for axis in figure.axes]
    assert len(shown) == 24
    assert shown == sorted(set(shown))
    assert [number for number in shown if number in set(wrong)] == worst.tolist()
    assert "24 of 3,000 · same up to a distance of 0.500 · mistakes in all: 300 (10.0%)" in figure.get_suptitle()
    assert fits(figure)


def test_a_grid_of_mistakes_only(figures):
    a, b, same, distances = pairs(40)
    plot_pair_grid("grid.png", a, b, 1 - same, distances, 0.5)
    assert all(axis.spines["left"].get_visible() for axis in figures[0].axes)
    assert len(figures[0].axes) == 24


@pytest.mark.parametrize("shape", [(28, 28), (112, 92), (20, 60), (400, 4), (1, 1), (8, 8, 3), (8, 8, 1)])
@pytest.mark.parametrize("count", [1, 7])
def test_grids_of_any_shape_fit(figures, shape, count):
    plot_pair_grid("grid.png", *pairs(count, shape), 0.5)
    assert fits(figures[0])
    width, height = figures[0].get_size_inches()
    assert 6 < width < 12
    assert 0.5 < height < 8


def test_histogram_counts_what_a_loop_counts(figures):
    distances = RANDOM.uniform(0, 2, 500)
    same = (RANDOM.random(500) < 0.2).astype(int)
    plot_distances("distances.png", distances, same, 0.75)
    (axes,) = figures[0].axes
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    right = sum((distance <= 0.75) == label for distance, label in zip(distances, same, strict=True)) / 500
    assert texts == [f"Same ({same.sum()})", f"Different ({500 - same.sum()})", f"Threshold 0.750 ({right:.1%} right)"]
    assert axes.lines[0].get_xdata() == [0.75, 0.75]
    drawn = {to_hex(patch.get_edgecolor()): patch.get_data() for patch in axes.patches if not patch.get_fill()}
    for label, colour in ((1, "duplicate"), (0, "different")):
        shares, edges, _ = drawn[COLOURS[colour]]
        assert shares.sum() == pytest.approx(1)
        for share, low, high in zip(shares, edges, edges[1:], strict=False):
            inside = [low <= value < high or value == high == edges[-1] for value in distances[same == label]]
            assert share == pytest.approx(np.mean(inside))


@pytest.mark.parametrize(
    ("distances", "same", "threshold"),
    [([0.0, 0.0], [1, 0], 0.0), ([0.5], [1], 2.0), ([1e6, 3e6], [0, 0], 1e-3), ([1e-7, 2e-7], [1, 0], 1.5e-7)],
)
def test_histograms_of_few_or_equal_distances(figures, distances, same, threshold):
    plot_distances("distances.png", distances, same, threshold)
    assert fits(figures[0])


def test_a_histogram_of_a_million_pairs_has_room_for_its_legend(figures):
    same = np.arange(2_000_000) % 2
    plot_distances("distances.png", same + 0.1, 1 - same, 0.12345)
    assert fits(figures[0])


def points(axes):
    """Return the points of a scatter plot, those of the legend left out, and their colours."""
    drawn = [collection for collection in axes.collections if len(collection.get_offsets())]
    offsets = np.concatenate([np.asarray(collection.get_offsets()) for collection in drawn])
    return offsets, [to_hex(colour) for collection in drawn for colour in collection.get_facecolors()]


def test_projection_keeps_what_two_dimensions_can_keep(figures):
    embeddings = RANDOM.normal(size=(60, 7)) * [5, 3, 1, 1, 0.5, 0.5, 0.1] + 4
    plot_embeddings("embeddings.png", embeddings, np.arange(60) % 3)
    (axes,) = figures[0].axes
    offsets, _ = points(axes)
    centred = embeddings - embeddings.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    expected = left[:, :2] * singular[:2]
    order = np.lexsort(np.abs(offsets).round(9).T), np.lexsort(np.abs(expected).round(9).T)
    np.testing.assert_allclose(np.abs(offsets)[order[0]], np.abs(expected)[order[1]], atol=1e-8)
    share = (singular[:2] ** 2).sum() / (singular**2).sum()
    assert f"two principal components of 7 dimensions, {share:.0%} of the variance" in axes.get_title(loc="left")
    assert axes.get_xlabel() == "First principal component"
    assert fits(figures[0])


def test_two_dimensions_are_drawn_as_they_are(figures):
    embeddings = RANDOM.normal(size=(30, 2))
    labels = np.repeat(["ape", "bee", "cat"], 10)
    plot_embeddings("embeddings.png", embeddings, labels)
    (axes,) = figures[0].axes
    legend = axes.get_legend()
    colours = {
        text.get_text(): to_hex(handle.get_facecolor()[0])
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
    }
    assert list(colours) == ["ape", "bee", "cat"]
    assert len(set(colours.values())) == 3
    found = {tuple(offset): colour for offset, colour in zip(*points(axes), strict=True)}
    assert found == {tuple(row): colours[label] for row, label in zip(embeddings, labels, strict=True)}
    assert "100% of the variance" in axes.get_title(loc="left")


def test_of_many_classes_the_ten_largest_have_a_colour(figures):
    labels = np.repeat(np.arange(40), [20 if number in (7, 33) else 5 for number in range(40)])
    plot_embeddings("embeddings.png", RANDOM.normal(size=(len(labels), 3)), labels)
    (axes,) = figures[0].axes
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "33", "30 other classes"]
    _, colours = points(axes)
    assert len(set(colours)) == 11
    assert max(colours.count(colour) for colour in set(colours)) == 30 * 5
    assert fits(figures[0])


def test_many_embeddings_are_thinned_and_said_so(figures):
    embeddings = RANDOM.normal(size=(12_000, 2))
    plot_embeddings("embeddings.png", embeddings, np.arange(12_000) % 11)
    (axes,) = figures[0].axes
    assert len(points(axes)[0]) == 5000
    assert axes.get_title(loc="left").startswith("5,000 of 12,000 embeddings of 11 classes")


def test_collapsed_embeddings_are_said_to_be(figures):
    plot_embeddings("embeddings.png", np.full((20, 5), 0.3, np.float32), ["one and only class"] * 20)
    (axes,) = figures[0].axes
    assert "collapsed" in axes.get_title(loc="left")
    assert "of 1 class\n" in axes.get_title(loc="left")


def test_long_names_fit(figures):
    names = [f"{number} {'a very long name' * 9}\nof a class" for number in range(10)]
    plot_embeddings("embeddings.png", RANDOM.normal(size=(20, 3)), names * 2)
    assert fits(figures[0])


def test_pictures_are_written_whole_over_an_older_one(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"an older one")
    contents = set()
    for draw in (
        lambda: plot_pair_grid(path, *pairs(3), 0.5),
        lambda: plot_distances(path, [0.1, 0.9], [1, 0], 0.5),
        lambda: plot_embeddings(path, RANDOM.normal(size=(9, 4)), np.arange(9) % 2),
    ):
        draw()
        assert imread(path).ndim == 3
        contents.add(path.read_bytes())
    assert len(contents) == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["picture.png"]
    with pytest.raises(TextsiamError, match="cannot be written"):
        plot_distances(tmp_path / "gone" / "picture.png", [0.1, 0.9], [1, 0], 0.5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: plot_pair_grid("x.png", np.zeros((2, 3, 3)), np.zeros((2, 3, 4)), [0, 1], [1, 2], 1),
        lambda: plot_pair_grid("x.png", np.zeros((2, 3, 3)), np.zeros((2, 3, 3)), [0, 1, 1], [1, 2, 3], 1),
        lambda: plot_pair_grid("x.png", np.zeros((0, 3, 3)), np.zeros((0, 3, 3)), [], [], 1),
        lambda: plot_distances("x.png", [0.1], [0, 1], 1),
        lambda: plot_distances("x.png", [0.1, np.nan], [0, 1], 1),
        lambda: plot_distances("x.png", [0.1, 0.2], [0, 2], 1),
        lambda: plot_distances("x.png", [0.1, 0.2], [0, 1], np.inf),
        lambda: plot_embeddings("x.png", np.zeros(4), [0, 1, 2, 3]),
        lambda: plot_embeddings("x.png", np.zeros((4, 1)), [0, 1, 2, 3]),
        lambda: plot_embeddings("x.png", np.zeros((4, 2)), [0, 1, 2]),
        lambda: plot_embeddings("x.png", np.full((4, 3), np.nan), [0, 1, 2, 3]),
    ],
)
def test_arguments_that_do_not_fit_are_refused(call, figures):
    with pytest.raises(TextsiamError) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert not figures

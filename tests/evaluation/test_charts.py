"""Training curves: what is marked, where, and that nothing of the caller's matplotlib changes."""

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from textsiam.errors import TextsiamError
from textsiam.evaluation.charts import history_figure, plot_history


def test_matplotlib_settings_of_the_caller_stay(tmp_path):
    before = dict(matplotlib.rcParams)
    plot_history(tmp_path / "history.png", {"loss": [0.5]})
    assert dict(matplotlib.rcParams) == before


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("history", "panels"),
    [
        ({"loss": [0.6, 0.4], "val_loss": [0.5, 0.55], "val_accuracy": [0.7, 0.8], "learning_rate": [1, 1]}, 2),
        ({"loss": [0.6, 0.4], "val_loss": [0.5, 0.55], "val_auc": np.array([0.7, 0.8])}, 2),
        ({"loss": [0.6]}, 1),
        ({"loss": [float("nan")] * 3}, 1),
    ],
)
def test_history_is_a_picture(tmp_path, history, panels):
    plot_history(tmp_path / "history.png", history)
    height, width, _ = imread(tmp_path / "history.png").shape
    assert width / height == pytest.approx(4.6 * panels / 3.2, rel=0.01)


def test_history_marks_the_best_epoch_on_whole_numbers():
    figure = history_figure({"loss": [3, 2, 1], "val_loss": [3, 1, 2], "val_accuracy": [0.1, 0.2, 0.3]})
    loss, score = figure.axes
    for axes in (loss, score):
        low, high = axes.get_xlim()
        assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1, 2, 3]
        assert "Best epoch (2)" in [text.get_text() for text in axes.get_legend().get_texts()]
    assert [text.get_text() for text in loss.texts] == ["2.000", "1.000"]
    assert [text.get_text() for text in score.texts] == ["0.200"]


@pytest.mark.parametrize("history", [{}, {"loss": []}, {"val_loss": [1.0]}])
def test_history_without_epochs_is_refused(tmp_path, history):
    with pytest.raises(TextsiamError, match="at least one epoch"):
        plot_history(tmp_path / "history.png", history)


def test_a_picture_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(TextsiamError, match="cannot be written"):
        plot_history(tmp_path / "missing" / "history.png", {"loss": [0.5]})


def test_values_at_the_best_epoch_do_not_cover_each_other():
    for better in ("loss", "val_loss"):
        history = {"loss": [0.2, 0.0601, 0.061], "val_loss": [0.2, 0.0603, 0.062]}
        history[better][1] += 0.0004
        figure = history_figure(history)
        figure.draw_without_rendering()
        one, other = (text.get_window_extent() for text in figure.axes[0].texts)
        assert not one.overlaps(other)

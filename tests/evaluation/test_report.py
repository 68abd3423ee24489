import re
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from textsiam.errors import TextsiamError
from textsiam.evaluation.behaviour import behaviour_cases, run_behaviour
from textsiam.evaluation.figures import evaluate_pairs
from textsiam.evaluation.report import COLOURS, plot_history, write_report

SECTIONS = {
    "figures",
    "confusion",
    "roc",
    "precision-recall",
    "reliability",
    "histogram",
    "slices",
    "mistakes",
    "false-positives",
    "false-negatives",
}


class Page(HTMLParser):
    def __init__(self, source):
        super().__init__()
        self.tags, self.ids, self.links, self.words, self.open = [], [], [], [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ("meta",):
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "xlink:href", "action", "data", "srcset"):
                self.links.append(value)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


class AlwaysDuplicate:
    threshold = 0.5

    def probabilities(self, question1, question2):
        return np.full(len(question1), 0.9)


def report(path, labels, probabilities, question1=None, title="A title", threshold=0.5, seen=None):
    question1 = question1 or [f"how is {row}" for row in range(len(labels))]
    question2 = [f"what is {row}" for row in range(len(labels))]
    tokens = [question.split() for question in question2]
    evaluation = evaluate_pairs(
        question1, question2, tokens, tokens, labels=labels, probabilities=probabilities, threshold=threshold, seen=seen
    )
    write_report(path, evaluation, labels, probabilities, title)
    return evaluation, Page(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    random = np.random.default_rng(0)
    probabilities = random.random(3000)
    labels = (random.random(3000) < probabilities).astype(int)
    path = tmp_path_factory.mktemp("report") / "report.html"
    return *report(path, labels, probabilities, seen=random.integers(0, 3, 3000)), path


def test_page_is_whole_and_self_contained(whole):
    _, page, path = whole
    assert not page.open  # every element is closed, in order
    assert set(page.ids) >= SECTIONS
    assert len(page.ids) == len(set(page.ids))
    assert page.tags.count("svg") == 4
    assert not {"script", "link", "iframe", "object", "img"} & set(page.tags)
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    source = path.read_text("utf-8")
    assert not re.search(r"url\((?!#)|@import", source)
    assert set(re.findall(r"https?://[^\"<\s]+", source)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert path.stat().st_size < 300_000


def test_page_shows_the_figures_and_every_slice(whole):
    evaluation, page, _ = whole
    figures = evaluation.figures
    for value in (figures.accuracy, figures.f1, figures.mcc, figures.roc_auc, figures.log_loss, figures.ece):
        assert f"{value:.3f}" in page.text
    for count in (figures.true_positives, figures.false_positives, figures.true_negatives, figures.false_negatives):
        assert f"{count:,}" in page.text
    for entry in evaluation.slices:
        assert entry.name in page.text
    for mistake in evaluation.mistakes.false_positives + evaluation.mistakes.false_negatives:
        assert mistake.question1 in page.text
        assert f"row {mistake.row}" in page.text


def test_charts_keep_text_as_text_and_colours_as_variables(whole):
    _, page, path = whole
    assert {"False positive rate", "Recall", "Share of duplicates", "Predicted probability"} <= set(page.words)
    charts = re.findall(r"<svg.*?</svg>", path.read_text("utf-8"), flags=re.DOTALL)
    for chart in charts:
        assert "var(--duplicate)" in chart
        assert not any(colour in chart for colour in COLOURS.values())


def test_same_evaluation_gives_the_same_page(whole, tmp_path):
    _, _, path = whole
    random = np.random.default_rng(0)
    probabilities = random.random(3000)
    labels = (random.random(3000) < probabilities).astype(int)
    report(tmp_path / "again.html", labels, probabilities, seen=random.integers(0, 3, 3000))
    assert (tmp_path / "again.html").read_bytes() == path.read_bytes()


def test_text_of_users_is_escaped(tmp_path):
    attack = "<script>alert('&')</script>"
    _, page = report(tmp_path / "r.html", [0, 1], [0.9, 0.1], [attack, '"><img src=x onerror=alert(1)>'], title=attack)
    assert not {"script", "img"} & set(page.tags)
    assert page.words.count(attack) == 3  # in the tab, in the heading and among the mistakes
    assert "&lt;script&gt;" in (tmp_path / "r.html").read_text("utf-8")


def test_long_and_odd_questions(tmp_path):
    _, page = report(tmp_path / "r.html", [0, 1, 0], [0.9, 0.1, 0.8], ["é" * 10_000_000, "a\ud800b", "你\x00好"])
    assert "é" * 300 + "…" in page.text
    assert (tmp_path / "r.html").stat().st_size < 200_000


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("labels", "probabilities", "threshold"),
    [
        ([0, 1], [0.2, 0.7], 0.5),
        ([1, 0], [0.2, 0.7], 0.5),
        ([0, 0, 0], [0.2, 0.7, 0.7], 0.5),
        ([1, 1, 1], [0.2, 0.7, 0.7], 0.5),
        ([1], [1.0], 0.0),
        ([0, 1, 0], [0.5, 0.5, 0.5], 0.9),
        ([0, 1, 0], [0.0, 1.0, 1.0], 1.0),
    ],
)
def test_tiny_and_one_sided_data(tmp_path, labels, probabilities, threshold):
    _, page = report(tmp_path / "r.html", labels, probabilities, threshold=threshold)
    assert set(page.ids) >= SECTIONS
    one_class = len(set(labels)) == 1
    assert page.tags.count("svg") == (2 if one_class else 4)
    assert ("all pairs have the same label" in page.text) == one_class
    assert "nan" not in page.text.lower()


def test_replaces_a_file_in_one_step_and_leaves_no_draft(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")
    report(path, [0, 1], [0.2, 0.7])
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    path.write_text("old")

    def refuse(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", refuse)
    with pytest.raises(TextsiamError, match="No space left"):
        report(path, [0, 1], [0.2, 0.7])
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_unwritable_path_and_bad_rows_are_refused(tmp_path):
    with pytest.raises(TextsiamError, match="cannot be written"):
        report(tmp_path / "missing" / "report.html", [0, 1], [0.2, 0.7])
    evaluation, _ = report(tmp_path / "report.html", [0, 1], [0.2, 0.7])
    with pytest.raises(TextsiamError):
        write_report(tmp_path / "report.html", evaluation, [0, 1], [0.2])


def test_matplotlib_settings_of_the_caller_stay(tmp_path):
    before = dict(matplotlib.rcParams)
    report(tmp_path / "report.html", [0, 1], [0.2, 0.7])
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


def test_history_marks_the_best_epoch_on_whole_numbers(tmp_path, monkeypatch):
    drawn = []
    save = matplotlib.figure.Figure.savefig
    monkeypatch.setattr(
        "matplotlib.figure.Figure.savefig", lambda self, *a, **k: (drawn.append(self), save(self, *a, **k))
    )
    plot_history(tmp_path / "h.png", {"loss": [3, 2, 1], "val_loss": [3, 1, 2], "val_accuracy": [0.1, 0.2, 0.3]})
    loss, score = drawn[0].axes
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


def test_behaviour_is_shown_where_it_was_tested(whole, tmp_path):
    _, without, _ = whole
    assert "behaviour" not in without.ids
    results = run_behaviour(AlwaysDuplicate(), behaviour_cases())
    evaluation = evaluate_pairs(["a"], ["b"], [["a"]], [["b"]], labels=[1], probabilities=[0.9], threshold=0.5)
    path = tmp_path / "report.html"
    write_report(path, evaluation, [1], [0.9], behaviours=results)
    page = Page(path.read_text("utf-8"))
    assert not page.open
    assert "behaviour" in page.ids
    for result in results:
        assert result.capability in page.text
        for failure in result.examples:
            assert failure.pairs[0][1] in page.text


def test_values_at_the_best_epoch_do_not_cover_each_other(monkeypatch):
    figures = []
    monkeypatch.setattr("textsiam.evaluation.report.write_png", lambda _, figure: figures.append(figure))
    for better in ("loss", "val_loss"):
        history = {"loss": [0.2, 0.0601, 0.061], "val_loss": [0.2, 0.0603, 0.062]}
        history[better][1] += 0.0004
        plot_history("unused.png", history)
        figures[-1].draw_without_rendering()
        one, other = (text.get_window_extent() for text in figures[-1].axes[0].texts)
        assert not one.overlaps(other)

"""The page: whole, self-contained, safe to show what users wrote."""

import re
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pytest

from textsiam.errors import TextsiamError
from textsiam.evaluation.behaviour import behaviour_cases, run_behaviour
from textsiam.evaluation.charts import COLOURS
from textsiam.evaluation.model import evaluate_pairs
from textsiam.evaluation.report import write_report

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


def test_no_control_character_of_a_question_stands_in_the_page(tmp_path):
    controls = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0xD800, 0xDFFF, 0xFFFE, 0xFFFF]))
    questions = [f"be{controls}fore", *(f"<{sign}>" for sign in controls)]
    labels = [0, *([1] * len(controls))]
    probabilities = [0.9, *([0.1] * len(controls))]
    _, page = report(tmp_path / "r.html", labels, probabilities, questions, title=f"A{controls}title")
    source = (tmp_path / "r.html").read_bytes().decode("utf-8")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", source)
    shown = "".join(" " if sign in "\t\n\r" else "\ufffd" for sign in controls)
    assert f"be{shown}fore" in source
    assert f"<title>A{shown}title</title>" in source
    assert "<\ufffd>" in page.words  # a sign alone, its neighbours kept


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
    assert dict(matplotlib.rcParams) == before


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
